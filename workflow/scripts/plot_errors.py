"""Draw the errors of all inputs, with their intervals."""

import pandas as pd

from motilens.core.files import atomic_write
from motilens.evaluation.metrics import ZERO_R
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_errors


def main(statistics, errors, output):
    with atomic_write(output) as temporary:
        plot_errors(*map(pd.read_csv, (statistics, errors)), ZERO_R, temporary)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake.input.statistics, snakemake.input.errors, snakemake.output[0])
