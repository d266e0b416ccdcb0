"""Summarize how the models of this run were made, and what they cost."""

from motilens.core.files import write_table
from motilens.core.records import read_record
from motilens.pipeline.job import run_job
from motilens.reports.page import write_page
from motilens.reports.run_summary import build_run_page, make_models_table


def main(job):
    records = [read_record(path) for path in job.input.records]
    models = make_models_table(records, map(read_record, job.input.runs))
    write_table(job.output.models, models)
    settings = job.params.depends_on["settings"]
    page = build_run_page(models, records, read_record(job.input.errors), settings)
    write_page(page, job.output.markdown, job.output.web)


if __name__ == "__main__":
    run_job(main, snakemake)
