"""Draw predicted against true percentages of all held-out samples, and their differences."""

from motilens.core.records import read_record
from motilens.evaluation.mae_table import label_table
from motilens.evaluation.statistics import (
    add_constant_rules,
    average_over_stacks,
    read_all_predictions,
)
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_agreement, plot_predicted


def main(job):
    records = [read_record(path) for path in job.input.records]
    labels = {(r["target"], int(r["fold"])): label_table(r) for r in records}
    table = add_constant_rules(read_all_predictions(job.input.predictions, records), labels)
    cases = average_over_stacks(table)
    reference = job.params.depends_on["settings"]["reference"]
    plot_agreement(cases, reference, job.output.agreement)
    plot_predicted(cases, reference, job.output.predicted)


if __name__ == "__main__":
    run_job(main, snakemake)
