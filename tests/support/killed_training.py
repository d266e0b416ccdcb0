"""Train a model undisturbed, and once more killed (kill -9) again and again: are they the same?

Each training is a process of its own, forked by this program so that torch is imported only once.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from motilens.training.autoencoder import train_autoencoder
from motilens.training.checkpoint import checkpointing
from motilens.training.regressor import train_regressor
from support.learning import (
    AUTOENCODER,
    CPU,
    LABELS,
    draw_disks,
    get_weights,
    regressor_settings,
    to_dataset,
    untrained_autoencoder,
)

TESTS = Path(__file__).parents[1]


def compare_killed_training(kind: str, kills: int, folder: Path) -> dict:
    """Kill a training of a `kind` of model ("autoencoder" or "regressor") at random moments.

    Returns whether its result has the same bytes as that of an undisturbed one (`is_same`), how
    often it resumed (`resumed`), and the files that are left beside the model (`leftovers`).
    """
    command = [sys.executable, "-m", "support.killed_training", kind, str(kills), str(folder)]
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "workflow/scripts")])
    return json.loads(subprocess.check_output(command, env=os.environ | {"PYTHONPATH": path}))


def train(kind: str, folder: Path, minutes: float) -> None:
    """Train, with a checkpoint every so many minutes, and write the result beside the folder."""
    with checkpointing(folder / "model.pt", {"settings": {}}, minutes) as checkpoints:
        if kind == "autoencoder":
            settings = AUTOENCODER | {"epochs": 30}
            result = train_autoencoder(to_dataset(draw_disks()), settings, 0, CPU, checkpoints)
        else:  # with dropout, so that random numbers are drawn in every step
            settings = regressor_settings(backbone="mobilenet_v3_small", batch_size=2, epochs=7)
            arguments = (LABELS, untrained_autoencoder(), settings, 0, CPU, checkpoints)
            result = train_regressor(to_dataset(draw_disks(8)), *arguments)
        with open(folder.with_suffix(".result"), "wb") as file:
            torch.save(get_weights(result), file)  # given a path, torch would write that too
            file.write(repr((result.history, result.diagnostics)).encode())
    folder.with_suffix(".resumed").write_text(str(len(result.run["resumed_at_steps"])))


def saved_at(folder: Path) -> int | None:
    checkpoint = folder / "checkpoint.pt"
    return checkpoint.stat().st_mtime_ns if checkpoint.exists() else None


def train_in_child(kind: str, folder: Path, minutes: float, delay: float | None = None) -> float:
    """Return the time until a child ended, or was killed `delay` seconds after a checkpoint."""
    start, before, child = time.monotonic(), saved_at(folder), os.fork()
    if child == 0:
        train(kind, folder, minutes)
        os._exit(0)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if delay is not None and saved_at(folder) != before:
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.001)
    return time.monotonic() - start


def main() -> None:
    import torch._dynamo  # noqa: F401  (the optimizer would import it in every child)
    import torchvision  # noqa: F401

    kind, kills = sys.argv[1], int(sys.argv[2])
    undisturbed, killed = (Path(sys.argv[3], name) for name in ("undisturbed", "killed"))
    seconds = train_in_child(kind, undisturbed, 60)
    for _ in range(kills):
        train_in_child(kind, killed, 1e-9, random.random() * seconds / 2 / kills)
    train_in_child(kind, killed, 1e-9)
    results = [path.with_suffix(".result").read_bytes() for path in (undisturbed, killed)]
    comparison = {"is_same": results[0] == results[1]}
    comparison["resumed"] = int(killed.with_suffix(".resumed").read_text())
    comparison["leftovers"] = [path.name for path in killed.iterdir()]
    print(json.dumps(comparison))


if __name__ == "__main__":
    main()
