"""Small things to learn, for tests of training."""

import numpy as np

from motilens.compute.device import setup_compute
from motilens.models.autoencoders import Autoencoder
from motilens.training.stack_dataset import StackDataset, stacks_from_array

PLAIN = setup_compute({"device": "cpu"})
OPTIMISER = {
    "epochs": 15, "batch_size": 4, "learning_rate": 5e-3, "weight_decay": 1e-5,
    "schedule": "constant", "gradient_clip": None, "unhealthy": "restart",
}  # fmt: skip
AUTOENCODER = OPTIMISER | {
    "frames": 1, "copies": 1, "variant": "standardised", "loss": {"squared": 1},
}  # fmt: skip
REGRESSOR = OPTIMISER | {
    "backbone": "resnet18", "weights": "none", "normalise": "none", "fine_tune_encoder": False,
    "values": ["progressive", "nonprogressive", "immotile"], "start_at_mean": True,
    "settle_batch_norm": True, "recurrent": False, "answer": "plain", "loss": "squared",
    "symmetries": "none", "together": 1, "epochs": 1, "batch_size": 8, "learning_rate": 1e-6,
    "weight_decay": 0.0,
}  # fmt: skip
LABELS = np.array([[60, 10, 30], [20, 30, 50]] * 4, np.float32)


def discs(count: int = 16, frames: int = 1, size: int = 32) -> np.ndarray:
    """Bright discs on grey ground, uint8 (count, frames, size, size)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    centres = rng.uniform(6, size - 6, (count, frames, 2))
    near = [[np.hypot(y - a, x - b) < 6 for a, b in stack] for stack in centres]
    noise = rng.normal(0, 2, (count, frames, size, size))
    return (90 + 60 * np.array(near) + noise).astype(np.uint8)


def examples(array: np.ndarray) -> StackDataset:
    return stacks_from_array(array, PLAIN)


def encoder(frames: int = 1) -> Autoencoder:
    """Untrained, always the same."""
    import torch

    torch.manual_seed(0)
    return Autoencoder(frames)
