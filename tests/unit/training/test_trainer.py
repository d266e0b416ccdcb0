"""The training loop: it learns, repeats itself bit for bit, notices trouble and begins again."""

import math

import pytest
import torch
from learning import OPTIMISER, PLAIN
from torch import nn

from motilens.compute.device import setup_compute
from motilens.core.errors import InputError
from motilens.evaluation.diagnostics import format_diagnostics, list_issues
from motilens.training.schedule import (
    is_diagnosis_step,
    learning_rate_factor,
    number_of_batches,
    restart_seed,
    seed_everything,
    split_into_batches,
)
from motilens.training.trainer import TrainingTask, run_training

SETTINGS = OPTIMISER | {"epochs": 30, "learning_rate": 0.05, "weight_decay": 0.0}
X = torch.linspace(-1, 1, 10)[:, None]
HEALTHY = {"problem": None, "warning": None}


def task(**changed):
    """To learn 3 x + 1 from ten examples."""
    parts = {
        "build": lambda: nn.Linear(1, 1),
        "count": len(X),
        "stream": lambda batches: ((X[i], 3 * X[i] + 1) for i in batches),
        "loss": lambda network, x, wanted: nn.functional.mse_loss(network(x), wanted),
        "examine": lambda model, loss: HEALTHY,
    }
    return TrainingTask(**parts | changed)


def fitted(seed=0, task=task(), performance=PLAIN, log=str, **changed):  # noqa: B008
    return run_training(task, SETTINGS | changed, seed, performance, log=log)


def weights(trained):
    return {name: tensor.clone() for name, tensor in trained.model.state_dict().items()}


@pytest.mark.parametrize(
    "count, size, sizes", [(33, 32, [17, 16]), (3, 2, [3]), (5, 2, [3, 2]), (64, 32, [32, 32])]
)
def test_batches_hold_everything_once_and_are_alike(count, size, sizes):
    cut = split_into_batches(torch.arange(count), size)
    assert [len(batch) for batch in cut] == sizes
    assert torch.cat(cut).tolist() == list(range(count))


def test_one_example_is_too_few():
    with pytest.raises(InputError, match="at least two"):
        fitted(task=task(count=1))


def test_training_learns_and_records_every_epoch():
    trained = fitted()
    assert [row["epoch"] for row in trained.history] == list(range(1, 31))
    assert trained.history[-1]["loss"] < 0.1 * trained.history[0]["loss"]
    assert trained.model.weight.item() == pytest.approx(3, abs=0.5)
    assert trained.starts == [] and trained.health == HEALTHY


def test_same_seed_same_bits_other_seed_others():
    assert fitted(seed=1).history == fitted(seed=1).history
    assert fitted(seed=1).history != fitted(seed=2).history


def test_it_is_the_plainest_loop():
    """The same steps written out in torch alone, to the bit."""
    trained = fitted(seed=3)
    torch.manual_seed(3)
    model = nn.Linear(1, 1)
    adam = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=0.0, fused=True)
    for _ in range(30):
        for i in torch.randperm(10).tensor_split(3):
            adam.zero_grad()
            nn.functional.mse_loss(model(X[i]), 3 * X[i] + 1).backward()
            adam.step()
    assert torch.equal(model.weight, trained.model.weight)
    assert torch.equal(model.bias, trained.model.bias)


def test_frozen_parameters_stay():
    def build():
        model = nn.Sequential(nn.Linear(1, 2), nn.Linear(2, 1))
        model[0].requires_grad_(False)
        return model

    seed_everything(0)
    before = build()[0].weight
    assert torch.equal(fitted(task=task(build=build)).model[0].weight, before)


def test_progress_is_told_about_ten_times():
    lines = []
    fitted(log=lines.append)
    assert 10 <= len(lines) <= 11
    assert lines[-1].startswith("epoch 30 of 30: loss ") and lines[-1].endswith("0 s left")


# Schedule, clipping, accumulation


def test_constant_is_constant_and_cosine_rises_then_falls_to_nothing():
    assert {learning_rate_factor("constant", k / 100) for k in range(101)} == {1.0}
    curve = [learning_rate_factor("cosine", k / 1000) for k in range(1001)]
    top = curve.index(max(curve))
    assert 45 <= top <= 55 and max(curve) == pytest.approx(1) and 0 < curve[0] < 0.2
    assert curve[:top] == sorted(curve[:top]) and curve[top:] == sorted(curve[top:], reverse=True)
    assert curve[-1] == pytest.approx(0, abs=1e-9)
    assert fitted(schedule="cosine").history != fitted().history


def test_gradients_are_clipped_when_told():
    steep = task(loss=lambda network, x, wanted: 1e6 * nn.functional.mse_loss(network(x), wanted))
    seen = []

    def stream(batches):
        for i in batches:
            yield X[i], 3 * X[i] + 1
            seen.append(math.hypot(*(p.grad.norm() for p in model[0].parameters())))

    model = []

    def build():
        model[:] = [nn.Linear(1, 1)]
        return model[0]

    for clip, most in ((0.5, 0.5001), (None, math.inf)):
        seen.clear()
        fitted(task=task(loss=steep.loss, stream=stream, build=build), gradient_clip=clip, epochs=3)
        assert len(seen) >= 6 and max(seen) <= most
    assert max(seen) > 1e3


def test_micro_batches_accumulate_to_the_same_step():
    """Of a model without batch normalisation, up to rounding."""
    whole = fitted(batch_size=5)
    parts = fitted(batch_size=5, performance=training_in(micro_batch=2))
    assert parts.run["micro_batch"] == 2
    for row, other in zip(whole.history, parts.history, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=1e-4)


