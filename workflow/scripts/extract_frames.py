"""Cut the clips of one video and keep them as grey levels."""

from motilens import step
from motilens.video import extract_clips


def main(video, output, participant, settings, code):
    flat = settings["frames"] | {"clip_length": settings["clip_length"]}
    with step.written_whole(output.clips) as temporary:
        found = extract_clips(video, temporary, flat, participant)
    step.write_record(output.record, found | {"made": step.provenance(code, settings)})


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.video,
            snakemake.output,
            snakemake.wildcards.participant,
            snakemake.params.settings,
            snakemake.params.code,
        )
