"""Checkpoints: an interrupted training resumes from them, bit for bit."""

import contextlib
import hashlib
import io
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from motilens.core.errors import InputError
from motilens.core.files import atomic_write

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class CheckpointManager:
    """Keeps the state of one training in a file that Snakemake knows nothing of.

    Args:
        path: of that file.
        identity: all that the training depends on; the state of another is not taken.
        minutes: how often the state is kept.
        log: receives a line about what was found or kept.
    """

    def __init__(self, path: str, identity: dict, minutes: float, log: Callable = print):
        self.path, self.log, self.interval = Path(path), log, 60 * minutes
        self.identity = json.dumps(identity, sort_keys=True)
        self.kept_at, self.asked = time.monotonic(), None

    def load(self) -> dict | None:
        """The state to go on from, or None: there is none, it is damaged, or another training's.

        Raises:
            InputError: there is something of its name that cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be read ({error.strerror}): delete it and run again"
            ) from error
        try:
            digest, _, content = content.partition(b"\n")
            if hashlib.sha256(content).hexdigest().encode() != digest:
                raise ValueError("another SHA-256")
            kept = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
            then, state = json.loads(kept["identity"]), kept["state"]
        except Exception:  # what is no state raises almost anything
            self.log(f"{self.path} is damaged: starting afresh")
            return None
        if kept["identity"] != self.identity:
            now = json.loads(self.identity)
            other = sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))
            self.log(f"{self.path} was kept with other {', '.join(other)}: starting afresh")
            return None
        return state

    def due(self) -> bool:
        """Is it time to keep the state, or has a signal asked to leave?"""
        return self.asked is not None or time.monotonic() - self.kept_at >= self.interval

    def keep(self, state: dict) -> None:
        """Write the state, whole or not at all.

        A full disk is told and no reason to stop: the state kept before stays.

        Raises:
            SystemExit: a signal has asked to leave.
        """
        content = io.BytesIO()
        torch.save({"identity": self.identity, "state": state}, content)
        kept = True
        try:
            with atomic_write(self.path) as temporary, open(temporary, "wb") as file:
                file.write(hashlib.sha256(content.getbuffer()).hexdigest().encode() + b"\n")
                file.write(content.getbuffer())
        except OSError as error:
            kept = False
            self.log(
                f"WARNING: the state of the training could not be kept in {self.path}: {error}"
            )
        self.kept_at = time.monotonic()
        if self.asked is not None:
            name = signal.Signals(self.asked).name
            what = "the state of the training is kept: run again to go on" if kept else "not kept"
            self.log(f"{name}: leaving; {what}")
            raise SystemExit(128 + self.asked)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Let a signal end the training at the next step, with its state kept.

        A second one ends it at once, as it would without this.
        """
        before = {}

        def ask(number, frame):
            signal.signal(number, before[number])
            self.asked = number

        for number in SIGNALS:
            before[number] = signal.signal(number, ask)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def checkpointing(
    weights: str, identity: dict, minutes: float, log: Callable = print
) -> Iterator[CheckpointManager]:
    """A keeper for the model that will be in `weights`; its file goes once the block succeeds.

    Args:
        identity: as of `Keeper`; what becomes of an unhealthy model is left out of its settings,
            for it changes nothing before.
    """
    settings = {k: v for k, v in identity["settings"].items() if k != "unhealthy"}
    path = Path(weights).with_name("training.state")
    keeper = CheckpointManager(path, identity | {"settings": settings}, minutes, log)
    yield keeper
    keeper.path.unlink(missing_ok=True)
