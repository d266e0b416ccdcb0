"""An interrupted training resumes as if nothing had been; what cannot be used is reported."""

import errno
import hashlib
import io
import logging
import os
import signal

import pytest
import torch
from torch import nn

from motilens.core import files
from motilens.training.checkpoint import SIGNALS, CheckpointManager, checkpointing
from motilens.training.trainer import TrainingTask, run_training
from support.errors import assert_refused
from support.killed_training import compare_killed_training
from support.learning import COLLAPSED, CPU, SOUND, TRAINING, get_weights

SETTINGS = TRAINING | {"epochs": 6, "lr_schedule": "cosine"}
X = torch.linspace(-1, 1, 12)[:, None]


def build():
    return nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))


def run(checkpoints, at_step=None, action=None, diagnose=lambda model, loss: SOUND, **changes):
    """Train; `action` is called before step `at_step`, counted over all attempts."""
    steps = 0

    def iter_batches(batches):
        nonlocal steps
        for i in batches:
            steps += 1
            if steps == at_step:
                action()
            yield X[i], 3 * X[i]

    def loss(network, x, target):
        return nn.functional.mse_loss(network(x), target)

    task = TrainingTask(build, len(X), iter_batches, loss, diagnose)
    return run_training(task, SETTINGS | changes, 5, CPU, checkpoints)


def manager(path, identity=None, minutes=60.0):
    return CheckpointManager(path, identity or {"settings": 1, "training": 2}, minutes)


def interrupt(path, number=signal.SIGTERM, at_step=8, **changes):
    """Leave the checkpoint of a training that a signal asked to exit."""
    with pytest.raises(SystemExit) as raised:
        run(manager(path), at_step, lambda: os.kill(os.getpid(), number), **changes)
    assert raised.value.code == 128 + number


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.pt"


@pytest.fixture(scope="module")
def undisturbed():
    return run(None)


def assert_same(result, expected):
    assert torch.equal(get_weights(result), get_weights(expected))
    assert result.history == expected.history


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_ends_the_training_and_the_next_run_resumes(path, undisturbed, number, caplog):
    caplog.set_level(logging.INFO, "motilens")
    handler = signal.getsignal(number)
    interrupt(path, number)
    assert signal.getsignal(number) == handler
    exiting = f"{number.name}: exiting; the checkpoint is saved: run again to resume"
    assert caplog.messages[-1] == exiting
    caplog.clear()
    resumed = run(manager(path))
    assert caplog.messages[0] == "resuming at step 8, in epoch 3"
    assert resumed.run["resumed_at_steps"] == [8]
    assert_same(resumed, undisturbed)


@pytest.mark.parametrize("at_step", [1, 3, 4, 17, 18])  # three steps an epoch
def test_training_resumes_at_any_step_of_an_epoch(path, undisturbed, at_step):
    interrupt(path, at_step=at_step)
    assert_same(run(manager(path)), undisturbed)


def test_failed_attempts_are_remembered(path):
    ends = []

    def diagnose(model, loss):
        ends.extend([loss] * (loss is not None))
        return COLLAPSED if len(ends) == 1 and loss else SOUND

    expected = run(None, diagnose=diagnose)
    ends.clear()
    interrupt(path, at_step=18 + 5, diagnose=diagnose)
    resumed = run(manager(path), diagnose=diagnose)
    assert resumed.failed_attempts == expected.failed_attempts and len(resumed.failed_attempts) == 1
    assert_same(resumed, expected)


def test_checkpoint_is_saved_every_so_many_minutes(path, undisturbed):
    def crash():
        raise KeyError

    pytest.raises(KeyError, run, manager(path, minutes=1e-9), 11, crash)
    resumed = run(manager(path))
    assert resumed.run["resumed_at_steps"] == [10]
    assert_same(resumed, undisturbed)
    path.unlink()
    pytest.raises(KeyError, run, manager(path, minutes=60), 11, crash)
    assert not path.exists()


def fail():
    pytest.fail("a step was taken again")


def test_collapsed_model_that_was_refused_can_still_be_kept(path):
    always = {"diagnose": lambda model, loss: COLLAPSED}
    assert_refused("dead", run, manager(path), on_collapse="error", **always)
    kept = run(manager(path), 1, fail, on_collapse="keep", **always)
    assert kept.diagnostics == COLLAPSED and len(kept.history) == 6


# The model collapses at step 150.
COLLAPSES = {"diagnose": lambda model, loss: COLLAPSED if loss is None else SOUND, "epochs": 60}


@pytest.fixture
def refused(path):
    """The checkpoint of a training that ended with an error at its first diagnosis."""
    message = r"dead \(after 150 steps\)"
    assert_refused(message, run, manager(path), on_collapse="error", **COLLAPSES)
    return path


