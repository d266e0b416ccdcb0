"""Cut the clips of one video and keep them as grey levels."""

from motilens.clips.duplicates import make_thumbnail
from motilens.clips.extract import extract_clips, write_empty_clips
from motilens.clips.previews import mean_first_frame
from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.core.records import make_provenance, write_record
from motilens.dataset.video_files import matches_plan
from motilens.pipeline.job import restore_storage_addresses, run_job, warn
from motilens.video.ffmpeg import DamagedVideo


def main(video, output, sample, params, may_leave_out):
    settings = params.settings["frames"] | {"clip_length": params.settings["clip_length"]}
    try:
        with atomic_write(output.clips) as temporary:
            found = extract_clips(video, temporary, settings, sample, params.facts)
            if not matches_plan(video, params.video.get("video")):
                raise InputError(f"{video} was changed during the run: run again")
        found["thumbnail"] = make_thumbnail(mean_first_frame(output.clips))
    except DamagedVideo as error:
        if not may_leave_out:
            raise
        with atomic_write(output.clips) as temporary:
            why = restore_storage_addresses(str(error))
            found = write_empty_clips(temporary, settings, sample, video, why)
        warn(
            f"{error} (left out until it is replaced; to try the same file again, delete "
            f"{output.record})"
        )
    if found.get("warning"):
        warn(f"{video}: {found['warning']}")
    made = make_provenance(params.code, params.settings)
    write_record(output.record, found | {"made": made})


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.input.video,
            snakemake.output,
            snakemake.wildcards.sample,
            snakemake.params,
            # No param: it must not make those stale that can be read.
            snakemake.config["dataset"]["unreadable"] == "leave_out",
        )
