"""Train a model once undisturbed, then killed again and again; print whether they are the same.

    python killed_training.py (autoencoder|regressor) KILLS FOLDER

Each training is a process of its own, forked so that torch is imported only once.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from learning import AUTOENCODER, LABELS, PLAIN, REGRESSOR, discs, encoder, examples

from motilens.training.autoencoder import autoencoder_architecture, train_autoencoder
from motilens.training.checkpoint import checkpointing
from motilens.training.regressor import regressor_architecture, train_regressor

kind, kills, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])


def trained(keeper):
    if kind == "autoencoder":
        settings = AUTOENCODER | {"epochs": 30}
        return train_autoencoder(examples(discs()), settings, 0, PLAIN, keeper)
    # With dropout, so that random numbers are drawn in every step.
    settings = REGRESSOR | {"backbone": "mobilenet_v3_small", "batch_size": 2, "epochs": 7}
    known = autoencoder_architecture(AUTOENCODER)
    settings["architecture"] = regressor_architecture(settings, known)
    return train_regressor(examples(discs(8)), LABELS, encoder(), settings, 0, PLAIN, keeper)


def train(name, minutes):
    """In this process; the result is a file."""
    with checkpointing(folder / name / "model.pt", {"settings": {}}, minutes) as keeper:
        result = trained(keeper)
        state = {key: tensor.contiguous() for key, tensor in result.model.state_dict().items()}
        with open(folder / f"{name}.result", "wb") as file:
            torch.save(state, file)  # given a path, torch would write that too
            file.write(repr((result.history, result.health)).encode())
    print("RESUMED", len(result.run["resumed_at_steps"]), flush=True)


def kept_at(name):
    state = folder / name / "training.state"
    return state.stat().st_mtime_ns if state.exists() else None


def forked(name, minutes, wait=None):
    """Gives the time until it ended or was killed, `wait` seconds after it kept its state."""
    start, before, child = time.monotonic(), kept_at(name), os.fork()
    if child == 0:
        train(name, minutes)
        os._exit(0)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if wait is not None and kept_at(name) != before:
            time.sleep(wait)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.001)
    return time.monotonic() - start


import torch._dynamo  # noqa: E402, F401  (the optimiser would import it in every child)
import torchvision  # noqa: E402, F401

whole = forked("undisturbed", 60)
for _ in range(kills):
    forked("killed", 1e-9, random.random() * whole / 2 / kills)
forked("killed", 1e-9)
found = [(folder / f"{name}.result").read_bytes() for name in ("undisturbed", "killed")]
left = [path.name for path in (folder / "killed").iterdir()]
print("SAME" if found[0] == found[1] else "DIFFERENT", left)
