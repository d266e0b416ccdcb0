"""List the clips of some samples: frames, size and rate of each video, and their digest."""

import pandas as pd

from motilens.clips.duplicates import find_near_duplicates
from motilens.clips.records import check_clips_differ
from motilens.core.files import atomic_write
from motilens.core.records import read_record
from motilens.pipeline.job import run_job, warn


def main(records, output, everybody):
    table = [read_record(path) for path in records]
    check_clips_differ(table)
    for first, second in find_near_duplicates(table) if everybody else ():
        warn(
            f"the videos of samples {first['sample']} and {second['sample']} ({first['video']} and "
            f"{second['video']}) look the same: if one is a copy of the other, coded anew or cut, "
            "one person is in training and held out: remove it"
        )
    with atomic_write(output) as temporary:
        listed = pd.DataFrame(table).drop(columns=["filters", "made", "thumbnail"], errors="ignore")
        listed.to_csv(temporary, index=False)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake.input, snakemake.output[0], snakemake.wildcards.group == "all")
