"""Write all tables and figures of a run into one page."""

import os
from datetime import datetime
from pathlib import Path

from motilens.core.files import atomic_write
from motilens.core.records import motilens_version, read_record
from motilens.evaluation.results import read_mae_table, read_result
from motilens.pipeline.job import CONFIG_VARIABLE, run_job
from motilens.reports.report import FIGURES, Results, describe_code, render_report


def main(job):
    depends_on, paths = job.params.depends_on, job.input
    record = read_record(paths.record)
    results = Results(
        table1=read_result(paths.table1),
        mae=read_mae_table(paths.table, record),
        statistics=read_result(paths.statistics),
        comparisons=read_result(paths.comparisons),
        samples=read_result(paths.samples, dtype={"participant": str, "sample": str}),
        record=record,
    )
    videos = depends_on["samples"]
    text = render_report(
        results,
        depends_on["settings"],
        videos,
        {name: getattr(paths, name) for name in FIGURES},
        {Path(path).stem: path for path in paths.contact_sheets},
        paths.run_summary,
        {
            "config": os.environ.get(CONFIG_VARIABLE, ""),
            "date": datetime.now().astimezone().date().isoformat(),
            "code": describe_code(Path(__file__).parents[2], motilens_version()),
        },
        job.config,
    )
    with atomic_write(job.output[0]) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)
