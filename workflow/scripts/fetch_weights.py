"""Get the pretrained weights that regressors start from, by name or from a file."""

import io

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
    content = io.BytesIO()  # torch.save to a file hides a full disk
    torch.save(state, content)
    with atomic_write(job.output[0]) as temporary:
        temporary.write_bytes(content.getbuffer())


if __name__ == "__main__":
    run_job(main, snakemake)
