"""Get the pretrained weights that regressors start from, by name or from a file."""

import torch

from motilens.core.files import atomic_write
from motilens.models.pretrained_weights import fetch_pretrained_weights, read_weights_file
from motilens.pipeline.job import run_job


def main(job):
    backbone, weights = job.wildcards.backbone, job.wildcards.weights
    # No param: where a file is does not matter, its SHA-256 does.
    configured = job.config["regressor"]["weights"]
    if isinstance(configured, dict):
        state = read_weights_file(backbone, configured["file"], weights)
    else:
        state = fetch_pretrained_weights(backbone, weights)
    with atomic_write(job.output[0]) as temporary, open(temporary, "wb") as file:
        torch.save(state, file)


if __name__ == "__main__":
    run_job(main, snakemake)
