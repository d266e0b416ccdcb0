"""Get the pretrained weights that regressors start from, by network or from a file."""

import torch

from motilens.core.files import atomic_write
from motilens.models.pretrained_weights import fetch_pretrained_weights, read_weights_file
from motilens.pipeline.job import run_job


def main(output, backbone, weights, wanted):
    if isinstance(wanted, dict):
        state = read_weights_file(backbone, wanted["file"], weights)
    else:
        state = fetch_pretrained_weights(backbone, weights)
    with atomic_write(output) as temporary, open(temporary, "wb") as file:
        torch.save(state, file)


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.output[0],
            snakemake.wildcards.backbone,
            snakemake.wildcards.weights,
            # Read here, for it is no param: where a file lies does not matter, its SHA-256 does.
            snakemake.config["regressor"]["weights"],
        )
