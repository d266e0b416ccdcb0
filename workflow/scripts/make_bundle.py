"""Put all models of an input type, of `cells` or of an ensemble of them into one file."""

import pandas as pd

from motilens.clips.hdf5 import match_clips_to_samples, read_clips
from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.core.records import make_provenance, read_record, write_record
from motilens.inference.bundle import write_bundle
from motilens.inference.domain_shift import measure_appearance, training_ranges
from motilens.pipeline.job import run_job, warn
from motilens.reports.model_card import errors_vs_zero_r, render_model_card
from motilens.tracking.label_proportions import LabelProportionModel
from motilens.training.model_files import load_model


def main(inputs, output, name, params):
    records = [read_record(path) for path in inputs.records]
    weights = iter(inputs.weights)  # in the order of the records of those that have some
    members = [
        member(path, None if "fitted" in record else next(weights))
        for path, record in zip(inputs.records, records, strict=True)
    ]
    known = params.training["training"]
    files = match_clips_to_samples(inputs.frames, known)
    decoded = {record["sample"]: record for record in map(read_record, inputs.frame_records)}
    measured = [measure_appearance(read_clips(path), decoded[name]) for name, path in files.items()]
    errors = errors_vs_zero_r(name, *map(pd.read_csv, (inputs.summary, inputs.comparisons)))
    order = dict.fromkeys(member["target"] for member in members)
    card = render_model_card(name, records, errors, params.settings)
    no_better = errors.index[~(errors["better_low"] > 0)]
    digest = write_bundle(
        output.bundle,
        {
            "members": members,
            # In the order of the models, and so of the paper.
            "targets": {name: params.settings["targets"][name] for name in order},
            "frames": params.settings["frames"],
            "ranges": training_ranges(measured),
            "tracks": params.settings["tracks"],
            "no_better": list(no_better),
            "known": sorted({made["frames"] for made in known.values()}),
            "card": card,
        },
    )
    with atomic_write(output.card) as temporary:
        temporary.write_text(card, encoding="utf-8")
    made = {"sha256": digest, "models": len(members), **params.training}
    for target in no_better:
        warn(
            f"{name}, {target}: on participants held out, the error of ZeroR, which always answers "
            "the mean, less its own is {better:.2f} [{better_low:.2f}, {better_high:.2f}], not "
            "for certain above 0: nothing shows that its answers are worth anything".format(
                **errors.loc[target]
            )
        )
    write_record(output.record, made | make_provenance(params.code, params.settings))


def member(record, weights):
    """A model as `bundle.write` wants it.

    Args:
        record, weights: its files; None for those of a regression of cells, which has none.
    """
    made = read_record(record)
    known = {"target": made["target"], "fold": int(made["fold"]), "seed": int(made["seed"])}
    if weights:
        model, made = load_model(weights, record)
        return known | {"architecture": made["architecture"], "weights": model.state_dict()}
    try:
        LabelProportionModel.restored(made["fitted"])
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"{record}: fitted: {error}: delete it and run again") from error
    return known | {"kinds": made["fitted"]}


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.input,
            snakemake.output,
            snakemake.wildcards.input,
            snakemake.params,
        )
