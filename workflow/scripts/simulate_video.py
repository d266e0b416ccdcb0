"""Draw the video of one simulated participant."""

from motilens.core.files import atomic_write
from motilens.pipeline.job import run_job
from motilens.simulation.render import write_video


def main(job):
    settings = job.params.depends_on["settings"]
    seconds, seed, style = (
        settings[f"dataset.simulated.{key}"] for key in ("seconds", "seed", "style")
    )
    participant = int(job.wildcards.video.split("_")[0])
    with atomic_write(job.output[0]) as temporary:
        write_video(temporary, participant, seed, seconds, style)


if __name__ == "__main__":
    run_job(main, snakemake)
