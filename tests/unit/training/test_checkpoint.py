"""An interrupted training goes on as if nothing had been; what cannot be used is told and left."""

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from learning import OPTIMISER, PLAIN
from torch import nn

from motilens.core import files
from motilens.core.errors import InputError
from motilens.training.checkpoint import SIGNALS, CheckpointManager, checkpointing
from motilens.training.trainer import TrainingTask, run_training

HERE = Path(__file__).parent
SETTINGS = OPTIMISER | {"epochs": 6, "schedule": "cosine"}
X = torch.linspace(-1, 1, 12)[:, None]
HEALTHY = {"problem": None, "warning": None}


def build():
    return nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))


def run(keeper, at_step=None, then=None, log=str, examine=None, **changed):
    """Train; `then` is called before step `at_step`, counted over all starts."""
    steps = 0

    def stream(batches):
        nonlocal steps
        for i in batches:
            steps += 1
            if steps == at_step:
                then()
            yield X[i], 3 * X[i]

    loss = lambda network, x, wanted: nn.functional.mse_loss(network(x), wanted)  # noqa: E731
    task = TrainingTask(build, len(X), stream, loss, examine or (lambda model, loss: HEALTHY))
    return run_training(task, SETTINGS | changed, 5, PLAIN, keeper, log)


def keeper_at(path, identity=None, minutes=60.0, log=str):
    return CheckpointManager(path, identity or {"settings": 1, "training": 2}, minutes, log)


def weights(trained):
    return torch.cat([tensor.flatten().float() for tensor in trained.model.state_dict().values()])


def interrupted(path, number=signal.SIGTERM, at_step=8, **changed):
    """The state that a training leaves that is asked to end."""
    with pytest.raises(SystemExit) as ended:
        run(keeper_at(path), at_step, lambda: os.kill(os.getpid(), number), **changed)
    assert ended.value.code == 128 + number
    return path


@pytest.fixture(scope="module")
def undisturbed():
    return run(None)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_training_and_the_next_goes_on(tmp_path, undisturbed, number):
    before = signal.getsignal(number)
    path = interrupted(tmp_path / "training.state", number)
    assert signal.getsignal(number) == before
    lines = []
    keeper = keeper_at(path, log=lines.append)
    again = run(keeper, log=lines.append)
    assert lines[0] == "going on at step 8, in epoch 3"
    assert again.run["resumed_at_steps"] == [8]
    assert torch.equal(weights(again), weights(undisturbed))
    assert again.history == undisturbed.history


@pytest.mark.parametrize("at_step", [1, 3, 4, 17, 18])  # three steps an epoch
def test_every_position_in_an_epoch_is_one_to_go_on_from(tmp_path, undisturbed, at_step):
    again = run(keeper_at(interrupted(tmp_path / "training.state", at_step=at_step)))
    assert torch.equal(weights(again), weights(undisturbed))
    assert again.history == undisturbed.history


def test_starts_that_were_given_up_are_remembered(tmp_path):
    ended = []

    def examine(model, loss):
        if loss is not None:
            ended.append(loss)
        return {"problem": "dead" if len(ended) == 1 and loss else None, "warning": None}

    whole = run(None, examine=examine)
    assert len(whole.starts) == 1
    ended.clear()
    path = interrupted(tmp_path / "training.state", at_step=18 + 5, examine=examine)
    again = run(keeper_at(path), examine=examine)
    assert again.starts == whole.starts and torch.equal(weights(again), weights(whole))


def test_the_state_is_kept_every_so_many_minutes(tmp_path, undisturbed):
    class Crash(Exception):
        pass

    def crash():
        raise Crash

    path = tmp_path / "training.state"
    with pytest.raises(Crash):
        run(keeper_at(path, minutes=1e-9), 11, crash)
    again = run(keeper_at(path))
    assert again.run["resumed_at_steps"] == [10]
    assert torch.equal(weights(again), weights(undisturbed))
    path.unlink()
    with pytest.raises(Crash):
        run(keeper_at(path, minutes=60), 11, crash)
    assert not path.exists()


def test_a_model_that_was_refused_is_not_lost(tmp_path):
    """A person who then says `keep` gets it without another training."""
    examine = lambda model, loss: {"problem": "dead", "warning": None}  # noqa: E731
    path, steps = tmp_path / "training.state", []
    with pytest.raises(InputError, match="dead"):
        run(keeper_at(path), examine=examine, unhealthy="stop")
    kept = run(keeper_at(path), 1, lambda: steps.append(1), examine=examine, unhealthy="keep")
    assert kept.health["problem"] == "dead" and len(kept.history) == 6 and not steps


def dies_at_150(model, loss):
    return {"problem": "dead" if loss is None else None, "warning": None}


DIES = {"examine": dies_at_150, "epochs": 60}


@pytest.fixture
def refused(tmp_path):
    """The state of a training that was stopped at its first check."""
    with pytest.raises(InputError, match=r"dead \(after 150 steps\)"):
        run(keeper_at(tmp_path / "training.state"), unhealthy="stop", **DIES)
    return tmp_path / "training.state"


def test_keep_after_stop_gives_what_keep_alone_gives(refused):
    found = run(keeper_at(refused), unhealthy="keep", **DIES)
    assert torch.equal(weights(found), weights(run(None, unhealthy="keep", **DIES)))


