"""Run the frozen encoder of one fold once over the stacks of all samples."""

import json

from motilens.clips.hdf5 import match_clips_to_samples, write_feature_images
from motilens.compute.device import setup_compute
from motilens.core.files import atomic_write
from motilens.core.records import make_provenance
from motilens.pipeline.job import run_job
from motilens.training.autoencoder import encode_stacks
from motilens.training.model_files import load_model
from motilens.training.stack_dataset import load_stacks


def main(inputs, output, known, code, performance):
    model, made = load_model(inputs.weights, inputs.record)

    def images():  # a sample at a time: all may be too many for the memory
        for sample, path in match_clips_to_samples(inputs.frames, known).items():
            examples, _ = load_stacks({sample: path}, model.frames, performance)
            yield sample, encode_stacks(model, examples)

    history = make_provenance(code, {}) | {
        "frames": known,
        "autoencoder_sha256": made["weights_sha256"],
    }
    with atomic_write(output) as temporary:
        write_feature_images(temporary, images(), {"made": json.dumps(history)})


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.input,
            snakemake.output[0],
            snakemake.params.clips["encoded"],
            snakemake.params.code,
            setup_compute(snakemake.config["performance"], snakemake.threads),
        )
