"""Run the frozen encoder of one fold once over the stacks of all participants."""

from motilens import autoencoder, stacks, step


def main(weights, record, frames, output):
    model, settings = autoencoder.load(weights, record)
    images = (
        (
            stacks.participant_of(path),
            autoencoder.encode(
                model, stacks.read_stacks([path], settings["frames"]), settings["copies"]
            ),
        )
        for path in frames
    )
    with step.written_whole(output) as temporary:
        stacks.write_feature_images(temporary, images)


if __name__ == "__main__":
    with step.logged(snakemake.log[0]):
        main(
            snakemake.input.weights,
            snakemake.input.record,
            snakemake.input.frames,
            snakemake.output[0],
        )
