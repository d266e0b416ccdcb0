"""Encoders without training and optical flow, against known projections and movements."""

import numpy as np
import pytest
import torch

from motilens.models.backbones import make_backbone
from motilens.models.fixed_encoders import FixedEncoder
from motilens.models.optical_flow import MAX_SPEED, lucas_kanade_flow
from motilens.models.regressor import build_regressor
from motilens.models.transforms import stacks_to_input, to_unit_range
from motilens.training.regressor import fit_encoder, make_fixed_encoder
from support.learning import to_dataset


@pytest.mark.parametrize("kind", ["none", "pca", "motion", "flow"])
def test_channels_have_mean_0_and_variance_1_over_the_training_stacks(kind):
    stacks = np.random.default_rng(0).integers(0, 255, (9, 5, 32, 32), np.uint8)
    settings = {"frames": 5, "repeats": 1, "encoder": kind}
    encoder, record = make_fixed_encoder(settings, {"1": {}})
    fit_encoder(encoder, to_dataset(stacks))
    features = encoder.encoder(stacks_to_input(torch.from_numpy(stacks), 1))
    assert features.shape == (9, 5 if kind == "none" else 3, 32, 32)
    assert features.mean((0, 2, 3)).abs().max() < 1e-3
    assert (features.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-3
    assert record["training"] == {"1": {}} and record["diagnostics"]["failure"] is None


def test_pca_keeps_what_varies_most():
    rng = np.random.default_rng(0)
    hidden = rng.normal(0, [[[[20]]], [[[10]]], [[[5]]]], (3, 8, 16, 16))
    mixing = np.linalg.qr(rng.normal(size=(6, 6)))[0][:3]
    stacks = np.clip(128 + np.einsum("fnhw,fc->nchw", hidden, mixing), 0, 255).astype(np.uint8)
    encoder = FixedEncoder(6, 1, "pca")
    encoder.fit(lambda: [to_unit_range(torch.from_numpy(stacks))])
    components = encoder.encoder[0].components.numpy()
    assert np.abs(components @ mixing.T).round(1).tolist() == np.eye(3).tolist()
    largest = np.take_along_axis(components, np.abs(components).argmax(1, keepdims=True), 1)
    assert (largest > 0).all()


@pytest.mark.parametrize("kind", ["pca", "motion", "flow"])
def test_single_frame_has_one_channel_with_information(kind):
    stacks = np.random.default_rng(0).integers(0, 255, (4, 1, 32, 32), np.uint8)
    encoder = FixedEncoder(1, 3, kind)
    fit_encoder(encoder, to_dataset(stacks))
    features = encoder.encoder(stacks_to_input(torch.from_numpy(stacks), 3))
    assert torch.isfinite(features).all() and (features.std((0, 2, 3)) > 0.5).sum() == 1


def test_network_takes_as_many_channels_as_there_are_frames():
    encoder = {"model": "fixed", "frames": 2, "repeats": 3, "kind": "none"}
    architecture = {"model": "regressor", "encoder": encoder, "backbone": "resnet18", "outputs": 3}
    model, pretrained = build_regressor(architecture), make_backbone("resnet18").state_dict()
    model.load_pretrained(pretrained)
    # A gray picture, in as many channels, looks to it as it did in three.
    picture, weight = torch.rand(2, 1, 40, 40), pretrained["conv1.weight"]
    three, six = picture.expand(-1, 3, -1, -1), picture.expand(-1, 6, -1, -1)
    expected = torch.nn.functional.conv2d(three, weight, stride=2, padding=3)
    torch.testing.assert_close(model.backbone.conv1(six), expected)
    assert model.eval()(six).shape == (2, 3)


def drifting_pattern(frames, across, down, size=48):
    """A smooth pattern that moves by so many pixels a frame, (1, frames, size, size) in [0, 1]."""
    t, y, x = torch.meshgrid(*map(torch.arange, (frames, size, size)), indexing="ij")
    return 0.5 + 0.2 * ((x - across * t) / 4).sin()[None] + 0.2 * ((y - down * t) / 5).cos()[None]


@pytest.mark.parametrize(("across", "down"), [(0, 0), (1, 0), (0, -0.7), (0.6, 0.8)])
def test_velocities_are_those_of_a_drifting_pattern(across, down):
    flow = lucas_kanade_flow(drifting_pattern(4, across, down))[..., 8:-8, 8:-8]
    assert flow.shape == (1, 3, 2, 32, 32)
    assert flow[:, :, 0].median() == pytest.approx(across, rel=0.1, abs=0.01)
    assert flow[:, :, 1].median() == pytest.approx(down, rel=0.1, abs=0.01)


def test_speed_is_0_without_texture_and_never_above_the_limit():
    assert not lucas_kanade_flow(torch.full((2, 3, 16, 16), 0.5)).any()
    noise = torch.rand(2, 5, 32, 32) * torch.linspace(0.001, 1, 32)
    assert lucas_kanade_flow(noise).norm(dim=2).max() <= MAX_SPEED * 1.001
