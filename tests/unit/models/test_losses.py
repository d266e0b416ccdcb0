"""Reconstruction losses: what each term measures, and what it overlooks."""

import numpy as np
import pytest
import torch

from motilens.models.losses import LOSS_TERMS, SSIM_STRIDE, SSIM_WINDOW, ReconstructionLoss
from support.errors import assert_refused
from support.learning import draw_disks, fit_autoencoder


@pytest.mark.parametrize("name", LOSS_TERMS)
def test_each_term_is_1_for_the_mean_gray_level_and_0_for_the_stack(name):
    criterion = ReconstructionLoss({name: 3.0}, frames=3, mean=0.4)
    stacks = torch.rand(6, 3, 32, 32) * 0.2 + 0.3
    criterion.normalize_to_constant_baseline(stacks.split(4))
    assert criterion.constant_baseline(stacks).item() == pytest.approx(3, rel=1e-4)
    assert criterion(torch.full_like(stacks, 0.4), stacks).item() == pytest.approx(3, rel=1e-4)
    assert criterion(stacks, stacks).item() == pytest.approx(0, abs=1e-4)
    assert criterion(stacks.roll(1, -1), stacks).item() > 0.5


def test_what_each_term_overlooks():
    criteria = {name: ReconstructionLoss({name: 1.0}, frames=3, mean=0.5) for name in LOSS_TERMS}
    stacks = torch.rand(2, 3, 32, 32)
    same_error = torch.rand(2, 1, 32, 32)  # in each frame
    movement = criteria["frame_difference"]
    assert movement(stacks + same_error, stacks).item() == pytest.approx(0, abs=1e-6)
    edges = criteria["gradient_difference"]
    assert edges(stacks + 0.2, stacks).item() == pytest.approx(0, abs=1e-6)
    assert criteria["mse"](stacks + 0.2, stacks).item() == pytest.approx(0.04)
    repeated = stacks.repeat(1, 2, 1, 1)  # as I2: no difference between two repetitions
    shifted = repeated + torch.cat([torch.zeros(3), torch.ones(3)]).view(1, 6, 1, 1)
    assert movement(shifted, repeated).item() == pytest.approx(0, abs=1e-6)


def test_ssim_is_that_of_its_definition():
    a, b = np.random.default_rng(0).random((2, 20, 20))
    similarities = []
    for y in range(0, 20 - SSIM_WINDOW + 1, SSIM_STRIDE):
        for x in range(0, 20 - SSIM_WINDOW + 1, SSIM_STRIDE):
            p, q = (image[y : y + SSIM_WINDOW, x : x + SSIM_WINDOW] for image in (a, b))
            covariance = ((p - p.mean()) * (q - q.mean())).mean()
            similarities.append(
                (2 * p.mean() * q.mean() + 0.01**2) * (2 * covariance + 0.03**2)
                / ((p.mean() ** 2 + q.mean() ** 2 + 0.01**2) * (p.var() + q.var() + 0.03**2))
            )  # fmt: skip
    images = (torch.tensor(image, dtype=torch.float32).view(1, 1, 20, 20) for image in (a, b))
    expected = 1 - np.mean(similarities)
    assert LOSS_TERMS["ssim"](*images).item() == pytest.approx(expected, abs=1e-4)


def test_term_that_has_nothing_to_measure_is_an_error():
    message = r"loss\.frame_difference: nothing differs in stacks of 1 frame"
    assert_refused(message, fit_autoencoder, draw_disks(8), loss={"frame_difference": 1})
