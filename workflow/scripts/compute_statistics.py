"""Compute intervals over participants, agreement, and paired comparisons of all methods."""

from motilens.core.files import write_table
from motilens.core.records import read_record
from motilens.evaluation.mae_table import label_table
from motilens.evaluation.statistics import (
    add_constant_rules,
    average_over_stacks,
    compare_methods,
    read_all_predictions,
    summarize_errors,
)
from motilens.pipeline.job import run_job
from motilens.reports.page import write_page
from motilens.reports.statistics_page import build_statistics_page, collect_quality_flags


def main(job):
    records = [read_record(path) for path in job.input.records]
    labels = {(r["target"], int(r["fold"])): label_table(r) for r in records}
    table = add_constant_rules(read_all_predictions(job.input.predictions, records), labels)
    summary, comparisons = summarize_errors(table), compare_methods(table)
    write_table(job.output.summary, summary)
    write_table(job.output.comparisons, comparisons)
    write_table(job.output.samples, average_over_stacks(table))
    flags, reference = (
        collect_quality_flags(records),
        job.params.depends_on["settings"]["reference"],
    )
    page = build_statistics_page(summary, comparisons, flags, reference)
    write_page(page, job.output.markdown, job.output.web)


if __name__ == "__main__":
    run_job(main, snakemake)
