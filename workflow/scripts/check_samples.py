"""Write the checked table of samples, and the folds by themselves."""

import pandas as pd

from motilens import step
from motilens.samples import FACTS, LABELS


def main(output, samples, warnings):
    for line in warnings:
        print(f"WARNING: {line}")
    table = pd.DataFrame.from_dict(samples, orient="index").rename_axis("sample")
    known = [name for name in (*FACTS, *LABELS) if name in table]
    with step.written_whole(output.table) as temporary:
        table[["participant", "video", "fold", *known]].to_csv(temporary)
    folds = table.set_index("participant")["fold"]
    with step.written_whole(output.folds) as temporary:
        folds[~folds.index.duplicated()].to_csv(temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.output, **snakemake.params.settings)
