"""Write the checked table of samples, and the folds by themselves."""

import pandas as pd

from motilens.core.files import atomic_write
from motilens.core.labels import LABELS, VIDEO_FACTS
from motilens.pipeline.job import run_job


def main(job):
    samples = job.params.depends_on["samples"]
    for line in job.params.depends_on["warnings"]:
        print(f"WARNING: {line}")  # in the log only: the plan has shown it on the terminal
    table = pd.DataFrame.from_dict(samples, orient="index").rename_axis("sample")
    known = [name for name in (*VIDEO_FACTS, *LABELS) if name in table]
    with atomic_write(job.output.table) as temporary:
        table[["participant", "video", "fold", *known]].to_csv(temporary)
    folds = table.set_index("participant")["fold"]
    with atomic_write(job.output.folds) as temporary:
        folds[~folds.index.duplicated()].to_csv(temporary)


if __name__ == "__main__":
    run_job(main, snakemake)
