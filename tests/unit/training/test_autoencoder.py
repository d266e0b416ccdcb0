"""Training an autoencoder: it learns, and a collapsed one is noticed."""

import numpy as np
import pytest
import torch

from motilens.core.errors import InputError
from motilens.core.plugins import load_plugins
from motilens.models import losses
from motilens.models.autoencoders import build_autoencoder
from motilens.models.losses import ReconstructionLoss
from motilens.simulation.render import render_video
from motilens.training import autoencoder
from motilens.training.autoencoder import diagnose_autoencoder as diagnose
from support.documented_plugins import write_plugins
from support.learning import AUTOENCODER, CPU, draw_disks, fit_autoencoder, to_dataset

ARRAY = draw_disks()
STACKS = to_dataset(ARRAY)
MSE = ReconstructionLoss({"mse": 1}, frames=1, mean=0.4)


@pytest.fixture(scope="module")
def trained():
    return fit_autoencoder(ARRAY)


def build(**changes):
    return build_autoencoder(autoencoder.autoencoder_architecture(AUTOENCODER | changes))


def collapsed(half="encoder"):
    """The published network with a last ReLU that never opens."""
    torch.manual_seed(0)  # some seeds collapse by themselves
    model = build(variant="paper")
    with torch.no_grad():
        layer = getattr(model, half)[-2]
        layer.weight.zero_()
        layer.bias.fill_(-1)
    return model


def test_training_is_better_than_the_mean_and_its_diagnostics_say_how_much(trained):
    diagnostics = trained.diagnostics
    assert trained.history[-1]["loss"] < 0.7 and trained.failed_attempts == []
    assert diagnostics["loss"] < 0.7 * diagnostics["loss_of_mean"]
    assert min(diagnostics["feature_spread"]) > 0.01
    assert diagnostics["failure"] is None and diagnostics["warning"] is None
    model, gray = trained.model, ARRAY / 255
    error = ((autoencoder.reconstruct_stacks(model, STACKS) - gray) ** 2).mean()
    assert diagnostics["loss"] == pytest.approx(error, rel=1e-4)
    assert diagnostics["loss_of_mean"] == pytest.approx(gray.var(), rel=1e-4)
    spread = autoencoder.encode_stacks(model, STACKS).std((0, 2, 3)).tolist()
    assert diagnostics["feature_spread"] == pytest.approx(spread, rel=1e-3)


@pytest.mark.parametrize("on_all", [True, False])
def test_models_that_collapsed_or_are_not_finite_are_noticed(on_all):
    for half, message in (("encoder", "no channel of its"), ("decoder", "every stack as one gray")):
        failure = diagnose(collapsed(half), STACKS, MSE, on_all)["failure"]
        assert message in failure and "collapsed" in failure
    model = build()
    with torch.no_grad():
        model.encoder[1].weight[0] = float("nan")  # all comparisons with it are false
    assert "not finite" in diagnose(model, STACKS, MSE, on_all)["failure"]


def test_model_is_judged_by_its_own_loss():
    """Gray levels are no concern of one that learns differences of frames alone."""
    moving = draw_disks(frames=3)
    loss = {"mse": 0, "frame_difference": 1}
    result = fit_autoencoder(moving, frames=3, loss=loss, epochs=40)
    assert result.history[-1]["loss"] < 0.9 and result.diagnostics["warning"] is None
    with torch.no_grad():
        result.model.decoder[-1].shift += 1  # all gray levels are wrong, no difference is

    def warning(term):
        criterion = ReconstructionLoss({term: 1}, frames=3, mean=0.4)
        return diagnose(result.model, to_dataset(moving), criterion)["warning"]

    assert warning("frame_difference") is None and "no better" in warning("mse")