def test_restart_after_stop_does_what_restart_alone_does(refused):
    """What was kept is not let off its check."""
    told, expected = [], []
    with pytest.raises(InputError, match="all 6 starts"):
        run(keeper_at(refused), unhealthy="restart", log=told.append, **DIES)
    with pytest.raises(InputError, match="all 6 starts"):
        run(None, unhealthy="restart", log=expected.append, **DIES)
    warned = [[line for line in lines if "WARNING" in line] for lines in (told, expected)]
    assert warned[0] == warned[1] and len(warned[0]) == 5
    # The state is that of the sixth start; `keep` keeps the first.
    found = run(keeper_at(refused, log=told.append), unhealthy="keep", **DIES)
    assert told[-1] == f"{refused} was kept with another `unhealthy`: starting afresh"
    assert torch.equal(weights(found), weights(run(None, unhealthy="keep", **DIES)))


def test_a_signal_after_the_last_step_loses_nothing(tmp_path, undisturbed):
    """Its state is kept before the model is settled, which goes on to its end."""
    path = tmp_path / "training.state"

    def examine(model, loss):
        signal.raise_signal(signal.SIGTERM)
        assert path.exists()
        return HEALTHY

    found = run(keeper_at(path), examine=examine)
    assert torch.equal(weights(found), weights(undisturbed))
    again = run(keeper_at(path), 1, lambda: pytest.fail("a step was taken again"))
    assert torch.equal(weights(again), weights(undisturbed))


def torch_file(value):
    content = io.BytesIO()
    torch.save(value, content)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"text", torch_file([1]), torch_file({}), torch_file({"identity": "no JSON", "state": {}})],
)
def test_what_is_no_state_is_told_and_not_used(tmp_path, undisturbed, content):
    path, lines = tmp_path / "training.state", []
    path.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    again = run(keeper_at(path, log=lines.append))
    assert lines == [f"{path} is damaged: starting afresh"]
    assert torch.equal(weights(again), weights(undisturbed))


def test_a_folder_in_the_place_of_the_state_is_named(tmp_path):
    (tmp_path / "training.state").mkdir()
    with pytest.raises(InputError, match="training.state cannot be read .*: delete it"):
        run(keeper_at(tmp_path / "training.state"))


@pytest.mark.parametrize("place", [0, 70, -1])
def test_a_damaged_state_is_told_and_not_used(tmp_path, undisturbed, place):
    path = interrupted(tmp_path / "training.state")
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    lines = []
    again = run(keeper_at(path, log=lines.append))
    assert lines == [f"{path} is damaged: starting afresh"]
    assert torch.equal(weights(again), weights(undisturbed))


@pytest.mark.parametrize("content", [b"", b"\n", b"half", b"0" * 64 + b"\n"])
def test_half_a_state_is_damaged(tmp_path, content):
    path, lines = tmp_path / "training.state", []
    path.write_bytes(content)
    assert keeper_at(path, log=lines.append).load() is None
    assert lines == [f"{path} is damaged: starting afresh"]


def test_the_state_of_another_training_is_told_and_not_used(tmp_path, undisturbed):
    path = interrupted(tmp_path / "training.state")
    lines = []
    other = {"settings": 1, "training": 3, "seed": 5}
    again = run(keeper_at(path, other, log=lines.append))
    assert lines == [f"{path} was kept with other seed, training: starting afresh"]
    assert torch.equal(weights(again), weights(undisturbed))


def test_what_becomes_of_an_unhealthy_model_is_no_other_training(tmp_path):
    said = [{"settings": {"epochs": 1, "unhealthy": policy}} for policy in ("stop", "keep")]
    found = []
    for identity in said:
        with checkpointing(tmp_path / "model.pt", identity, 60) as keeper:
            found.append(keeper.identity)
    assert found[0] == found[1] == '{"settings": {"epochs": 1}}'


def test_the_state_goes_when_the_model_is_there_and_stays_when_it_is_not(tmp_path):
    state = tmp_path / "training.state"
    with pytest.raises(KeyError), checkpointing(tmp_path / "m.pt", {"settings": {}}, 60):
        state.write_text("kept")
        raise KeyError
    assert state.exists()
    with checkpointing(tmp_path / "m.pt", {"settings": {}}, 60):
        pass
    assert not state.exists()


def test_a_full_disk_is_told_and_keeps_the_last_good_state(tmp_path, monkeypatch, undisturbed):
    path = interrupted(tmp_path / "training.state")
    good, lines = path.read_bytes(), []

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    again = run(keeper_at(path, minutes=1e-9, log=lines.append), log=lines.append)
    told = [line for line in lines if "could not be kept" in line]
    assert len(told) == 11 and told[0].startswith("WARNING: ") and "No space left" in told[0]
    assert path.read_bytes() == good and os.listdir(tmp_path) == ["training.state"]
    assert torch.equal(weights(again), weights(undisturbed))


@pytest.mark.parametrize("kind", ["autoencoder", "regressor"])
def test_twenty_kills_at_random_moments_change_no_bit(tmp_path, kind):
    program = [sys.executable, str(HERE / "killed_training.py"), kind, "20", str(tmp_path)]
    scripts = HERE.parents[1] / "workflow/scripts"
    env = os.environ | {"PYTHONPATH": f"{scripts}{os.pathsep}{HERE}"}
    done = subprocess.run(program, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "SAME []", done.stdout[-2000:]
    resumed = [int(line.split()[1]) for line in done.stdout.splitlines() if "RESUMED" in line]
    assert resumed[0] == 0 and resumed[-1] >= 5, "hardly any kill hit the training"
