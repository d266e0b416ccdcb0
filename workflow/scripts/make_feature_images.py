"""Run the frozen encoder of one fold once over the stacks of all samples."""

import json

from motilens import autoencoder, checkpoints, loading, stacks, step
from motilens.performance import prepare


def main(inputs, output, known, code, performance):
    model, made = checkpoints.load(inputs.weights, inputs.record)

    def images():  # a sample at a time: all may be too many for the memory
        for sample, path in stacks.by_sample(inputs.frames, known).items():
            examples, _ = loading.from_files({sample: path}, model.frames, performance)
            yield sample, autoencoder.encode(model, examples)

    history = step.provenance(code, {}) | {
        "frames": known,
        "autoencoder_sha256": made["weights_sha256"],
    }
    with step.written_whole(output) as temporary:
        stacks.write_feature_images(temporary, images(), {"made": json.dumps(history)})


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input,
            snakemake.output[0],
            snakemake.params.clips["encoded"],
            snakemake.params.code,
            prepare(snakemake.config["performance"], snakemake.threads),
        )
