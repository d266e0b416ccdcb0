"""Draw the video of one simulated participant."""

from motilens import simulation, step, video


def main(output, name, settings):
    seconds, seed = (settings[f"dataset.simulated.{key}"] for key in ("seconds", "seed"))
    participant = int(name.split("_")[0])
    frames = simulation.render(participant, seed, round(seconds * simulation.FRAME_RATE))
    with step.written_whole(output) as temporary:
        video.encode(temporary, frames, simulation.FRAME_RATE)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.output[0], snakemake.wildcards.video, snakemake.params.settings)
