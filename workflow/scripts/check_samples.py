"""Write the checked table of samples, and the folds by themselves."""

import pandas as pd

from motilens import step
from motilens.samples import LABELS


def main(output, rows):
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("participant")
    with step.written_whole(output.table) as temporary:
        table[["video", "fold", *LABELS]].to_csv(temporary)
    with step.written_whole(output.folds) as temporary:
        table["fold"].to_csv(temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.output, snakemake.params.settings["samples"])
