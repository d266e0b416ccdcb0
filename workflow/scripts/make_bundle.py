"""Put all models of an input type, of `cells` or of an ensemble of them into one file."""

import pandas as pd

from motilens import InputError, appearance, bundle, cards, checkpoints, proportions, stacks, step


def main(inputs, output, name, params):
    records = [step.read_record(path) for path in inputs.records]
    weights = iter(inputs.weights)  # in the order of the records of those that have some
    members = [
        member(path, None if "fitted" in record else next(weights))
        for path, record in zip(inputs.records, records, strict=True)
    ]
    known = params.training["training"]
    files = stacks.by_sample(inputs.frames, known)
    decoded = {record["sample"]: record for record in map(step.read_record, inputs.frame_records)}
    measured = [
        appearance.measure(stacks.read_clips(path), decoded[name]) for name, path in files.items()
    ]
    errors = cards.errors_of(name, *map(pd.read_csv, (inputs.summary, inputs.comparisons)))
    order = dict.fromkeys(member["target"] for member in members)
    card = cards.written(name, records, errors, params.settings)
    no_better = errors.index[~(errors["better_low"] > 0)]
    digest = bundle.write(
        output.bundle,
        {
            "members": members,
            # In the order of the models, and so of the paper.
            "targets": {name: params.settings["targets"][name] for name in order},
            "frames": params.settings["frames"],
            "ranges": appearance.ranges(measured),
            "tracks": params.settings["tracks"],
            "no_better": list(no_better),
            "known": sorted({made["frames"] for made in known.values()}),
            "card": card,
        },
    )
    with step.written_whole(output.card) as temporary:
        temporary.write_text(card, encoding="utf-8")
    made = {"sha256": digest, "models": len(members), **params.training}
    for target in no_better:
        step.warn(
            f"{name}, {target}: on participants held out, the error of ZeroR, which always answers "
            "the mean, less its own is {better:.2f} [{better_low:.2f}, {better_high:.2f}], not "
            "for certain above 0: nothing shows that its answers are worth anything".format(
                **errors.loc[target]
            )
        )
    step.write_record(output.record, made | step.provenance(params.code, params.settings))


def member(record, weights):
    """A model as `bundle.write` wants it.

    Args:
        record, weights: its files; None for those of a regression of cells, which has none.
    """
    made = step.read_record(record)
    known = {"target": made["target"], "fold": int(made["fold"]), "seed": int(made["seed"])}
    if weights:
        model, made = checkpoints.load(weights, record)
        return known | {"architecture": made["architecture"], "weights": model.state_dict()}
    try:
        proportions.Kinds.restored(made["fitted"])
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"{record}: fitted: {error}: delete it and run again") from error
    return known | {"kinds": made["fitted"]}


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input,
            snakemake.output,
            snakemake.wildcards.input,
            snakemake.params,
        )
