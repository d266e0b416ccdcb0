"""Write Table 1: errors of all methods, on VISEM beside the paper's."""

from motilens.core.files import write_table
from motilens.core.records import read_record
from motilens.evaluation.results import read_mae_table, read_result
from motilens.pipeline.job import run_job
from motilens.reports.page import write_page
from motilens.reports.table1 import build_table1_page, make_table1


def main(job):
    mae = read_mae_table(job.input.table, read_record(job.input.record))
    table = make_table1(mae)
    write_table(job.output.csv, table)
    comparisons = read_result(job.input.comparisons)
    page = build_table1_page(table, mae, comparisons, job.params.depends_on["settings"])
    write_page(page, job.output.markdown, job.output.web)


if __name__ == "__main__":
    run_job(main, snakemake)
