"""Step 1 of the paper: train an autoencoder on stacks of frames, then keep its encoder."""

from collections.abc import Callable

import numpy as np
import torch

from motilens import checkpoints, stacks, training
from motilens.models import Autoencoder
from motilens.step import read_record

# A channel whose values spread less than this over all pixels carries nothing.
DEAD_CHANNEL = 1e-4


def train(clips: np.ndarray, settings: dict, seed: int) -> tuple[Autoencoder, list[dict], dict]:
    """Train on all stacks in `clips`, uint8 (n, frames, height, width) (paper section 2.1).

    Args:
        settings: frames, copies, variant, epochs, batch_size, learning_rate, weight_decay.

    Returns:
        The model, its history (epoch, loss) and its health (see `health`).
    """
    training.seed_everything(seed)
    device = training.device()
    model = build(settings).to(device)
    model.set_scale(*stacks.mean_and_deviation(clips))
    inputs = _inputs(clips, settings["copies"], device)

    def examples(indices):
        x = inputs(indices)
        return x, x

    history = training.fit(
        model, examples, len(clips), loss_function=model.loss, **training.optimiser(settings)
    )
    return model, history, health(model, inputs, len(clips), settings["batch_size"])


def build(settings: dict) -> Autoencoder:
    """The untrained model that `settings` describe; a stack has frames x copies channels."""
    return Autoencoder(settings["frames"] * settings["copies"], settings["variant"])


def load(weights: str, record: str) -> tuple[Autoencoder, dict]:
    """A trained model from its files, and its settings."""
    settings = read_record(record)["settings"]
    return checkpoints.load(build(settings), weights, record), settings


@torch.no_grad()
def health(model: Autoencoder, inputs: training.Inputs, count: int, batch_size: int) -> dict:
    """Does the model carry information?

    Returns:
        loss: mean squared error of the reconstruction; loss_of_mean: the same of answering
        the mean grey level always; feature_spread: standard deviation of each channel of
        the feature images over all pixels; collapsed: no channel varies, or the
        reconstruction is no better than the mean.
    """
    model.eval()
    means = torch.zeros(3, dtype=torch.float64)  # of squared error, grey level, its square
    moments = torch.zeros(2, 3, dtype=torch.float64)  # means of each channel and of its square
    for indices in training.batches(torch.arange(count), batch_size):
        x = inputs(indices)
        features = model.encoder(x)
        error = model.decoder(features) - x
        share = len(indices) / count
        means += share * torch.stack([v.mean() for v in (error**2, x, x**2)]).cpu()
        moments += share * torch.stack([v.mean((0, 2, 3)) for v in (features, features**2)]).cpu()
    error, mean, square = means.tolist()
    spread = (moments[1] - moments[0].square()).clamp(min=0).sqrt().tolist()
    return {
        "loss": error,
        "loss_of_mean": square - mean**2,
        "feature_spread": spread,
        "collapsed": max(spread) < DEAD_CHANNEL or error >= square - mean**2,
    }


def encode(model: Autoencoder, clips: np.ndarray, copies: int) -> np.ndarray:
    """Feature images of the stacks in `clips`, float32 (n, 3, height, width)."""
    device = training.device()
    return _run(model.encoder.to(device), _inputs(clips, copies, device), len(clips))


def feature_images(
    encoder: tuple[Autoencoder, dict], files: dict[str, str]
) -> tuple[np.ndarray, list[tuple[str, int]]]:
    """Feature images of all clips.

    Args:
        encoder: as from `load`.
        files: of frames, by sample.

    Returns:
        float32 (n, 3, height, width), and of each its sample and number of stack.
    """
    model, settings = encoder
    shapes = [stacks.clips_shape(path) for path in files.values()]
    images = np.empty((sum(shape[0] for shape in shapes), 3, *shapes[0][2:]), np.float32)
    keys: list[tuple[str, int]] = []
    for sample, path in files.items():  # one at a time: all may be too many for the memory
        part = encode(model, stacks.read_stacks([path], settings["frames"]), settings["copies"])
        images[len(keys) : len(keys) + len(part)] = part
        keys += [(sample, stack) for stack in range(len(part))]
    return images, keys


def reconstruct(model: Autoencoder, clips: np.ndarray, copies: int) -> np.ndarray:
    """What the decoder makes of the feature images, float32 (n, channels, height, width)."""
    device = training.device()
    return _run(model.to(device), _inputs(clips, copies, device), len(clips))


def _run(network: torch.nn.Module, inputs: Callable, count: int) -> np.ndarray:
    return training.predict(network, inputs, count, batch_size=32).numpy()


def _inputs(clips: np.ndarray, copies: int, device: torch.device) -> training.Inputs:
    """Stacks as the model sees them; they stay uint8 until their batch is needed."""
    grey = torch.from_numpy(clips)
    return lambda indices: training.to_unit_range(grey[indices].to(device)).repeat(1, copies, 1, 1)
