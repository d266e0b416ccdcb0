"""Training an autoencoder: it learns, and a dead one is noticed."""

import numpy as np
import pytest
import torch

from motilens import autoencoder, checkpoints, training
from motilens.models import VARIANTS

SETTINGS = {
    "frames": 1,
    "copies": 1,
    "variant": "standardised",
    "epochs": 15,
    "batch_size": 4,
    "learning_rate": 5e-3,
    "weight_decay": 1e-5,
}


@pytest.fixture(scope="module")
def stacks():
    """Bright discs on grey ground."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    discs = [np.hypot(y - a, x - b) < 6 for a, b in rng.uniform(6, 26, (16, 2))]
    return (90 + 60 * np.array(discs) + rng.normal(0, 2, (16, 32, 32))).astype(np.uint8)[:, None]


@pytest.fixture(scope="module")
def trained(stacks):
    return autoencoder.train(stacks, SETTINGS, seed=0)


def test_training_beats_the_mean_and_is_healthy(trained):
    _, history, health = trained
    assert history[-1]["loss"] < 0.7
    assert health["loss"] < 0.7 * health["loss_of_mean"]
    assert min(health["feature_spread"]) > 0.01 and not health["collapsed"]


def test_health_counts_right(trained, stacks):
    model, _, health = trained
    grey = stacks / 255
    restored = autoencoder.reconstruct(model, stacks, copies=1)
    assert health["loss"] == pytest.approx(((restored - grey) ** 2).mean(), rel=1e-4)
    assert health["loss_of_mean"] == pytest.approx(grey.var(), rel=1e-4)
    features = autoencoder.encode(model, stacks, copies=1)
    assert health["feature_spread"] == pytest.approx(features.std((0, 2, 3)).tolist(), rel=1e-3)


def test_a_dead_encoder_is_collapsed(stacks):
    model = autoencoder.build(SETTINGS | {"variant": "paper"})
    with torch.no_grad():
        model.encoder[-2].weight.zero_()
        model.encoder[-2].bias.fill_(-1)  # the last ReLU never opens
    inputs = autoencoder._inputs(stacks, 1, torch.device("cpu"))
    assert autoencoder.health(model, inputs, len(stacks), 8)["collapsed"]


def test_same_seed_same_bits(trained, stacks):
    again = autoencoder.train(stacks, SETTINGS, seed=0)
    assert again[1:] == trained[1:]


def test_copies_repeat_the_frame(stacks):
    inputs = autoencoder._inputs(stacks[:2], 9, torch.device("cpu"))
    batch = inputs(torch.tensor([0, 1]))
    assert batch.shape == (2, 9, 32, 32)
    assert all(torch.equal(batch[:, 0], batch[:, k]) for k in range(9))
    assert torch.equal(
        batch, training.to_unit_range(torch.from_numpy(stacks[:2])).repeat(1, 9, 1, 1)
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_model_comes_back_from_its_files_alone(tmp_path, stacks, variant):
    settings = SETTINGS | {"variant": variant, "epochs": 1}
    model, _, _ = autoencoder.train(stacks, settings, seed=0)
    weights, record = str(tmp_path / "model.pt"), str(tmp_path / "model.json")
    checkpoints.save(model, weights, record, {"settings": settings})
    loaded, read = autoencoder.load(weights, record)
    assert read == settings
    before, after = (autoencoder.encode(m, stacks, copies=1) for m in (model, loaded))
    assert np.array_equal(before, after)
