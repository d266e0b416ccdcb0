"""Run the frozen encoder of one fold once over the stacks of all participants."""

import json

from motilens import autoencoder, stacks, step


def main(weights, record, frames, output, code):
    encoder = autoencoder.load(weights, record)
    images = (
        (stacks.participant_of(path), autoencoder.feature_images(encoder, [path])[0])
        for path in frames
    )
    made = step.provenance(code, {}) | {
        "autoencoder_sha256": step.read_record(record)["weights_sha256"]
    }
    with step.written_whole(output) as temporary:
        stacks.write_feature_images(temporary, images, {"made": json.dumps(made)})


if __name__ == "__main__":
    with step.logged(snakemake.log[0]):
        main(
            snakemake.input.weights,
            snakemake.input.record,
            snakemake.input.frames,
            snakemake.output[0],
            snakemake.params.code,
        )
