"""Training a regressor: it starts at the mean, learns, and a useless one is noticed."""

import numpy as np
import pytest
import torch

from motilens.models.regressor import IMAGENET_MEAN_STD
from motilens.training.regressor import make_bags, predict_stacks
from support.errors import assert_refused
from support.learning import LABELS, draw_disks, fit_regressor, to_dataset, untrained_autoencoder

ARRAY = draw_disks(8)


def train(**changes):
    return fit_regressor(ARRAY, **changes)


def predict(result, array=ARRAY):
    return predict_stacks(result.model, to_dataset(array))


@pytest.fixture(scope="module")
def trained():
    return train()


def test_regressor_starts_at_the_mean_and_diagnostics_are_those_of_its_predictions(trained):
    predicted = predict(trained)
    assert predicted.shape == (8, 3) and predicted.dtype == np.float32
    assert predicted.mean(0) == pytest.approx([40, 20, 40], abs=3)
    assert (abs(predict(train(init_bias_to_mean=False))) < 5).all()
    without = train(recalibrate_batch_norm=False, on_collapse="keep")
    assert not np.allclose(predict(without), predicted), "another model than was trained"
    diagnostics = trained.diagnostics
    assert diagnostics["loss"] == pytest.approx(((predicted - LABELS) ** 2).mean())
    assert diagnostics["spread"] == pytest.approx(predicted.std(0), rel=1e-4)
    assert diagnostics["loss_in_training"] == trained.history[-1]["loss"]
    assert diagnostics["failure"] is None and diagnostics["warning"] is None


def test_models_that_have_not_settled_or_predict_a_constant_are_noticed():
    """Seen in a trial with high learning rates and few stacks."""
    changes = {"epochs": 6, "learning_rate": 1e-2, "recalibrate_batch_norm": False}
    diagnostics = train(**changes).diagnostics
    assert "batch normalization has not settled" in diagnostics["warning"]
    assert diagnostics["failure"] is None
    assert_refused("has not settled", train, on_collapse="error", **changes)
    blind = untrained_autoencoder()
    with torch.no_grad():
        blind.encoder[-1].weight.zero_()
    kept = train(encoder=blind, on_collapse="keep")
    assert "collapsed: it predicts the same for every stack" in kept.diagnostics["failure"]
    assert_refused("same for every stack, as in all 6 attempts", train, encoder=blind)


@pytest.mark.slow
def test_batch_norm_settles_over_all_videos_though_a_batch_could_hold_one():
    """Each batch in the order of the videos would be one of them, and lack how they differ."""
    array, labels = (np.repeat(values, 4, axis=0) for values in (ARRAY, LABELS))
    diagnostics = fit_regressor(array, labels, batch_size=4, epochs=6).diagnostics
    assert diagnostics["warning"] is None
    assert diagnostics["loss"] < 2 * diagnostics["loss_in_training"]


def test_encoder_is_frozen_or_learns_with_the_rest(trained):
    before = untrained_autoencoder().encoder.state_dict()
    after = trained.model.encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    encoder = untrained_autoencoder()
    tuned = train(encoder=encoder, fine_tune_encoder=True, learning_rate=1e-3)
    after = tuned.model.encoder.state_dict()
    assert not all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(before["1.weight"], encoder.encoder.state_dict()["1.weight"])


def test_normalization_augmentation_and_loss_do_what_the_settings_say(trained):
    scale = train(input_normalization="imagenet").model.normalize.scale
    assert torch.equal(scale.flatten(), 1 / torch.tensor(IMAGENET_MEAN_STD[1]))
    augmented = train(augmentation="dihedral")
    assert augmented.history != trained.history
    assert augmented.model.state_dict().keys() == trained.model.state_dict().keys()
    assert not augmented.model.tta
    result = train(loss="l1")
    expected = abs(predict(result) - LABELS).mean()
    assert result.diagnostics["loss"] == pytest.approx(expected, rel=1e-5)
    assert 5 < result.history[0]["loss"] < 30


def test_bags_are_spread_over_a_video_and_their_mean_is_compared_with_its_label():
    keys = [("a", k) for k in range(6)] + [("b", k) for k in range(6)]
    assert make_bags(keys, 3).tolist() == [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9, 11]]
    assert make_bags(keys, 1).tolist() == [[k] for k in range(12)]
    assert make_bags(keys, 6).tolist() == [list(range(6)), list(range(6, 12))]
    bags, labels = torch.arange(8).view(4, 2), np.repeat(LABELS[:4], 2, axis=0)
    result = fit_regressor(ARRAY, labels, bags=bags, batch_size=4)
    means = predict(result).reshape(4, 2, 3).mean(1)
    expected = ((means - labels[::2]) ** 2).mean()
    assert result.diagnostics["loss"] == pytest.approx(expected, rel=1e-4)
    assert result.history[0]["loss"] == pytest.approx(((40 - labels) ** 2).mean(), rel=0.6)
    assert fit_regressor(ARRAY, labels, batch_size=4).history != result.history


@pytest.mark.slow
def test_regressor_learns_nothing_from_shuffled_labels():
    """Of unseen stacks: the radius of a disk determines the true labels, and nothing these."""
    rng, (y, x) = np.random.default_rng(0), np.mgrid[:32, :32]
    radius, center = rng.uniform(2, 14, 96), rng.uniform(12, 20, (96, 2))
    inside = [np.hypot(y - a, x - b) < r for r, (a, b) in zip(radius, center, strict=True)]
    array = (90 + 60 * np.array(inside) + rng.normal(0, 2, (96, 32, 32))).astype(np.uint8)[:, None]
    share = (radius - 2) / 12
    true = 100 * np.stack([share, (1 - share) / 2, (1 - share) / 2], 1)
    seen, unseen = slice(0, 64), slice(64, 96)
    changes = {"output_activation": "sigmoid", "augmentation": "dihedral"}

    def error(labels):
        labels = labels.astype(np.float32)
        result = fit_regressor(array[seen], labels, epochs=10, learning_rate=1e-3, **changes)
        return abs(predict(result, array[unseen]) - true[unseen]).mean()

    zero_r = abs(true[unseen] - true[seen].mean(0)).mean()
    assert error(true[seen]) < 0.7 * zero_r and error(rng.permutation(true[seen])) > 0.95 * zero_r
