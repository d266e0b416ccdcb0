"""How many of 50 seeds leave an autoencoder collapsed, for both variants and C = 1 and 18.

    .venv/bin/python benchmarks/collapse.py [seeds]

Simulated stacks of 32 x 32, 150 steps of batch 32 at the paper's rate (about 15 minutes on a core).
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens import autoencoder, simulation

SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
PARTICIPANTS, CLIP, SIZE = 16, 18, 32


def stacks() -> np.ndarray:
    """Four clips of each participant: grey levels, block means of 14 x 20 pixels."""
    clips = []
    for participant in range(1, PARTICIPANTS + 1):
        frames = simulation.render(participant, 0, 4 * CLIP)
        grey = [f[16:464].mean(2).reshape(SIZE, 14, SIZE, 20).mean((1, 3)) for f in frames]
        clips += np.array_split(np.array(grey), 4)
    return np.array(clips).round().astype(np.uint8)


data = stacks()
for variant in ("paper", "standardised"):
    for frames in (1, CLIP):
        dead, collapsed = [], []
        for seed in range(SEEDS):
            settings = {"frames": frames, "copies": 1, "variant": variant, "epochs": 75,
                        "batch_size": 32, "learning_rate": 4e-4, "weight_decay": 1e-5}  # fmt: skip
            part = np.ascontiguousarray(data[:, :frames])
            _, _, health = autoencoder.train(part, settings, seed)
            dead.append(max(health["feature_spread"]) < autoencoder.DEAD_CHANNEL)
            collapsed.append(health["collapsed"])
        print(
            f"RESULT {variant} C={frames}: of {SEEDS} seeds {sum(dead)} dead (no channel varies),"
        )
        print(f"RESULT     {sum(collapsed)} dead or no better than the mean grey level", flush=True)
