"""Draw the video of one simulated participant."""

from motilens.core.files import atomic_write
from motilens.pipeline.job import run_job
from motilens.simulation.render import SIMULATED_FRAME_RATE, render_video
from motilens.video.encode import encode_video


def main(job):
    settings = job.params.depends_on["settings"]
    seconds, seed = (settings[f"dataset.simulated.{key}"] for key in ("seconds", "seed"))
    participant = int(job.wildcards.video.split("_")[0])
    frames = render_video(participant, seed, round(seconds * SIMULATED_FRAME_RATE))
    with atomic_write(job.output[0]) as temporary:
        encode_video(temporary, frames, SIMULATED_FRAME_RATE)


if __name__ == "__main__":
    run_job(main, snakemake)
