"""Say how the models of this run were made, and what they cost."""

from motilens.core.files import atomic_write
from motilens.core.records import read_record
from motilens.pipeline.job import run_job
from motilens.reports.page import write_page
from motilens.reports.run_summary import build_run_page, make_models_table


def main(inputs, output, settings):
    records = [read_record(path) for path in inputs.records]
    models = make_models_table(records, map(read_record, inputs.runs))
    with atomic_write(output.models) as temporary:
        models.to_csv(temporary, index=False)
    page = build_run_page(models, records, read_record(inputs.errors), settings)
    write_page(page, output.markdown, output.web)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake.input, snakemake.output, snakemake.params.settings)
