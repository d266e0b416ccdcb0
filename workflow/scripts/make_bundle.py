"""Put all models of one input type, or of `cells`, into one file, for new videos."""

import pandas as pd

from motilens import InputError, appearance, bundle, cards, checkpoints, proportions, stacks, step


def main(inputs, output, name, params):
    records = [step.read_record(path) for path in inputs.records]
    members = [
        {"target": made["target"], "fold": int(made["fold"]), "seed": int(made["seed"])}
        for made in records
    ]
    if inputs.weights:
        for member, *files in zip(members, inputs.weights, inputs.records, strict=True):
            model, made = checkpoints.load(*files)
            member |= {"architecture": made["architecture"], "weights": model.state_dict()}
    else:
        for member, made, path in zip(members, records, inputs.records, strict=True):
            member["kinds"] = whole(made.get("fitted"), path)
    known = params.training["training"]
    files = stacks.by_sample(inputs.frames, known)
    decoded = {record["sample"]: record for record in map(step.read_record, inputs.frame_records)}
    measured = [
        appearance.measure(stacks.read_clips(path), decoded[name]) for name, path in files.items()
    ]
    errors = cards.errors_of(name, pd.read_csv(inputs.errors))
    order = dict.fromkeys(member["target"] for member in members)
    card = cards.written(name, records, errors, params.settings)
    no_better = errors.index[errors["error"] >= errors["ZeroR"]]
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
            f"{name}, {target}: errs by {errors['error'][target]:.1f} on participants held out, "
            f"and ZeroR, which always answers the mean, by {errors['ZeroR'][target]:.1f}: its "
            "answers are worth nothing"
        )
    step.write_record(output.record, made | step.provenance(params.code, params.settings))


def whole(fitted, path):
    """What a regression of cells has learned, after a look.

    Raises:
        InputError: the record was edited or damaged.
    """
    try:
        proportions.Kinds.restored(fitted)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"{path}: fitted: {error}: delete it and run again") from error
    return fitted


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input,
            snakemake.output,
            snakemake.wildcards.input,
            snakemake.params,
        )
