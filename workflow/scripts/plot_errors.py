"""Draw the errors of all methods, with their intervals."""

import pandas as pd

from motilens.core.files import atomic_write
from motilens.evaluation.metrics import ZERO_R
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_errors


def main(job):
    summary, mae = (pd.read_csv(path) for path in (job.input.statistics, job.input.errors))
    with atomic_write(job.output[0]) as temporary:
        plot_errors(summary, mae, ZERO_R, temporary)


if __name__ == "__main__":
    run_job(main, snakemake)
