"""Draw the video of one simulated participant."""

from motilens.core.files import atomic_write
from motilens.pipeline.job import run_job
from motilens.simulation.render import SIMULATED_FRAME_RATE, render_video
from motilens.video.encode import encode_video


def main(output, name, settings):
    seconds, seed = (settings[f"dataset.simulated.{key}"] for key in ("seconds", "seed"))
    participant = int(name.split("_")[0])
    frames = render_video(participant, seed, round(seconds * SIMULATED_FRAME_RATE))
    with atomic_write(output) as temporary:
        encode_video(temporary, frames, SIMULATED_FRAME_RATE)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake.output[0], snakemake.wildcards.video, snakemake.params.settings)
