"""Optical flow, against patterns whose movement is known."""

import numpy as np
import pytest
import torch

from motilens.models.optical_flow import MAX_SPEED, lucas_kanade_flow


def drifting_pattern(frames, across, down, size=48):
    """A smooth pattern that moves by so many pixels a frame, (1, frames, size, size) in [0, 1]."""
    y, x = np.mgrid[:size, :size]
    stack = [
        0.5 + 0.2 * np.sin((x - across * t) / 4) + 0.2 * np.cos((y - down * t) / 5)
        for t in range(frames)
    ]
    return torch.tensor(np.array(stack), dtype=torch.float32)[None]


@pytest.mark.parametrize(("across", "down"), [(0, 0), (1, 0), (0, -0.7), (0.6, 0.8)])
def test_velocities_are_those_of_a_drifting_pattern(across, down):
    flow = lucas_kanade_flow(drifting_pattern(4, across, down))[..., 8:-8, 8:-8]
    assert flow.shape == (1, 3, 2, 32, 32)
    assert flow[:, :, 0].median() == pytest.approx(across, rel=0.1, abs=0.01)
    assert flow[:, :, 1].median() == pytest.approx(down, rel=0.1, abs=0.01)


def test_where_there_is_no_texture_the_speed_is_0():
    assert not lucas_kanade_flow(torch.full((2, 3, 16, 16), 0.5)).any()


def test_no_speed_is_above_the_limit():
    noise = torch.rand(2, 5, 32, 32) * torch.linspace(0.001, 1, 32)
    assert lucas_kanade_flow(noise).norm(dim=2).max() <= MAX_SPEED * 1.001
