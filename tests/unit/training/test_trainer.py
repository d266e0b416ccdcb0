"""The training loop: it learns, repeats itself bit for bit, notices trouble and restarts."""

import logging
import math

import pytest
import torch
from torch import nn

from motilens.compute.device import setup_compute
from motilens.core.errors import InputError
from motilens.training.schedule import restart_seed, seed_everything
from motilens.training.trainer import TrainingTask, run_training
from support.errors import assert_refused
from support.learning import COLLAPSED, CPU, SOUND, TRAINING

SETTINGS = TRAINING | {"epochs": 30, "learning_rate": 0.05, "weight_decay": 0.0}
X = torch.linspace(-1, 1, 10)[:, None]


def mse(network, x, target):
    return nn.functional.mse_loss(network(x), target)


def make_task(**changes):
    """Learn 3 x + 1 from ten examples."""
    fields = {
        "build": lambda: nn.Linear(1, 1),
        "count": len(X),
        "iter_batches": lambda batches: ((X[i], 3 * X[i] + 1) for i in batches),
        "loss": mse,
        "diagnose": lambda model, loss: SOUND,
    }
    return TrainingTask(**fields | changes)


def train(task=None, seed=0, compute=CPU, **changes):
    return run_training(task or make_task(), SETTINGS | changes, seed, compute)


def cpu_with(**settings):
    return setup_compute({"device": "cpu"} | settings)


def assert_similar_losses(result, expected):
    for epoch, other in zip(result.history, expected.history, strict=True):
        assert epoch["loss"] == pytest.approx(other["loss"], rel=1e-4)


def test_one_example_is_too_few():
    assert_refused("at least two", train, make_task(count=1))


def test_training_learns_and_records_every_epoch():
    result = train()
    assert [row["epoch"] for row in result.history] == list(range(1, 31))
    assert result.history[-1]["loss"] < 0.1 * result.history[0]["loss"]
    assert result.model.weight.item() == pytest.approx(3, abs=0.5)
    assert result.failed_attempts == [] and result.diagnostics == SOUND


def test_same_seed_gives_the_same_bits_and_another_seed_others():
    assert train(seed=1).history == train(seed=1).history
    assert train(seed=1).history != train(seed=2).history


def test_training_is_the_plainest_loop():
    """The same steps written out in torch alone, to the bit."""
    result = train(seed=3)
    torch.manual_seed(3)
    model = nn.Linear(1, 1)
    adam = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=0.0, fused=True)
    for _ in range(30):
        for i in torch.randperm(10).tensor_split(3):
            adam.zero_grad()
            mse(model, X[i], 3 * X[i] + 1).backward()
            adam.step()
    assert torch.equal(model.weight, result.model.weight)
    assert torch.equal(model.bias, result.model.bias)


def test_frozen_parameters_do_not_change():
    def build():
        model = nn.Sequential(nn.Linear(1, 2), nn.Linear(2, 1))
        model[0].requires_grad_(False)
        return model

    seed_everything(0)
    before = build()[0].weight
    assert torch.equal(train(make_task(build=build)).model[0].weight, before)


def test_progress_is_logged_about_ten_times(caplog):
    caplog.set_level(logging.INFO, "motilens")
    train()
    assert 10 <= len(caplog.messages) <= 11
    last = caplog.messages[-1]
    assert last.startswith("epoch 30 of 30: loss ") and last.endswith("0 s left")


# Learning rate, clipping, micro-batches, precision


def test_learning_rate_follows_the_schedule():
    assert train(lr_schedule="cosine").history != train().history


def test_gradients_are_clipped_if_the_settings_say_so():
    models, norms = [], []

    def build():
        models.append(nn.Linear(1, 1))
        return models[-1]

    def iter_batches(batches):
        for i in batches:
            yield X[i], 3 * X[i] + 1
            norms.append(math.hypot(*(p.grad.norm() for p in models[-1].parameters())))

    def steep(*arguments):
        return 1e6 * mse(*arguments)

    task = make_task(loss=steep, iter_batches=iter_batches, build=build)
    for limit, highest in ((0.5, 0.5001), (None, math.inf)):
        norms.clear()
        train(task, clip_grad_norm=limit, epochs=3)
        assert len(norms) >= 6 and max(norms) <= highest
    assert max(norms) > 1e3


