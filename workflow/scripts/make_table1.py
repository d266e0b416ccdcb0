"""Set the errors beside those of the paper's Table 1."""

import pandas as pd

from motilens.core.files import atomic_write
from motilens.pipeline.job import run_job
from motilens.reports.page import write_page
from motilens.reports.table1 import build_table1_page, make_table1


def main(errors, output, settings):
    mae = pd.read_csv(errors, dtype={"folds": str, "left_out": str})
    table = make_table1(mae)
    with atomic_write(output.csv) as temporary:
        table.to_csv(temporary, index=False)
    page = build_table1_page(table, mae, settings["simulated"])
    write_page(page, output.markdown, output.web)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake.input.table, snakemake.output, snakemake.params.settings)
