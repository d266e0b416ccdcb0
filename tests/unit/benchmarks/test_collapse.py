"""What is said of reconstructions, of stand-ins that are known."""

import numpy as np
import pytest
import torch
from collapse import measure_shares
from torch import nn

from motilens.compute.device import setup_compute
from motilens.training.autoencoder import extract_background
from motilens.training.stack_dataset import stacks_from_array

STACKS = np.random.default_rng(1).integers(0, 256, (4, 9, 64, 64), dtype=np.uint8)


class Copier(nn.Module):
    """Reconstructs a stack as `change` says."""

    repeats, frames = 1, 9

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        return self.change(x)


@pytest.mark.parametrize("change, expected", [
    (lambda x: x, (1, 1, 1)),
    (lambda x: torch.full_like(x, x.mean()), (0, -0.02, 0)),
    (extract_background, (0.02, 0, 0.02)),
    (lambda x: x.mean(1, keepdim=True).expand_as(x), (1 / 9, 1 / 9, 0)),
])  # fmt: skip
def test_shares_are_those_of_known_reconstructions(change, expected):
    shares = measure_shares(Copier(change), stacks_from_array(STACKS, setup_compute()))
    assert list(shares) == ["variance", "details", "movement"]
    assert list(shares.values()) == pytest.approx(expected, abs=0.02)
