"""Encoders without training, against what is known of projections, moments and moving patterns."""

import numpy as np
import pytest
import torch

from motilens.compute.device import setup_compute
from motilens.models.backbones import make_backbone
from motilens.models.fixed_encoders import FixedEncoder
from motilens.models.optical_flow import MAX_SPEED, lucas_kanade_flow
from motilens.models.regressor import build_model
from motilens.models.transforms import stacks_to_input, to_unit_range
from motilens.training.regressor import fit_encoder, make_fixed_encoder
from motilens.training.stack_dataset import stacks_from_array

CPU = setup_compute({"device": "cpu"})


def drifting(frames, across, down, size=48):
    """A smooth pattern that moves by so many pixels a frame, (1, frames, size, size) in [0, 1]."""
    y, x = np.mgrid[:size, :size]
    stack = [
        0.5 + 0.2 * np.sin((x - across * t) / 4) + 0.2 * np.cos((y - down * t) / 5)
        for t in range(frames)
    ]
    return torch.tensor(np.array(stack), dtype=torch.float32)[None]


@pytest.mark.parametrize(("across", "down"), [(0, 0), (1, 0), (0, -0.7), (0.6, 0.8)])
def test_velocities_are_those_of_a_drifting_pattern(across, down):
    found = lucas_kanade_flow(drifting(4, across, down))[..., 8:-8, 8:-8]
    assert found.shape == (1, 3, 2, 32, 32)
    assert found[:, :, 0].median() == pytest.approx(across, rel=0.1, abs=0.01)
    assert found[:, :, 1].median() == pytest.approx(down, rel=0.1, abs=0.01)


def test_where_nothing_is_seen_no_speed_is_told():
    assert not lucas_kanade_flow(torch.full((2, 3, 16, 16), 0.5)).any()


def test_nothing_is_faster_than_what_is_plausible():
    noise = torch.rand(2, 5, 32, 32) * torch.linspace(0.001, 1, 32)
    assert lucas_kanade_flow(noise).norm(dim=2).max() <= MAX_SPEED * 1.001


@pytest.mark.parametrize("kind", ["none", "pca", "motion", "flow"])
def test_channels_have_mean_0_and_variance_1_over_the_training_stacks(kind):
    stacks = np.random.default_rng(0).integers(0, 255, (9, 5, 32, 32), np.uint8)
    encoder, made = make_fixed_encoder({"frames": 5, "copies": 1, "encoder": kind}, {"1": {}})
    fit_encoder(encoder, stacks_from_array(stacks, CPU))
    features = encoder.encoder(stacks_to_input(torch.from_numpy(stacks), 1))
    assert features.shape == (9, 5 if kind == "none" else 3, 32, 32)
    assert features.mean((0, 2, 3)).abs().max() < 1e-3
    assert (features.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-3
    assert made["training"] == {"1": {}} and made["health"]["problem"] is None


def test_the_projection_keeps_what_varies_most():
    draw = np.random.default_rng(0)
    hidden = draw.normal(0, [[[[20]]], [[[10]]], [[[5]]]], (3, 8, 16, 16))
    mixing = np.linalg.qr(draw.normal(size=(6, 6)))[0][:3]
    stacks = np.clip(128 + np.einsum("fnhw,fc->nchw", hidden, mixing), 0, 255).astype(np.uint8)
    encoder = FixedEncoder(6, 1, "pca")
    encoder.fit(lambda: [to_unit_range(torch.from_numpy(stacks))])
    directions = encoder.encoder[0].directions.numpy()
    assert np.abs(directions @ mixing.T).round(1).tolist() == np.eye(3).tolist()
    largest = np.take_along_axis(directions, np.abs(directions).argmax(1, keepdims=True), 1)
    assert (largest > 0).all()


@pytest.mark.parametrize("kind", ["pca", "motion", "flow"])
def test_a_single_frame_has_one_channel_that_tells_something(kind):
    stacks = np.random.default_rng(0).integers(0, 255, (4, 1, 32, 32), np.uint8)
    encoder = FixedEncoder(1, 3, kind)
    fit_encoder(encoder, stacks_from_array(stacks, CPU))
    features = encoder.encoder(stacks_to_input(torch.from_numpy(stacks), 3))
    assert torch.isfinite(features).all()
    assert (features.std((0, 2, 3)) > 0.5).sum() == 1


def test_a_network_takes_as_many_channels_as_there_are_frames():
    described = {"model": "fixed", "frames": 2, "copies": 3, "kind": "none"}
    whole = {"model": "regressor", "encoder": described, "backbone": "resnet18", "outputs": 3}
    model = build_model(whole)
    colours = make_backbone("resnet18").state_dict()
    model.start_from(colours)
    # A grey picture, in as many channels, looks to it as it did in three.
    picture = torch.rand(2, 1, 40, 40)
    first = torch.nn.functional.conv2d(
        picture.expand(-1, 3, -1, -1), colours["conv1.weight"], stride=2, padding=3
    )
    torch.testing.assert_close(model.backbone.conv1(picture.expand(-1, 6, -1, -1)), first)
    assert model.eval()(picture.expand(-1, 6, -1, -1)).shape == (2, 3)
