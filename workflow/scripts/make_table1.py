"""Set the errors beside those of the paper's Table 1."""

import pandas as pd

from motilens import pages, step, tables


def main(errors, output, settings):
    mae = pd.read_csv(errors, dtype={"folds": str, "left_out": str})
    table = tables.table1(mae)
    with step.written_whole(output.csv) as temporary:
        table.to_csv(temporary, index=False)
    page = tables.page(table, mae, settings["simulated"])
    for text, path in ((pages.markdown(page), output.markdown), (pages.web(page), output.web)):
        with step.written_whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input.table, snakemake.output, snakemake.params.settings)
