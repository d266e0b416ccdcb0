"""Draw the errors of all inputs, with their intervals."""

import pandas as pd

from motilens import metrics, plots, step


def main(statistics, errors, output):
    with step.written_whole(output) as temporary:
        plots.errors(*map(pd.read_csv, (statistics, errors)), metrics.ZERO_R, temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input.statistics, snakemake.input.errors, snakemake.output[0])
