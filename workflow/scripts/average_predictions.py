"""Predict the percentages of the held-out participants by the mean of several rows' answers."""

from motilens.core.files import atomic_write, hash_file
from motilens.core.records import make_provenance, read_record, write_record
from motilens.evaluation.ensembling import average_predictions
from motilens.evaluation.predictions import check_no_leakage, read_predictions
from motilens.pipeline.job import run_job


def main(inputs, output, wildcards, params):
    records = [read_record(path) for path in inputs.records]
    held_out = params.held_out["held_out"]
    for record in records:
        check_no_leakage(record["training"], held_out, record["training"])
    members = [
        read_predictions(path, record)
        for path, record in zip(inputs.predictions, records, strict=True)
    ]
    with atomic_write(output.predictions) as temporary:
        average_predictions(members).to_csv(temporary, index=False)
    names = params.settings["members"]
    described = dict(wildcards.items()) | {
        "input": wildcards.ensemble,
        "autoencoder_collapsed": any(record["autoencoder_collapsed"] for record in records),
        "health": {kind: of_members(kind, records) for kind in ("problem", "warning")},
        **params.training,
        **params.held_out,
        "predictions_sha256": hash_file(output.predictions),
        **make_provenance(
            params.code,
            {
                "values": params.settings[f"targets.{wildcards.target}"],
                "weights": "none",
                "members": names,
            },
        ),
    }
    write_record(output.record, described)


def of_members(kind, records):
    """What is wrong with any of them, in a line; None if nothing is."""
    told = [
        f"{record['input']}: {record['health'][kind]}"
        for record in records
        if record["health"][kind]
    ]
    return "; ".join(told) or None


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake.input, snakemake.output, snakemake.wildcards, snakemake.params)
