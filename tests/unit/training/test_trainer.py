"""The training loop: it learns, repeats itself bit for bit, notices trouble and restarts."""

import logging
import math

import pytest
import torch
from torch import nn

from motilens.compute.device import setup_compute
from motilens.core.errors import InputError
from motilens.training import schedule
from motilens.training.trainer import TrainingTask, run_training
from support.errors import assert_refused
from support.learning import COLLAPSED, CPU, SOUND, TRAINING

SETTINGS = TRAINING | {"epochs": 30, "learning_rate": 0.05, "weight_decay": 0.0}
X = torch.linspace(-1, 1, 10)[:, None]


def mse(network, x, target):
    return nn.functional.mse_loss(network(x), target)


def make_task(**changes):
    """Learn 3 x + 1 from ten examples."""
    fields = {"build": lambda: nn.Linear(1, 1), "count": len(X), "loss": mse}
    fields["iter_batches"] = lambda batches: ((X[i], 3 * X[i] + 1) for i in batches)
    fields["diagnose"] = lambda model, loss: SOUND
    return TrainingTask(**fields | changes)


def train(task=None, seed=0, compute=CPU, **changes):
    return run_training(task or make_task(), SETTINGS | changes, seed, compute)


def cpu_with(**settings):
    return setup_compute({"device": "cpu"} | settings)


def assert_similar_losses(result, expected):
    for epoch, other in zip(result.history, expected.history, strict=True):
        assert epoch["loss"] == pytest.approx(other["loss"], rel=1e-4)


def test_training_learns_from_two_examples_on_and_logs_its_progress(caplog):
    assert_refused("at least two", train, make_task(count=1))
    result = train()
    assert [row["epoch"] for row in result.history] == list(range(1, 31))
    assert result.history[-1]["loss"] < 0.1 * result.history[0]["loss"]
    assert result.model.weight.item() == pytest.approx(3, abs=0.5)
    assert result.failed_attempts == [] and result.diagnostics == SOUND
    caplog.set_level(logging.INFO, "motilens")
    train()
    assert 10 <= len(caplog.messages) <= 11
    last = caplog.messages[-1]
    assert last.startswith("epoch 30 of 30: loss ") and last.endswith("0 s left")


def test_seed_and_schedule_of_the_learning_rate_decide_the_bits():
    assert train(seed=1).history == train(seed=1).history
    assert train(seed=1).history != train(seed=2).history
    assert train(lr_schedule="cosine").history != train().history


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

    schedule.seed_everything(0)
    before = build()[0].weight
    assert torch.equal(train(make_task(build=build)).model[0].weight, before)


def test_gradients_are_clipped_if_the_settings_say_so():
    models, norms = [], []

    def build():
        models.append(nn.Linear(1, 1))
        return models[-1]

    def iter_batches(batches):
        for i in batches:
            yield X[i], 3 * X[i] + 1
            norms.append(math.hypot(*(p.grad.norm() for p in models[-1].parameters())))

    steep = {"loss": lambda *arguments: 1e6 * mse(*arguments)}
    task = make_task(iter_batches=iter_batches, build=build, **steep)
    for limit, highest in ((0.5, 0.5001), (None, math.inf)):
        norms.clear()
        train(task, clip_grad_norm=limit, epochs=3)
        assert len(norms) >= 6 and max(norms) <= highest
    assert max(norms) > 1e3


def test_micro_batches_and_bfloat16_change_little_and_are_recorded():
    """Of a model without batch normalization, up to rounding."""
    result = train(compute=cpu_with(micro_batch=2), batch_size=5)
    assert result.run["micro_batch"] == 2
    assert_similar_losses(result, train(batch_size=5))
    full, half = train(epochs=1), train(epochs=1, compute=cpu_with(precision="bfloat16"))
    assert half.run["precision"] == "bfloat16" and full.run["precision"] == "float32"
    assert half.model.weight.dtype == torch.float32


