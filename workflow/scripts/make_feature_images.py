"""Run the frozen encoder of one fold once over the stacks of all samples."""

import json

from motilens import autoencoder, stacks, step


def main(inputs, output, known, code):
    encoder = autoencoder.load(inputs.weights, inputs.record)
    images = (
        (sample, autoencoder.feature_images(encoder, {sample: path})[0])
        for sample, path in stacks.by_sample(inputs.frames, known).items()
    )
    made = step.provenance(code, {}) | {
        "frames": known,
        "autoencoder_sha256": step.read_record(inputs.record)["weights_sha256"],
    }
    with step.written_whole(output) as temporary:
        stacks.write_feature_images(temporary, images, {"made": json.dumps(made)})


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input,
            snakemake.output[0],
            snakemake.params.clips["encoded"],
            snakemake.params.code,
        )
