"""Index the clips of some samples: frames, size and rate of each video, and the clips' digest."""

import logging

import pandas as pd

from motilens.clips.duplicates import find_near_duplicates
from motilens.clips.records import check_clips_differ
from motilens.core.files import write_table
from motilens.core.records import read_record
from motilens.pipeline.job import run_job

logger = logging.getLogger("motilens.step")


def main(job):
    records = [read_record(path) for path in job.input]
    check_clips_differ(records)
    for first, second in find_near_duplicates(records) if job.wildcards.group == "all" else ():
        logger.warning(
            f"the videos of samples {first['sample']} and {second['sample']} ({first['video']} and "
            f"{second['video']}) look the same: if one is a re-encoded or cut copy of the other, "
            "one person is in training and held out: remove it"
        )
    table = pd.DataFrame(records).drop(columns=["filters", "made", "thumbnail"], errors="ignore")
    write_table(job.output[0], table)


if __name__ == "__main__":
    run_job(main, snakemake)
