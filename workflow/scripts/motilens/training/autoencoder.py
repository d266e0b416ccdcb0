"""Step 1 of the paper: train an autoencoder on stacks of frames, then keep its encoder."""

from collections.abc import Callable

import numpy as np
import torch

from motilens.compute.device import ChannelsLastPreference, ComputeSettings
from motilens.models.autoencoders import Autoencoder
from motilens.models.losses import ReconstructionLoss
from motilens.models.regressor import build_model
from motilens.models.transforms import stacks_to_input
from motilens.training.checkpoint import CheckpointManager
from motilens.training.stack_dataset import StackDataset, gray_level_statistics, stacks_from_array
from motilens.training.trainer import TrainingResult, TrainingTask, run_training

# Values that spread less than this over all pixels carry nothing.
MIN_SPREAD = 1e-4
AUTOENCODER_LAYOUT = ChannelsLastPreference(cpu=True, gpu=True)
SUBSAMPLE_SIZE = 256  # stacks that are looked at during training
INFERENCE_BATCH = 32  # stacks at a time where nothing is learned


def train_autoencoder(
    examples: StackDataset,
    settings: dict,
    seed: int,
    performance: ComputeSettings,
    keeper: CheckpointManager | None = None,
    log: Callable = print,
) -> TrainingResult:
    """Train on all stacks given (paper section 2.1).

    Args:
        settings: frames, copies, variant, loss (weights, see `Restoration`), and those of
            `training.train`.
        keeper, log: see `training.train`.

    Returns:
        The model, its history, and its health (see `health`).
    """
    scale = gray_level_statistics(examples.grey_levels())
    judge = ReconstructionLoss(settings["loss"], settings["frames"], scale[0])
    if settings["variant"] != "paper":
        seen = examples.stream(subsample_indices(len(examples)).split(INFERENCE_BATCH))
        judge.measure(stacks_to_input(batch, settings["copies"]) for batch in seen)

    def build():
        model = build_model(autoencoder_architecture(settings))
        model.set_scale(*scale)
        return model

    def loss(network, batch):
        x = stacks_to_input(batch, settings["copies"])
        return network.loss(network(x), x, judge)

    task = TrainingTask(
        build=build,
        count=len(examples),
        stream=lambda batches: ((stack,) for stack in examples.stream(batches)),
        loss=loss,
        examine=lambda model, loss: diagnose_autoencoder(
            model, examples, judge, ended=loss is not None
        ),
        layout=AUTOENCODER_LAYOUT,
    )
    return run_training(task, settings, seed, performance, keeper, log)


def autoencoder_architecture(settings: dict) -> dict:
    """What `models.build` needs to make the model that `settings` describe."""
    return {"model": "autoencoder"} | {k: settings[k] for k in ("frames", "copies", "variant")}


@torch.no_grad()
def diagnose_autoencoder(
    model: Autoencoder, examples: StackDataset, judge: ReconstructionLoss, ended: bool = True
) -> dict:
    """Does the model carry information?

    Args:
        judge: what it learns to restore.
        ended: its training, so all stacks are looked at; otherwise only some.

    Returns:
        loss: mean squared error of the reconstruction; loss_of_mean: the same of answering
        the mean grey level always; feature_spread: standard deviation of each channel of
        the feature images over all pixels; problem: not finite, or dead, for no channel or no
        reconstruction varies, or None; warning: by `judge` no better than the mean grey level,
        or None.
    """
    model.eval()
    count = len(examples)
    indices = torch.arange(count) if ended else subsample_indices(count)
    # Means of the squared error, of grey levels and what is restored, and of their squares.
    means = torch.zeros(5, dtype=torch.float64)
    judged = torch.zeros(2, dtype=torch.float64)  # what is restored, and the mean grey level
    moments = torch.zeros(2, 3, dtype=torch.float64)  # means of each channel and of its square
    for batch in examples.stream(indices.split(INFERENCE_BATCH)):
        x = stacks_to_input(batch, model.copies)
        features = model.encoder(x)
        restored, share = model.decoder(features), len(batch) / len(indices)
        images = ((restored - x) ** 2, x, x**2, restored, restored**2)
        means += share * torch.stack([image.mean() for image in images]).cpu()
        judged += share * torch.stack([judge(restored, x), judge.of_mean(x)]).cpu()
        moments += share * torch.stack([v.mean((0, 2, 3)) for v in (features, features**2)]).cpu()
    error, mean, square, restored_mean, restored_square = means.tolist()
    spread = (moments[1] - moments[0].square()).clamp(min=0).sqrt().tolist()
    problem = warning = None
    if not np.isfinite([error, restored_square, *spread]).all():
        problem = "what the autoencoder makes of its own training stacks is not finite"
    elif max(spread) < MIN_SPREAD:
        problem = "the autoencoder is dead: no channel of its feature images varies"
    elif restored_square - restored_mean**2 < MIN_SPREAD**2:
        problem = "the autoencoder is dead: it restores every stack as one grey"
    elif judged[0] >= judged[1]:
        warning = "the autoencoder restores stacks no better than their mean grey level"
    return {
        "loss": error,
        "loss_of_mean": square - mean**2,
        "feature_spread": spread,
        "problem": problem,
        "warning": warning,
    }


def subsample_indices(count: int) -> torch.Tensor:
    """Some of so many stacks, evenly spread."""
    return torch.arange(count)[:: max(count // SUBSAMPLE_SIZE, 1)]


def encode_stacks(model: Autoencoder, examples: StackDataset) -> np.ndarray:
    """Feature images of stacks, float32 (n, 3, height, width)."""
    return _apply_in_batches(model, model.encoder, examples)


def reconstruct_stacks(model: Autoencoder, examples: StackDataset) -> np.ndarray:
    """What the decoder makes of the feature images, float32 (n, channels, height, width)."""
    return _apply_in_batches(model, model, examples)


def feature_image_motion(
    model: Autoencoder, stack: np.ndarray, performance: ComputeSettings
) -> np.ndarray:
    """Where the feature image of a stack holds movement, float32 (height, width), from 0.

    How far each pixel is from the feature image of a stack that stands still on the first frame,
    over the root mean square deviation of the feature image (0 everywhere of a dead one).

    Args:
        stack: uint8 (frames, height, width).
    """
    both = np.stack([stack, np.repeat(stack[:1], len(stack), axis=0)])
    moving, still = encode_stacks(model, stacks_from_array(both, performance))
    spread = np.sqrt(((moving - moving.mean((1, 2), keepdims=True)) ** 2).sum(0).mean())
    off = np.sqrt(((moving - still) ** 2).sum(0))
    return off / spread if spread > MIN_SPREAD else np.zeros_like(off)


@torch.no_grad()
def _apply_in_batches(
    model: Autoencoder, network: torch.nn.Module, examples: StackDataset
) -> np.ndarray:
    model.to(examples.device).eval()
    batches = examples.stream(torch.arange(len(examples)).split(INFERENCE_BATCH))
    return torch.cat(
        [network(stacks_to_input(batch, model.copies)).cpu() for batch in batches]
    ).numpy()
