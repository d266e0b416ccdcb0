"""How many of 50 seeds leave an autoencoder dead, for both variants and C = 1 and 18.

    .venv/bin/python benchmarks/collapse.py [seeds]

Simulated stacks of 64 x 64, 150 steps of 8 stacks at the paper's rate (half an hour on a core).
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.compute.device import setup_compute
from motilens.simulation.render import render_video
from motilens.training.autoencoder import train_autoencoder
from motilens.training.stack_dataset import stacks_from_array

PARTICIPANTS, CLIP, SIZE = 16, 18, 64
SETTINGS = {
    "copies": 1, "epochs": 19, "batch_size": 8, "learning_rate": 4e-4, "weight_decay": 1e-5,
    "schedule": "constant", "gradient_clip": None, "unhealthy": "keep",
}  # fmt: skip


def stacks() -> np.ndarray:
    """Four clips of each participant: grey levels, block means of 7 x 10 pixels."""
    clips = []
    for participant in range(1, PARTICIPANTS + 1):
        frames = render_video(participant, 0, 4 * CLIP)
        grey = [f[16:464].mean(2).reshape(SIZE, 7, SIZE, 10).mean((1, 3)) for f in frames]
        clips += np.array_split(np.array(grey), 4)
    return np.array(clips).round().astype(np.uint8)


if __name__ == "__main__":
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
    data, performance = stacks(), setup_compute()
    for variant in ("paper", "standardised"):
        for frames in (1, CLIP):
            settings = SETTINGS | {"frames": frames, "variant": variant, "loss": {"squared": 1}}
            examples = stacks_from_array(data[:, :frames], performance)
            ended = {
                seed: train_autoencoder(examples, settings, seed, performance, log=str).health
                for seed in seeds
            }
            dead = [seed for seed in seeds if ended[seed]["problem"]]
            poor = sum(bool(ended[seed]["warning"]) for seed in seeds)
            print(f"{variant}, C = {frames}: dead {len(dead)} of {len(seeds)} (seeds {dead})")
            print(f"    alive, but no better than the mean grey level: {poor}", flush=True)
