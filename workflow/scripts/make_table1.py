"""Set the errors beside those of the paper's Table 1."""

import pandas as pd

from motilens import pages, step, tables


def main(errors, output, settings):
    mae = pd.read_csv(errors, dtype={"folds": str, "left_out": str})
    table = tables.table1(mae)
    with step.written_whole(output.csv) as temporary:
        table.to_csv(temporary, index=False)
    page = tables.page(table, mae, settings["simulated"])
    pages.write(page, output.markdown, output.web)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input.table, snakemake.output, snakemake.params.settings)
