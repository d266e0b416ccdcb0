"""Cut the clips of one video and keep them as grey levels."""

from motilens import InputError, extraction, likeness, stacks, step, videos
from motilens.video import Damaged


def main(video, output, sample, params, may_leave_out):
    settings = params.settings["frames"] | {"clip_length": params.settings["clip_length"]}
    try:
        with step.written_whole(output.clips) as temporary:
            found = extraction.extract_clips(video, temporary, settings, sample, params.facts)
            if not videos.as_planned(video, params.video.get("video")):
                raise InputError(f"{video} was changed during the run: run again")
        found["thumbnail"] = likeness.thumbnail(stacks.mean_of_first_frames(output.clips))
    except Damaged as error:
        if not may_leave_out:
            raise
        with step.written_whole(output.clips) as temporary:
            why = step.as_known(str(error))
            found = extraction.leave_out(temporary, settings, sample, video, why)
        step.warn(
            f"{error} (left out until it is replaced; to try the same file again, delete "
            f"{output.record})"
        )
    if found.get("warning"):
        step.warn(f"{video}: {found['warning']}")
    made = step.provenance(params.code, params.settings)
    step.write_record(output.record, found | {"made": made})


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.video,
            snakemake.output,
            snakemake.wildcards.sample,
            snakemake.params,
            # No param: it must not make those stale that can be read.
            snakemake.config["dataset"]["unreadable"] == "leave_out",
        )
