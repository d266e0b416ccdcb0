"""The training loop: it learns, repeats itself bit for bit, and notices when it does not."""

import pytest
import torch
from torch import nn

from motilens import InputError, training

SETTINGS = {"epochs": 30, "batch_size": 4, "learning_rate": 0.05, "weight_decay": 0.0}
X = torch.linspace(-1, 1, 10)[:, None]


def fitted(seed, **changed):
    training.seed_everything(seed)
    model = nn.Linear(1, 1)
    history = training.fit(
        model, lambda i: (X[i], 3 * X[i] + 1), len(X), **SETTINGS | changed, log=lambda line: None
    )
    return model, history


@pytest.mark.parametrize(
    "count, size, sizes", [(33, 32, [17, 16]), (3, 2, [3]), (5, 2, [3, 2]), (64, 32, [32, 32])]
)
def test_batches_hold_everything_once_and_are_alike(count, size, sizes):
    cut = training.batches(torch.arange(count), size)
    assert [len(batch) for batch in cut] == sizes
    assert torch.cat(cut).tolist() == list(range(count))


def test_one_example_is_too_few():
    with pytest.raises(InputError, match="at least two"):
        training.fit(nn.Linear(1, 1), lambda i: (X[i], X[i]), 1, **SETTINGS)


def test_fit_learns_and_records_every_epoch():
    model, history = fitted(seed=0)
    assert [row["epoch"] for row in history] == list(range(1, 31))
    assert history[-1]["loss"] < 0.1 * history[0]["loss"]
    assert model.weight.item() == pytest.approx(3, abs=0.5)


def test_same_seed_same_bits_other_seed_others():
    assert fitted(seed=1)[1] == fitted(seed=1)[1]
    assert fitted(seed=1)[1] != fitted(seed=2)[1]


def test_divergence_is_an_error_that_names_the_learning_rate():
    with pytest.raises(FloatingPointError, match="learning rate"):
        fitted(seed=0, learning_rate=1e30)


def test_frozen_parameters_stay():
    training.seed_everything(0)
    model = nn.Sequential(nn.Linear(1, 2), nn.Linear(2, 1))
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    training.fit(model, lambda i: (X[i], X[i]), len(X), **SETTINGS, log=lambda line: None)
    assert torch.equal(model[0].weight, before)


def test_settled_batch_norm_makes_evaluation_equal_training():
    model = nn.BatchNorm1d(1)
    inputs = lambda indices: 5 + 2 * X[indices]  # noqa: E731
    training.settle_batch_norm(model, inputs, len(X), batch_size=10)
    assert model.running_mean.item() == pytest.approx(5, abs=1e-5)
    output = training.predict(model, inputs, len(X), batch_size=3)
    assert output.mean().item() == pytest.approx(0, abs=1e-5)
    assert not model.training


def test_progress_is_told_about_ten_times():
    lines = []
    training.fit(nn.Linear(1, 1), lambda i: (X[i], X[i]), 10, **SETTINGS, log=lines.append)
    assert 10 <= len(lines) <= 11 and "epoch 30 of 30" in lines[-1]
