"""Draw predicted against true percentages of all held-out samples, and their differences."""

from motilens.core.files import atomic_write
from motilens.core.records import read_record
from motilens.evaluation.statistics import average_over_stacks, read_all_predictions
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_agreement, plot_predicted


def main(predictions, records, output):
    table = read_all_predictions(predictions, map(read_record, records))
    cases = average_over_stacks(table)
    for draw, path in ((plot_agreement, output.agreement), (plot_predicted, output.predicted)):
        with atomic_write(path) as temporary:
            draw(cases, temporary)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake.input.predictions, snakemake.input.records, snakemake.output)
