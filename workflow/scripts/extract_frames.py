"""Cut the clips of one video and keep them as grey levels."""

from motilens import InputError, samples, step
from motilens.video import extract_clips


def main(video, output, participant, params):
    settings = params.settings
    flat = settings["frames"] | {"clip_length": settings["clip_length"]}
    with step.written_whole(output.clips) as temporary:
        found = extract_clips(video, temporary, flat, participant)
        planned = params.video.get("video")
        if planned and samples.fingerprint(video) != planned:
            raise InputError(f"{video} was changed during the run: run again")
    step.write_record(output.record, found | {"made": step.provenance(params.code, settings)})


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.video,
            snakemake.output,
            snakemake.wildcards.participant,
            snakemake.params,
        )
