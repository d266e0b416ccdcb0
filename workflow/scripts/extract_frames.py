"""Cut the clips of one video and keep them as grey levels."""

import json

from motilens import step
from motilens.video import extract_clips


def main(video, output, participant, settings, code):
    made = json.dumps(step.provenance(code, settings))
    with step.written_whole(output) as temporary:
        extract_clips(video, temporary, settings, {"participant": participant, "made": made})


if __name__ == "__main__":
    with step.logged(snakemake.log[0]):
        main(
            snakemake.input.video,
            snakemake.output[0],
            snakemake.wildcards.participant,
            snakemake.params.settings,
            snakemake.params.code,
        )