def training_in(**changed):

    return setup_compute({"device": "cpu"} | changed)


class Greedy(nn.Linear):
    """Has memory for `most` examples only."""

    most = 3

    def forward(self, x):
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().forward(x)


def test_too_little_memory_halves_the_parts_once_and_says_so():
    lines = []
    trained = fitted(task=task(build=lambda: Greedy(1, 1)), batch_size=5, log=lines.append)
    warnings = [line for line in lines if line.startswith("WARNING")]
    assert warnings == [
        "WARNING: out of memory: from now on 3 stacks at a time, accumulated to the same batches"
    ]
    assert trained.run["micro_batch"] == 3
    for row, other in zip(fitted(batch_size=5).history, trained.history, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=1e-4)


def test_too_little_memory_twice_is_an_error_that_names_the_key(monkeypatch):
    monkeypatch.setattr(Greedy, "most", 1)
    with pytest.raises(InputError, match="micro-batches of 3 stacks .*set performance.micro_batch"):
        fitted(task=task(build=lambda: Greedy(1, 1)), batch_size=5)


def test_other_errors_are_not_taken_for_too_little_memory():
    def loss(network, x, wanted):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        fitted(task=task(loss=loss))


def test_half_precision_changes_little_and_is_told():
    plain, half = fitted(), fitted(performance=training_in(precision="bfloat16"))
    assert half.run["precision"] == "bfloat16" and plain.run["precision"] == "float32"
    assert half.history != plain.history
    assert half.model.weight.item() == pytest.approx(plain.model.weight.item(), rel=0.05)
    assert half.model.weight.dtype == torch.float32


# Health


def test_the_model_is_looked_at_early_and_then_ever_less_often():
    assert [step for step in range(3000) if is_diagnosis_step(step)] == [150, 300, 600, 1200, 2400]


def unhealthy_at(first, last=HEALTHY):
    """Examines: the first starts are unhealthy, later ones are not."""
    asked = []

    def examine(model, loss):
        if loss is not None:
            asked.append(loss)
        found = last if len(asked) > first or loss is None else {"problem": "dead", "warning": None}
        return dict(found)

    return task(examine=examine)


def test_an_unhealthy_model_is_trained_again_from_another_seed():
    lines = []
    trained = fitted(seed=7, task=unhealthy_at(2), epochs=2, log=lines.append)
    assert [start["problem"] for start in trained.starts] == ["dead", "dead"]
    assert [start["epoch"] for start in trained.starts] == [2, 2]
    seeds = [start["seed"] for start in trained.starts]
    assert seeds == [restart_seed(7, start) for start in (0, 1)] and seeds[0] == 7
    assert len(trained.history) == 2
    assert lines.count("WARNING: dead: beginning again, start 2 of 6") == 1
    alone = fitted(seed=restart_seed(7, 2), epochs=2)
    assert alone.history == trained.history


def test_starts_are_limited():
    with pytest.raises(InputError, match="dead, and so in all 6 starts: lower learning_rate"):
        fitted(task=unhealthy_at(99), epochs=1)


def test_stop_stops_and_keep_keeps():
    with pytest.raises(InputError, match=r"^dead: lower learning_rate \(now 0.05\)"):
        fitted(task=unhealthy_at(99), epochs=1, unhealthy="stop")
    kept = fitted(task=unhealthy_at(99), epochs=1, unhealthy="keep")
    assert kept.health["problem"] == "dead" and kept.starts == []


@pytest.mark.parametrize("policy", ["stop", "keep"])
def test_a_model_that_ends_not_finite_cannot_be_kept(policy):
    """Its last step did it: the loss of its epoch was that of before."""
    health = {"problem": "not finite", "warning": None, "loss": float("nan")}
    with pytest.raises(InputError, match="^not finite: lower") as raised:
        fitted(task=task(examine=lambda model, loss: health), epochs=1, unhealthy=policy)
    assert "unhealthy" not in str(raised.value)


def test_parts_of_a_batch_are_never_of_one_stack():
    assert [number_of_batches(5, size) for size in (1, 2, 3, 5, 9)] == [2, 2, 2, 1, 1]


def test_health_in_words():
    health = {"loss": 0.0125, "feature_spread": [0.5, 1.25], "problem": None, "warning": "poor"}
    assert format_diagnostics(health) == "loss 0.0125; feature spread 0.5 1.25; poor"


def test_a_warning_is_no_reason_to_begin_again():
    unsettled = {"problem": None, "warning": "unsettled"}
    trained = fitted(task=unhealthy_at(0, unsettled), epochs=1)
    assert trained.health == unsettled and trained.starts == []
    assert list_issues(trained.health) == ["unsettled"] and not list_issues(HEALTHY)
    with pytest.raises(InputError, match="^unsettled"):
        fitted(task=unhealthy_at(0, unsettled), epochs=1, unhealthy="stop")


def test_a_death_in_the_middle_is_noticed_in_the_middle():
    examine = lambda model, loss: {"problem": "dead", "warning": None}  # noqa: E731
    with pytest.raises(InputError, match=r"dead \(after 150 steps\)"):
        fitted(task=task(examine=examine), epochs=1000, unhealthy="stop")


@pytest.mark.parametrize("policy", ["restart", "stop", "keep"])
def test_a_loss_that_is_no_number_cannot_be_kept(policy):
    with pytest.raises(
        InputError, match="the loss is (nan|inf) after epoch .* lower learning_rate"
    ):
        fitted(learning_rate=1e30, unhealthy=policy)
