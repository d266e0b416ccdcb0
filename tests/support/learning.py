"""Small things to learn, for tests of training."""

import numpy as np
import torch

from motilens.compute.device import setup_compute
from motilens.models.autoencoders import Autoencoder
from motilens.training.autoencoder import autoencoder_architecture, train_autoencoder
from motilens.training.regressor import regressor_architecture, train_regressor
from motilens.training.stack_dataset import StackDataset, stacks_from_array
from motilens.training.trainer import TrainingResult

CPU = setup_compute({"device": "cpu"})
SOUND = {"failure": None, "warning": None}  # diagnostics
COLLAPSED = {"failure": "dead", "warning": None}
TRAINING = {
    "epochs": 15, "batch_size": 4, "learning_rate": 5e-3, "weight_decay": 1e-5,
    "lr_schedule": "constant", "clip_grad_norm": None, "on_collapse": "restart",
}  # fmt: skip
AUTOENCODER = TRAINING | {
    "frames": 1, "repeats": 1, "variant": "standardized", "loss": {"mse": 1},
}  # fmt: skip
REGRESSOR = TRAINING | {
    "backbone": "resnet18", "input_normalization": "none", "fine_tune_encoder": False,
    "values": ["progressive", "nonprogressive", "immotile"], "init_bias_to_mean": True,
    "recalibrate_batch_norm": True, "recurrent": False, "output_activation": "identity",
    "loss": "mse", "augmentation": "none", "tta": False, "epochs": 1, "batch_size": 8,
    "learning_rate": 1e-6, "weight_decay": 0.0,
}  # fmt: skip
LABELS = np.array([[60, 10, 30], [20, 30, 50]] * 4, np.float32)  # of 8 stacks


def draw_disks(count: int = 16, frames: int = 1, size: int = 32) -> np.ndarray:
    """Bright disks on a gray background, uint8 (count, frames, size, size)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    centers = rng.uniform(6, size - 6, (count, frames, 2))
    inside = [[np.hypot(y - a, x - b) < 6 for a, b in stack] for stack in centers]
    noise = rng.normal(0, 2, (count, frames, size, size))
    return (90 + 60 * np.array(inside) + noise).astype(np.uint8)


def to_dataset(array: np.ndarray) -> StackDataset:
    return stacks_from_array(array, CPU)


def untrained_autoencoder(frames: int = 1) -> Autoencoder:
    """Always the same."""
    torch.manual_seed(0)
    return Autoencoder(frames)


def regressor_settings(encoder: dict | None = None, **changes) -> dict:
    settings, encoder = REGRESSOR | changes, encoder or autoencoder_architecture(AUTOENCODER)
    return settings | {"architecture": regressor_architecture(settings, encoder)}


def fit_autoencoder(array: np.ndarray, seed: int = 0, **changes) -> TrainingResult:
    return train_autoencoder(to_dataset(array), AUTOENCODER | changes, seed, CPU)


def fit_regressor(
    array: np.ndarray, labels: np.ndarray = LABELS, encoder=None, bags=None, **changes
) -> TrainingResult:
    """Train on an encoder; `encoder_architecture` is that of another kind than AUTOENCODER."""
    settings = regressor_settings(changes.pop("encoder_architecture", None), **changes)
    encoder = encoder or untrained_autoencoder()
    return train_regressor(to_dataset(array), labels, encoder, settings, 0, CPU, bags=bags)


def get_weights(result: TrainingResult) -> torch.Tensor:
    """All weights and buffers of a trained model, in one vector."""
    return torch.cat([tensor.flatten().float() for tensor in result.model.state_dict().values()])
