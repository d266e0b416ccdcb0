"""Predict the percentages of the held-out participants by the mean of several methods."""

from motilens.core.files import hash_file, write_table
from motilens.core.records import make_provenance, read_record, write_record
from motilens.evaluation.ensembling import average_predictions, merge_diagnostics
from motilens.evaluation.predictions import check_no_leakage
from motilens.evaluation.results import read_predictions
from motilens.pipeline.job import run_job


def main(job):
    depends_on, wildcards = job.params.depends_on, job.wildcards
    training, held_out = depends_on["training"], depends_on["held_out"]
    records = [read_record(path) for path in job.input.records]
    for record in records:
        check_no_leakage(record["training"], held_out, record["training"])
    pairs = zip(job.input.predictions, records, strict=True)
    members = [read_predictions(path, record) for path, record in pairs]
    write_table(job.output.predictions, average_predictions(members))
    settings = depends_on["settings"]
    settings = {"values": settings[f"targets.{wildcards.target}"], "members": settings["members"]}
    description = dict(wildcards.items()) | {
        "method": wildcards.ensemble,
        "autoencoder_collapsed": any(record["autoencoder_collapsed"] for record in records),
        "diagnostics": merge_diagnostics(records),
        "training": training,
        "held_out": held_out,
        "predictions_sha256": hash_file(job.output.predictions),
        **make_provenance(depends_on["code"], settings),
    }
    write_record(job.output.record, description)


if __name__ == "__main__":
    run_job(main, snakemake)