def test_micro_batches_accumulate_to_the_same_step():
    """Of a model without batch normalization, up to rounding."""
    result = train(compute=cpu_with(micro_batch=2), batch_size=5)
    assert result.run["micro_batch"] == 2
    assert_similar_losses(result, train(batch_size=5))


class LimitedMemory(nn.Linear):
    """Has memory for `most` examples only."""

    most = 3

    def forward(self, x):
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().forward(x)


LIMITED = make_task(build=lambda: LimitedMemory(1, 1))


def test_too_little_memory_halves_the_micro_batch_once_and_is_reported(caplog):
    result = train(LIMITED, batch_size=5)
    assert caplog.messages == [
        "out of memory: from now on 3 stacks at a time, accumulated to the same batches"
    ]
    assert result.run["micro_batch"] == 3
    assert_similar_losses(result, train(batch_size=5))


def test_too_little_memory_twice_is_an_error_that_names_the_key(monkeypatch):
    monkeypatch.setattr(LimitedMemory, "most", 1)
    with pytest.raises(InputError, match="micro-batches of 3 stacks .*set compute.micro_batch"):
        train(LIMITED, batch_size=5)


def test_other_errors_are_not_taken_for_too_little_memory():
    def loss(network, x, target):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(make_task(loss=loss))


def test_bfloat16_changes_little_and_is_recorded():
    full, half = train(), train(compute=cpu_with(precision="bfloat16"))
    assert half.run["precision"] == "bfloat16" and full.run["precision"] == "float32"
    assert half.history != full.history
    assert half.model.weight.item() == pytest.approx(full.model.weight.item(), rel=0.05)
    assert half.model.weight.dtype == torch.float32


# Diagnostics


def collapses(attempts, then=SOUND):
    """The first attempts collapse, later ones do not."""
    ends = []

    def diagnose(model, loss):
        if loss is not None:
            ends.append(loss)
        return then if len(ends) > attempts or loss is None else COLLAPSED

    return make_task(diagnose=diagnose)


def test_collapsed_model_is_trained_again_from_another_seed(caplog):
    result = train(collapses(2), seed=7, epochs=2)
    seeds = [restart_seed(7, attempt) for attempt in (0, 1)]
    expected = [{"seed": seed, "epoch": 2, "failure": "dead"} for seed in seeds]
    assert result.failed_attempts == expected and seeds[0] == 7
    assert caplog.messages == [f"dead: restarting, attempt {k} of 6" for k in (2, 3)]
    assert len(result.history) == 2
    assert train(seed=restart_seed(7, 2), epochs=2).history == result.history


def test_attempts_are_limited():
    with pytest.raises(InputError, match="dead, as in all 6 attempts: lower learning_rate"):
        train(collapses(99), epochs=1)


def test_error_refuses_a_collapsed_model_and_keep_keeps_it():
    with pytest.raises(InputError, match=r"^dead: lower learning_rate \(now 0.05\)"):
        train(collapses(99), epochs=1, on_collapse="error")
    kept = train(collapses(99), epochs=1, on_collapse="keep")
    assert kept.diagnostics == COLLAPSED and kept.failed_attempts == []


@pytest.mark.parametrize("policy", ["error", "keep"])
def test_model_that_is_not_finite_after_the_last_step_cannot_be_kept(policy):
    """The loss of its last epoch is of before that step."""
    diagnostics = {"failure": "not finite", "warning": None, "loss": float("nan")}
    task = make_task(diagnose=lambda model, loss: diagnostics)
    with pytest.raises(InputError, match="^not finite: lower") as raised:
        train(task, epochs=1, on_collapse=policy)
    assert "on_collapse" not in str(raised.value)


@pytest.mark.parametrize("policy", ["restart", "error", "keep"])
def test_model_whose_loss_is_not_finite_cannot_be_kept(policy):
    message = "the loss is (nan|inf) after epoch .* lower learning_rate"
    assert_refused(message, train, learning_rate=1e30, on_collapse=policy)


def test_warning_is_no_reason_to_restart():
    diagnostics = {"failure": None, "warning": "unsettled"}
    result = train(collapses(0, diagnostics), epochs=1)
    assert result.diagnostics == diagnostics and result.failed_attempts == []
    assert_refused("^unsettled", train, collapses(0, diagnostics), epochs=1, on_collapse="error")
