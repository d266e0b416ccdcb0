"""Run the frozen encoder of one fold over the stacks of all samples."""

import json

from motilens.clips.hdf5 import match_clips_to_samples, write_feature_images
from motilens.compute.device import setup_compute
from motilens.core.files import atomic_write
from motilens.core.records import make_provenance
from motilens.models.autoencoders import build_autoencoder
from motilens.pipeline.job import run_job
from motilens.training.autoencoder import encode_stacks
from motilens.training.model_files import load_model
from motilens.training.stack_dataset import load_stacks


def main(job):
    depends_on = job.params.depends_on
    compute = setup_compute(job.config["compute"], job.threads)
    model, record = load_model(job.input.weights, job.input.record, build_autoencoder)
    files = match_clips_to_samples(job.input.clips, depends_on["encoded"])

    def iter_images():  # one sample at a time: all may be too many for the memory
        for sample, path in files.items():
            stacks, _ = load_stacks({sample: path}, model.frames, compute)
            yield sample, encode_stacks(model, stacks)

    made = make_provenance(depends_on["code"], {}) | {
        "clips": depends_on["encoded"],
        "autoencoder_sha256": record["weights_sha256"],
    }
    with atomic_write(job.output[0]) as temporary:
        write_feature_images(temporary, iter_images(), {"made": json.dumps(made)})


if __name__ == "__main__":
    run_job(main, snakemake)