def test_keep_after_error_gives_what_keep_alone_gives(refused):
    kept = run(manager(refused), on_collapse="keep", **COLLAPSES)
    assert_same(kept, run(None, on_collapse="keep", **COLLAPSES))


def test_restart_after_error_does_what_restart_alone_does(refused, caplog):
    """The state of a checkpoint is diagnosed, too."""
    warnings = []
    for checkpoints in (manager(refused), None):
        caplog.clear()
        assert_refused("all 6 attempts", run, checkpoints, on_collapse="restart", **COLLAPSES)
        warnings.append(list(caplog.messages))
    assert warnings[0] == warnings[1] and len(warnings[0]) == 5
    # The checkpoint is that of the sixth attempt; `keep` keeps the first.
    kept = run(manager(refused), on_collapse="keep", **COLLAPSES)
    message = f"{refused} was saved with another `on_collapse`: starting from the beginning"
    assert caplog.messages[-1] == message
    assert_same(kept, run(None, on_collapse="keep", **COLLAPSES))


def test_signal_after_the_last_step_loses_nothing(path, undisturbed):
    """The checkpoint is saved before the last diagnosis, which goes on to its end."""

    def diagnose(model, loss):
        signal.raise_signal(signal.SIGTERM)
        assert path.exists()
        return SOUND

    assert_same(run(manager(path), diagnose=diagnose), undisturbed)
    assert_same(run(manager(path), 1, fail), undisturbed)


def signed(value=None, content=b"text"):
    """Content with its digest, as checkpoints have it; `value` as torch saves it."""
    if value is not None:
        torch.save(value, file := io.BytesIO())
        content = file.getvalue()
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


NO_CHECKPOINTS = [
    b"", b"\n", b"half", b"0" * 64 + b"\n",
    *map(signed, (None, [1], {}, {"identity": "no JSON", "state": {}})),
]  # fmt: skip


@pytest.mark.parametrize("damage", [*NO_CHECKPOINTS, 0, 70, -1])
def test_damaged_checkpoint_is_reported_and_not_used(path, undisturbed, damage, caplog):
    """Another content, or the place of a flipped bit."""
    interrupt(path)
    content = bytearray(path.read_bytes())
    if isinstance(damage, int):
        content[damage] ^= 1
    path.write_bytes(content if isinstance(damage, int) else damage)
    caplog.clear()
    result = run(manager(path))
    assert caplog.messages == [f"{path} is damaged: starting from the beginning"]
    assert_same(result, undisturbed)


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error")])
def test_a_fault_of_the_machine_leaves_the_checkpoint_for_the_next_run(
    path, undisturbed, error, monkeypatch
):
    interrupt(path)
    with monkeypatch.context() as patch, pytest.raises(type(error)):
        patch.setattr(torch, "load", lambda *arguments, **options: (_ for _ in ()).throw(error))
        run(manager(path))
    assert_same(run(manager(path)), undisturbed)


def test_folder_in_the_place_of_the_checkpoint_is_named(path):
    path.mkdir()
    assert_refused("checkpoint.pt cannot be read .*: delete it", run, manager(path))


def test_checkpoint_of_another_training_is_reported_and_not_used(path, undisturbed, caplog):
    interrupt(path)
    caplog.clear()
    result = run(manager(path, {"settings": 1, "training": 3, "seed": 5}))
    difference = "was saved with other seed, training: starting from the beginning"
    assert caplog.messages == [f"{path} {difference}"]
    assert_same(result, undisturbed)


def test_on_collapse_is_no_part_of_the_identity_and_success_removes_the_checkpoint(tmp_path, path):
    for policy in ("error", "keep"):
        identity = {"settings": {"epochs": 1, "on_collapse": policy}}
        with checkpointing(tmp_path / "model.pt", identity, 60) as checkpoints:
            assert checkpoints.identity == '{"settings": {"epochs": 1}}'
    weights = path.with_name("model.pt")
    with pytest.raises(KeyError), checkpointing(weights, {"settings": {}}, 60):
        path.write_text("saved")
        raise KeyError
    assert path.exists()
    with checkpointing(weights, {"settings": {}}, 60):
        pass
    assert not path.exists()


def test_full_disk_keeps_the_last_checkpoint(path, undisturbed, monkeypatch, caplog):
    interrupt(path)
    content = path.read_bytes()
    caplog.clear()

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    result = run(manager(path, minutes=1e-9))
    message = f"the checkpoint {path} could not be written: [Errno 28] No space left on device"
    assert caplog.messages == [message] * 11
    assert path.read_bytes() == content and os.listdir(path.parent) == [path.name]
    assert_same(result, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["autoencoder", "regressor"])
def test_kills_at_random_moments_change_no_bit(tmp_path, kind):
    comparison = compare_killed_training(kind, 3, tmp_path)
    assert comparison["is_same"] and comparison["leftovers"] == []
    assert comparison["resumed"] >= 2, "hardly any kill hit the training"