class LimitedMemory(nn.Linear):
    """Has memory for `most` examples only."""

    most = 3

    def forward(self, x):
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().forward(x)


LIMITED = make_task(build=lambda: LimitedMemory(1, 1))


def test_too_little_memory_and_nothing_else_halves_the_micro_batch_once(caplog, monkeypatch):
    result = train(LIMITED, batch_size=5)
    [message] = caplog.messages
    assert message.startswith("out of memory: from now on 3 stacks at a time, accumulated to the s")
    assert result.run["micro_batch"] == 3
    assert_similar_losses(result, train(batch_size=5))
    monkeypatch.setattr(LimitedMemory, "most", 1)
    with pytest.raises(InputError, match="micro-batches of 3 stacks .*set compute.micro_batch"):
        train(LIMITED, batch_size=5)

    def loss(network, x, target):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(make_task(loss=loss))


def collapses(attempts, then=SOUND):
    """The first attempts collapse, later ones do not."""
    ends = []

    def diagnose(model, loss):
        ends.extend([loss] * (loss is not None))
        return then if len(ends) > attempts or loss is None else COLLAPSED

    return make_task(diagnose=diagnose)


def test_collapsed_model_is_trained_again_from_another_seed(caplog):
    result = train(collapses(2), seed=7, epochs=2)
    seeds = [schedule.restart_seed(7, attempt) for attempt in (0, 1)]
    expected = [{"seed": seed, "epoch": 2, "failure": "dead"} for seed in seeds]
    assert result.failed_attempts == expected and seeds[0] == 7
    assert caplog.messages == [f"dead: restarting, attempt {k} of 6" for k in (2, 3)]
    assert len(result.history) == 2
    assert train(seed=schedule.restart_seed(7, 2), epochs=2).history == result.history


def test_collapsed_models_are_restarted_refused_or_kept_as_on_collapse_says():
    message = "dead, as in all 6 attempts: lower learning_rate"
    assert_refused(message, train, collapses(99), epochs=1)
    message = r"^dead: lower learning_rate \(now 0.05\)"
    assert_refused(message, train, collapses(99), epochs=1, on_collapse="error")
    kept = train(collapses(99), epochs=1, on_collapse="keep")
    assert kept.diagnostics == COLLAPSED and kept.failed_attempts == []
    diagnostics = {"failure": None, "warning": "unsettled"}
    result = train(collapses(0, diagnostics), epochs=1)
    assert result.diagnostics == diagnostics and result.failed_attempts == []
    assert_refused("^unsettled", train, collapses(0, diagnostics), epochs=1, on_collapse="error")


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


def test_batches_hold_every_example_once_and_are_of_similar_size():
    for size, *sizes in ((32, 17, 16), (2, 3), (2, 3, 2), (32, 32, 32)):
        batches = schedule.split_into_batches(torch.arange(sum(sizes)), size)
        assert [len(batch) for batch in batches] == sizes
        assert torch.cat(batches).tolist() == list(range(sum(sizes)))
    assert [schedule.number_of_batches(5, size) for size in (1, 2, 3, 5, 9)] == [2, 2, 2, 1, 1]


def test_learning_rates_and_diagnosis_steps_follow_their_schedules():
    assert {schedule.learning_rate_factor("constant", k / 100) for k in range(101)} == {1.0}
    curve = [schedule.learning_rate_factor("cosine", k / 1000) for k in range(1001)]
    top = curve.index(max(curve))
    assert 45 <= top <= 55 and max(curve) == pytest.approx(1) and 0 < curve[0] < 0.2
    assert curve[:top] == sorted(curve[:top]) and curve[top:] == sorted(curve[top:], reverse=True)
    assert curve[-1] == pytest.approx(0, abs=1e-9)
    steps = [step for step in range(3000) if schedule.is_diagnosis_step(step)]
    assert steps == [150, 300, 600, 1200, 2400]
