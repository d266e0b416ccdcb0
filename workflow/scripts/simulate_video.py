"""Draw the video of one simulated participant."""

from motilens import simulation, step, video


def main(output, participant, settings):
    frames = simulation.render(
        participant, settings["seed"], round(settings["seconds"] * simulation.FRAME_RATE)
    )
    with step.written_whole(output) as temporary:
        video.encode(temporary, frames, simulation.FRAME_RATE)


if __name__ == "__main__":
    with step.logged(snakemake.log[0]):
        main(snakemake.output[0], snakemake.params.participant, snakemake.params.settings)