def test_motion_is_how_a_feature_image_differs_from_that_of_a_still_stack():
    torch.manual_seed(0)
    model, stacks = build(frames=3), draw_disks(1, frames=3)
    still = np.repeat(stacks[:, :1], 3, axis=1)
    assert autoencoder.feature_image_motion(model, still[0], CPU).max() == 0
    motion = autoencoder.feature_image_motion(model, stacks[0], CPU)
    assert motion.shape == (32, 32) and motion.min() >= 0 and motion.max() > 0.1
    features = autoencoder.encode_stacks(model, to_dataset(stacks))[0]
    difference = features - autoencoder.encode_stacks(model, to_dataset(still))[0]
    spread = features - features.mean((1, 2), keepdims=True)
    share = (difference**2).sum() / (spread**2).sum()
    assert (motion**2).mean() == pytest.approx(share, rel=1e-4)
    assert autoencoder.feature_image_motion(collapsed(), stacks[0, :1], CPU).max() == 0


def test_last_steps_that_spoil_all_and_trainings_that_teach_nothing_are_noticed():
    """The loss of its epoch is of before that step."""
    with pytest.raises(InputError, match="not finite, as in all 6 attempts"):
        fit_autoencoder(ARRAY, epochs=1, batch_size=100, weight_decay=1e300)
    settings = {"seed": 1, "variant": "paper", "epochs": 1, "learning_rate": 1e-6}
    diagnostics = fit_autoencoder(ARRAY, **settings).diagnostics
    assert diagnostics["failure"] is None
    assert "no better than their mean" in diagnostics["warning"]
    with pytest.raises(InputError, match="no better than .* as it is, set on_collapse: keep"):
        fit_autoencoder(ARRAY, on_collapse="error", **settings)


def simulated_frames():
    """Frames of 64 x 64, uint8 (16, 1, 64, 64)."""
    drawn = [frame for person in range(1, 5) for frame in render_video(person, 0, 4)]
    gray = [f[16:464].mean(2).reshape(64, 7, 64, 10).mean((1, 3)) for f in drawn]
    return np.array(gray).round().astype(np.uint8)[:, None]


def test_background_is_light_and_shade_without_details():
    shade = torch.linspace(0, 1, 64).expand(1, 2, 64, 64)
    disks = torch.tensor(draw_disks(1, 2, 64)) / 255
    assert (autoencoder.extract_background(shade) - shade).abs().max() < 0.07
    assert autoencoder.extract_background(disks).var() < disks.var() / 2


@pytest.mark.slow
def test_reconstruction_without_cells_is_poor_and_the_documented_loss_has_them(
    monkeypatch, tmp_path
):
    """Absolute errors lead to the median of a pixel, which is background."""
    load_plugins(write_plugins(tmp_path), ["losses.py"])
    terms = losses.LOSS_TERMS | {"l1": torch.nn.functional.l1_loss}
    load_plugins(tmp_path, [])
    monkeypatch.setattr(losses, "LOSS_TERMS", terms)
    frames, settings = simulated_frames(), {"epochs": 60, "learning_rate": 2e-3}

    def diagnosis(term):
        loss = {"mse": 0, term: 1}
        return fit_autoencoder(frames, loss=loss, **settings).diagnostics["warning"]

    assert diagnosis("huber") is None and diagnosis("mse") is None
    assert "the background of stacks, and hardly any cells" in diagnosis("l1")


@pytest.mark.slow
def test_published_network_collapses_and_another_attempt_does_not():
    """In benchmarks/collapse.py 20 of 50 seeds collapsed; this is one of them."""
    frames, settings = simulated_frames(), {"seed": 2, "epochs": 38, "learning_rate": 4e-4}
    paper = settings | {"variant": "paper"}
    kept = fit_autoencoder(frames, on_collapse="keep", **paper)
    assert "collapsed" in kept.diagnostics["failure"] and kept.failed_attempts == []
    mean_square = np.square(frames / 255).mean()
    assert kept.history[-1]["loss"] == pytest.approx(mean_square, rel=0.01)
    restarted = fit_autoencoder(frames, **paper)
    assert restarted.diagnostics["failure"] is None and len(restarted.history) == 38
    [attempt] = restarted.failed_attempts
    assert attempt["seed"] == 2
    assert "collapsed" in attempt["failure"] and "after 150 steps" in attempt["failure"]
    ours = fit_autoencoder(frames, on_collapse="error", **settings)
    assert ours.diagnostics["failure"] is None
