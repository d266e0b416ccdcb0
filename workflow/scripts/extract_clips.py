"""Cut the clips of one video and store them as gray levels."""

import logging

from motilens.clips.duplicates import make_thumbnail
from motilens.clips.extract import extract_clips, write_empty_clips
from motilens.clips.previews import mean_first_frame
from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.core.records import make_provenance, write_record
from motilens.pipeline.job import restore_storage_addresses, run_job
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.fingerprints import matches_plan

logger = logging.getLogger("motilens.step")


def main(job):
    depends_on, video, sample = job.params.depends_on, job.input.video, job.wildcards.sample
    settings = depends_on["settings"]
    frames = settings["frames"] | {"clip_length": settings["clip_length"]}
    try:
        with atomic_write(job.output.clips) as temporary:
            record = extract_clips(video, temporary, frames, sample, depends_on["facts"])
            if not matches_plan(video, depends_on.get("video")):
                raise InputError(f"{video} was changed during the run: run again")
        record["thumbnail"] = make_thumbnail(mean_first_frame(job.output.clips))
    except DamagedVideo as error:
        # No param: it must not make those stale that can be read.
        if job.config["dataset"]["on_unreadable_video"] != "skip":
            raise
        reason = restore_storage_addresses(str(error))
        with atomic_write(job.output.clips) as temporary:
            record = write_empty_clips(temporary, frames, sample, video, reason)
        logger.warning(
            f"{reason} (skipped until it is replaced; to try the same file again, delete "
            f"{job.output.record})"
        )
    if record.get("warning"):
        logger.warning(f"{video}: {record['warning']}")
    made = make_provenance(depends_on["code"], settings)
    write_record(job.output.record, record | {"made": made})


if __name__ == "__main__":
    run_job(main, snakemake)
