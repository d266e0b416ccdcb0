"""Compute the errors of all models, in one table."""

import pandas as pd

from motilens.core.files import hash_file, write_table
from motilens.core.records import make_provenance, read_record, write_record
from motilens.evaluation.mae_table import make_mae_row
from motilens.evaluation.results import read_predictions
from motilens.pipeline.job import run_job


def main(job):
    depends_on = job.params.depends_on
    records = {path: read_record(path) for path in job.input.records}
    pairs = zip(job.input.predictions, records.values(), strict=True)
    rows = [make_mae_row(read_predictions(path, record), record) for path, record in pairs]
    folds, skipped = depends_on["folds_digest"], depends_on["skipped"]
    table = pd.DataFrame(rows).assign(folds=folds, skipped=" ".join(skipped))
    write_table(job.output.table, table)
    made = make_provenance(depends_on["code"], depends_on["settings"])
    split = {"folds_digest": folds, "skipped": skipped}
    digest = {"table_sha256": hash_file(job.output.table)}
    write_record(job.output.record, made | split | digest | {"models": records})


if __name__ == "__main__":
    run_job(main, snakemake)
