"""Fetch the pretrained weights that regressors start from: the only step that needs a network."""

import torch

from motilens import models, step


def main(output, backbone, weights):
    state = models.fetch_weights(backbone, weights)
    with step.written_whole(output) as temporary, open(temporary, "wb") as file:
        torch.save(state, file)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.output[0], snakemake.wildcards.backbone, snakemake.wildcards.weights)
