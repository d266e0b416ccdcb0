"""Check predictions that were made elsewhere, and copy them beside ours."""

from motilens.core.files import hash_file, write_table
from motilens.core.records import make_provenance, write_record
from motilens.evaluation.external_predictions import read_external_predictions
from motilens.evaluation.predictions import check_no_leakage
from motilens.pipeline.job import run_job


def main(job):
    depends_on, wildcards = job.params.depends_on, job.wildcards
    training, held_out = depends_on["training"], depends_on["held_out"]
    check_no_leakage(training, held_out, training)
    values = depends_on["settings"][f"targets.{wildcards.target}"]
    path, skipped = job.input.predictions, depends_on["skipped"]
    predictions = read_external_predictions(path, held_out, values, skipped)
    write_table(job.output.predictions, predictions)
    description = dict(wildcards.items()) | {
        "method": wildcards.external,
        "autoencoder_collapsed": False,
        "diagnostics": {"failure": None, "warning": None},
        "training": training,
        "held_out": held_out,
        "files": depends_on["files"],
        "predictions_sha256": hash_file(job.output.predictions),
        **make_provenance(depends_on["code"], {"values": values, "external": True}),
    }
    write_record(job.output.record, description)


if __name__ == "__main__":
    run_job(main, snakemake)
