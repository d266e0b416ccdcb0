"""Draw predicted against true percentages of all held-out samples, and their differences."""

from motilens.core.records import read_record
from motilens.evaluation.statistics import average_over_stacks, read_all_predictions
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_agreement, plot_predicted


def main(job):
    table = read_all_predictions(job.input.predictions, map(read_record, job.input.records))
    cases = average_over_stacks(table)
    plot_agreement(cases, job.output.agreement)
    plot_predicted(cases, job.output.predicted)


if __name__ == "__main__":
    run_job(main, snakemake)
