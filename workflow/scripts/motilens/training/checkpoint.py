"""Checkpoints: an interrupted training resumes from them, bit for bit."""

import contextlib
import hashlib
import io
import json
import logging
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from motilens.core.errors import InputError
from motilens.core.faults import is_machine_fault
from motilens.core.files import atomic_write

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
logger = logging.getLogger(__name__)


class CheckpointManager:
    """Save and load the state of one training, in a file that Snakemake does not know.

    `identity` is all that the training depends on: the state of another training is not loaded.
    """

    def __init__(self, path: str | Path, identity: dict, minutes: float):
        self.path, self.interval = Path(path), 60 * minutes
        self.identity = json.dumps(identity, sort_keys=True)
        self.saved_at, self.signal = time.monotonic(), None

    def load(self) -> dict | None:
        """Return the state to resume from; None if there is none, or it cannot be used.

        Raises:
            InputError: a folder is in its place.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except IsADirectoryError as error:
            raise InputError(f"{self.path} cannot be read (a folder): delete it") from error
        try:
            digest, _, content = content.partition(b"\n")
            if hashlib.sha256(content).hexdigest().encode() != digest:
                raise ValueError("another SHA-256")
            saved = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
            then, state = json.loads(saved["identity"]), saved["state"]
        except Exception as error:  # what is no checkpoint raises almost anything
            if is_machine_fault(error):
                raise  # the next run resumes from it
            logger.warning(f"{self.path} is damaged: starting from the beginning")
            return None
        if saved["identity"] != self.identity:
            now = json.loads(self.identity)
            keys = sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))
            logger.warning(
                f"{self.path} was saved with other {', '.join(keys)}: starting from the beginning"
            )
            return None
        return state

    def is_due(self) -> bool:
        """Return whether it is time for a checkpoint, or a signal asks to exit."""
        return self.signal is not None or time.monotonic() - self.saved_at >= self.interval

    def save(self, state: dict) -> None:
        """Write a checkpoint, whole or not at all.

        If the disk is full, warn and go on; the previous checkpoint is left intact.

        Raises:
            SystemExit: a signal has asked to exit.
        """
        content = io.BytesIO()
        torch.save({"identity": self.identity, "state": state}, content)
        outcome = "the checkpoint is saved: run again to resume"
        try:
            with atomic_write(self.path) as temporary, open(temporary, "wb") as file:
                file.write(hashlib.sha256(content.getbuffer()).hexdigest().encode() + b"\n")
                file.write(content.getbuffer())
        except OSError as error:
            outcome = "no checkpoint"
            logger.warning(f"the checkpoint {self.path} could not be written: {error}")
        self.saved_at = time.monotonic()
        if self.signal is not None:
            name = signal.Signals(self.signal).name
            logger.warning(f"{name}: exiting; {outcome}")
            raise SystemExit(128 + self.signal)

    @contextlib.contextmanager
    def handle_signals(self) -> Iterator[None]:
        """Let a signal end the training at the next step, with a checkpoint.

        A second one ends it at once, as it would without this.
        """
        previous = {}

        def request_exit(number, frame):
            signal.signal(number, previous[number])
            self.signal = number

        for number in SIGNALS:
            previous[number] = signal.signal(number, request_exit)
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def checkpointing(weights: str, identity: dict, minutes: float) -> Iterator[CheckpointManager]:
    """Yield a manager for the model that will be in `weights`; remove its file on success.

    `on_collapse` is left out of the identity's settings, since it does not change what comes before
    a collapse.
    """
    settings = {k: v for k, v in identity["settings"].items() if k != "on_collapse"}
    path = Path(weights).with_name("checkpoint.pt")
    manager = CheckpointManager(path, identity | {"settings": settings}, minutes)
    yield manager
    manager.path.unlink(missing_ok=True)
