"""Draw the errors of all methods, with their intervals."""

from motilens.core.records import read_record
from motilens.evaluation.results import read_mae_table, read_result
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_errors


def main(job):
    summary = read_result(job.input.statistics)
    mae = read_mae_table(job.input.errors, read_record(job.input.record))
    plot_errors(summary, mae, job.params.depends_on["settings"]["reference"], job.output)


if __name__ == "__main__":
    run_job(main, snakemake)
