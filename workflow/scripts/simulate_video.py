"""Draw the video of one simulated participant."""

from motilens.core.files import atomic_write
from motilens.pipeline.job import run_job
from motilens.simulation.recording import Recording
from motilens.simulation.render import SIMULATED_FRAME_RATE, render_video
from motilens.video.encode import encode_video


def main(job):
    settings = job.params.depends_on["settings"]
    seconds, seed, style = (
        settings[f"dataset.simulated.{key}"] for key in ("seconds", "seed", "style")
    )
    participant = int(job.wildcards.video.split("_")[0])
    count = round(seconds * SIMULATED_FRAME_RATE)
    quality = {}
    if style == "realistic":
        recording = Recording(participant, seed, count, SIMULATED_FRAME_RATE)
        frames, quality = recording.iter_frames(), {"crf": recording.conditions.rate_factor}
    else:
        frames = render_video(participant, seed, count)
    with atomic_write(job.output[0]) as temporary:
        encode_video(temporary, frames, SIMULATED_FRAME_RATE, **quality)


if __name__ == "__main__":
    run_job(main, snakemake)
