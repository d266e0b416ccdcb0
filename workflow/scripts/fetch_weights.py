"""Get the pretrained weights that regressors start from, by network or from a file."""

import torch

from motilens import pretrained, step


def main(output, backbone, weights, wanted):
    if isinstance(wanted, dict):
        state = pretrained.read_weights(backbone, wanted["file"], weights)
    else:
        state = pretrained.fetch_weights(backbone, weights)
    with step.written_whole(output) as temporary, open(temporary, "wb") as file:
        torch.save(state, file)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.output[0],
            snakemake.wildcards.backbone,
            snakemake.wildcards.weights,
            # Read here, for it is no param: where a file lies does not matter, its SHA-256 does.
            snakemake.config["regressor"]["weights"],
        )
