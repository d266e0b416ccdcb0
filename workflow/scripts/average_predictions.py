"""Predict the percentages of the held-out participants by the mean of several rows' answers."""

from motilens import ensembles, predictions, step, tables


def main(inputs, output, wildcards, params):
    records = [step.read_record(path) for path in inputs.records]
    held_out = params.held_out["held_out"]
    for record in records:
        predictions.check_folds(record["training"], held_out, record["training"])
    members = [
        tables.read_predictions(path, record)
        for path, record in zip(inputs.predictions, records, strict=True)
    ]
    with step.written_whole(output.predictions) as temporary:
        ensembles.average(members).to_csv(temporary, index=False)
    names = params.settings["members"]
    described = dict(wildcards.items()) | {
        "input": wildcards.ensemble,
        "autoencoder_collapsed": any(record["autoencoder_collapsed"] for record in records),
        "health": {kind: of_members(kind, records) for kind in ("problem", "warning")},
        **params.training,
        **params.held_out,
        "predictions_sha256": step.sha256(output.predictions),
        **step.provenance(
            params.code,
            {
                "values": params.settings[f"targets.{wildcards.target}"],
                "weights": "none",
                "members": names,
            },
        ),
    }
    step.write_record(output.record, described)


def of_members(kind, records):
    """What is wrong with any of them, in a line; None if nothing is."""
    told = [
        f"{record['input']}: {record['health'][kind]}"
        for record in records
        if record["health"][kind]
    ]
    return "; ".join(told) or None


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input, snakemake.output, snakemake.wildcards, snakemake.params)
