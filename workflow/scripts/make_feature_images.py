"""Run the frozen encoder of one fold once over the stacks of all participants."""

import json

from motilens import autoencoder, stacks, step


def main(inputs, output, known, code):
    encoder = autoencoder.load(inputs.weights, inputs.record)
    images = (
        (participant, autoencoder.feature_images(encoder, {participant: path})[0])
        for participant, path in stacks.by_participant(inputs.frames, known).items()
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
            snakemake.params.clips["participants"],
            snakemake.params.code,
        )
