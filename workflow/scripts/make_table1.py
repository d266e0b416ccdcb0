"""Set the errors beside those of the paper's Table 1."""

import pandas as pd

from motilens.core.files import atomic_write
from motilens.pipeline.job import run_job
from motilens.reports.page import write_page
from motilens.reports.table1 import build_table1_page, make_table1


def main(job):
    mae = pd.read_csv(job.input.table, dtype={"folds": str, "skipped": str})
    table = make_table1(mae)
    with atomic_write(job.output.csv) as temporary:
        table.to_csv(temporary, index=False)
    is_simulated = job.params.depends_on["settings"]["simulated"]
    page = build_table1_page(table, mae, is_simulated)
    write_page(page, job.output.markdown, job.output.web)


if __name__ == "__main__":
    run_job(main, snakemake)
