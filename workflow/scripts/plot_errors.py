"""Draw the errors of all methods, with their intervals."""

from motilens.evaluation.metrics import ZERO_R
from motilens.evaluation.results import read_result
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_errors


def main(job):
    summary, mae = (read_result(path) for path in (job.input.statistics, job.input.errors))
    plot_errors(summary, mae, ZERO_R, job.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)
