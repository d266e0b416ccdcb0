"""Write the checked table of samples, and the folds by themselves."""

import pandas as pd

from motilens.core.files import write_table
from motilens.core.labels import LABELS, VIDEO_FACTS
from motilens.pipeline.job import run_job


def main(job):
    samples = job.params.depends_on["samples"]
    for line in job.params.depends_on["warnings"]:
        print(f"WARNING: {line}")  # in the log only: the plan has shown it on the terminal
    table = pd.DataFrame.from_dict(samples, orient="index").rename_axis("sample")
    known = [name for name in (*VIDEO_FACTS, *LABELS) if name in table]
    columns = ["sample", "participant", "video", "fold", *known]
    write_table(job.output.table, table.reset_index()[columns])
    folds = table[["participant", "fold"]].drop_duplicates("participant")
    write_table(job.output.folds, folds)


if __name__ == "__main__":
    run_job(main, snakemake)
