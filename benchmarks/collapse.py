"""Count the seeds that leave an autoencoder dead, for two variants and stacks of 1 and 18 frames.

    .venv/bin/python benchmarks/collapse.py [seeds]

Simulated stacks of 64 x 64, 150 steps of 8 stacks at the paper's learning rate. Fifty seeds, unless
another number is given, take half an hour on a core.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.compute.device import setup_compute
from motilens.simulation.render import render_video
from motilens.training.autoencoder import train_autoencoder
from motilens.training.stack_dataset import stacks_from_array

PARTICIPANTS, CLIP_LENGTH, SIZE = 16, 18, 64
SETTINGS = {
    "repeats": 1, "loss": {"mse": 1}, "epochs": 19, "batch_size": 8, "learning_rate": 4e-4,
    "weight_decay": 1e-5, "lr_schedule": "constant", "clip_grad_norm": None, "on_collapse": "keep",
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", type=int, nargs="?", default=50)
    seeds = range(parser.parse_args().seeds)
    clips, compute = simulate_clips(), setup_compute()
    for variant in ("paper", "standardized"):
        for frames in (1, CLIP_LENGTH):
            settings = SETTINGS | {"frames": frames, "variant": variant}
            stacks = stacks_from_array(clips[:, :frames], compute)
            results = [train_autoencoder(stacks, settings, seed, compute) for seed in seeds]
            dead = [seed for seed in seeds if results[seed].diagnostics["failure"]]
            poor = sum(bool(result.diagnostics["warning"]) for result in results)
            print(f"{variant}, frames in a stack: {frames}")
            print(f"    dead: {len(dead)} of {len(seeds)} (seeds {dead})")
            print(f"    alive, but no better than the mean gray level: {poor}", flush=True)


def simulate_clips() -> np.ndarray:
    """Return four clips of each participant: gray levels, block means of 7 x 10 pixels."""
    clips = []
    for participant in range(1, PARTICIPANTS + 1):
        frames = render_video(participant, 0, 4 * CLIP_LENGTH)
        gray = [f[16:464].mean(2).reshape(SIZE, 7, SIZE, 10).mean((1, 3)) for f in frames]
        clips += np.array_split(np.array(gray), 4)
    return np.array(clips).round().astype(np.uint8)


if __name__ == "__main__":
    main()
