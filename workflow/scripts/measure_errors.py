"""Put the errors of all regressors into one table."""

import pandas as pd

from motilens.core.files import atomic_write
from motilens.core.records import make_provenance, read_record, write_record
from motilens.evaluation.mae_table import make_mae_row
from motilens.evaluation.predictions import read_predictions
from motilens.pipeline.job import run_job


def main(predictions, records, output, settings, code):
    made = {path: read_record(path) for path in records}
    rows = [
        make_mae_row(read_predictions(path, record), record)
        for path, record in zip(predictions, made.values(), strict=True)
    ]
    common = {"folds": settings["folds_digest"], "left_out": " ".join(settings["left_out"])}
    with atomic_write(output.table) as temporary:
        pd.DataFrame(rows).assign(**common).to_csv(temporary, index=False)
    write_record(output.made, make_provenance(code, settings) | {"regressors": made})


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.input.predictions,
            snakemake.input.records,
            snakemake.output,
            snakemake.params.settings,
            snakemake.params.code,
        )
