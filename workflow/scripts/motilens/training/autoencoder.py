"""Step 1 of the paper: train an autoencoder on stacks of frames, then keep its encoder."""

import copy

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from motilens.compute.device import ChannelsLastPreference, ComputeSettings
from motilens.core.plugins import blame_plugin, check_output, is_plugin
from motilens.models.autoencoders import Autoencoder, build_autoencoder
from motilens.models.layers import FEATURE_CHANNELS
from motilens.models.losses import ReconstructionLoss
from motilens.models.transforms import stacks_to_input
from motilens.training.checkpoint import CheckpointManager
from motilens.training.stack_dataset import (
    INFERENCE_BATCH,
    StackDataset,
    apply_in_batches,
    gray_level_statistics,
    stacks_from_array,
)
from motilens.training.trainer import TrainingResult, TrainingTask, run_training

MIN_SPREAD = 1e-4  # values that spread less over all pixels carry no information
CHANNELS_LAST = ChannelsLastPreference(cpu=True, gpu=True)
BACKGROUND_GRID = 8  # values along a side, which show light and shade, but no cells
# Share by which a reconstruction is worse without its details, if they are right. In the demo's
# frames, squared errors have 0.65 to 1.1 and absolute errors, which leave out the cells, 0.05.
MIN_DETAIL = 0.08
SUBSAMPLE_SIZE = 256  # stacks that are diagnosed during training


def train_autoencoder(
    stacks: StackDataset,
    settings: dict,
    seed: int,
    compute: ComputeSettings,
    checkpoints: CheckpointManager | None = None,
) -> TrainingResult:
    """Train on all stacks given (paper section 2.1); see `run_training` and `diagnose_autoencoder`.

    Settings are frames, repeats, variant, loss (weights, see `ReconstructionLoss`), and those of
    `run_training`.
    """
    statistics = gray_level_statistics(stacks.gray_level_histogram())
    criterion = ReconstructionLoss(settings["loss"], settings["frames"], statistics[0])
    if settings["variant"] != "paper":
        indices = subsample_indices(len(stacks)).split(INFERENCE_BATCH)
        criterion.normalize_to_constant_baseline(
            stacks_to_input(batch, settings["repeats"]) for batch in stacks.iter_batches(indices)
        )

    def build():
        with blame_plugin("autoencoder", settings["variant"]):
            model = build_autoencoder(autoencoder_architecture(settings))
            model.set_input_statistics(*statistics)
            used = [("autoencoder", settings["variant"]), *(("loss", t) for t in settings["loss"])]
            if any(is_plugin(*method) for method in used):
                check_autoencoder(model, settings["variant"], stacks, criterion)
        return model

    def iter_batches(batches):
        return ((batch,) for batch in stacks.iter_batches(batches))

    def loss(network, batch):
        x = stacks_to_input(batch, settings["repeats"])
        return network.loss(network(x), x, criterion)

    def diagnose(model, loss):
        return diagnose_autoencoder(model, stacks, criterion, on_all=loss is not None)

    count = len(stacks)
    task = TrainingTask(build, count, iter_batches, loss, diagnose, channels_last=CHANNELS_LAST)
    return run_training(task, settings, seed, compute, checkpoints)


@torch.no_grad()
def check_autoencoder(
    model: Autoencoder, variant: str, stacks: StackDataset, criterion: ReconstructionLoss
) -> None:
    """Check what an autoencoder and loss terms, of which some are a plugin's, make of two stacks.

    Raises:
        InputError: a plugin does not return what it should.
    """
    [batch] = stacks.iter_batches([torch.arange(len(stacks))[:2]])
    x = stacks_to_input(batch, model.repeats).cpu()
    features = model.eval().encoder(x)
    shape = (len(x), FEATURE_CHANNELS, *x.shape[2:])
    method = "autoencoder", variant
    check_output(*method, features, shape, part="'s encoder", dtype=x.dtype)
    reconstruction = model.decoder(features)
    check_output(*method, reconstruction, x.shape, part="'s decoder", dtype=x.dtype)
    with torch.enable_grad():
        criterion.check_terms(reconstruction.requires_grad_(), x, needs_gradient=True)
        network = copy.deepcopy(model).train()
        loss = network.loss(network(x), x, criterion)
    check_output(*method, loss, (), part="'s loss", needs_gradient=True)


def autoencoder_architecture(settings: dict) -> dict:
    """Return what `build_autoencoder` needs to make the model that `settings` describe."""
    return {"model": "autoencoder"} | {k: settings[k] for k in ("frames", "repeats", "variant")}


@torch.no_grad()
def diagnose_autoencoder(
    model: Autoencoder, stacks: StackDataset, criterion: ReconstructionLoss, on_all: bool = True
) -> dict:
    """Diagnose, on all stacks or only some, whether an autoencoder carries information.

    Returns:
        loss: mean squared error of the reconstruction; loss_of_mean: the same of predicting the
        mean gray level always; feature_spread: standard deviation of each channel of the feature
        images over all pixels; failure: not finite, or collapsed (no channel, or no
        reconstruction, varies), or None; warning: by `criterion` no better than the mean gray
        level or, by a share of MIN_DETAIL, than its own background, or None.
    """
    model.eval()
    indices = torch.arange(len(stacks)) if on_all else subsample_indices(len(stacks))
    # Means of: squared error; input and its square; reconstruction and its square.
    means = torch.zeros(5, dtype=torch.float64)
    # Of: the reconstruction, the mean gray level, the reconstruction's background.
    losses = torch.zeros(3, dtype=torch.float64)
    moments = torch.zeros(2, 3, dtype=torch.float64)  # means of each channel and of its square
    for batch in stacks.iter_batches(indices.split(INFERENCE_BATCH)):
        x = stacks_to_input(batch, model.repeats)
        features = model.encoder(x)
        reconstruction, share = model.decoder(features), len(batch) / len(indices)
        images = (reconstruction - x) ** 2, x, x**2, reconstruction, reconstruction**2
        means += share * torch.stack([image.mean() for image in images]).cpu()
        parts = [criterion(reconstruction, x), criterion.constant_baseline(x)]
        parts.append(criterion(extract_background(reconstruction), x))
        losses += share * torch.stack(parts).cpu()
        moments += share * torch.stack([v.mean((0, 2, 3)) for v in (features, features**2)]).cpu()
    error, mean, square, output_mean, output_square = means.tolist()
    spread = (moments[1] - moments[0].square()).clamp(min=0).sqrt().tolist()
    failure = warning = None
    if not np.isfinite([error, output_square, *spread]).all():
        failure = "the autoencoder's output for its own training stacks is not finite"
    elif max(spread) < MIN_SPREAD:
        failure = "the autoencoder has collapsed: no channel of its feature images varies"
    elif output_square - output_mean**2 < MIN_SPREAD**2:
        failure = "the autoencoder has collapsed: it reconstructs every stack as one gray level"
    elif losses[0] >= losses[1]:
        warning = "the autoencoder reconstructs stacks no better than their mean gray level"
    elif losses[2] < (1 + MIN_DETAIL) * losses[0]:
        warning = "the autoencoder reconstructs the background of stacks, and hardly any cells"
    values = {"loss": error, "loss_of_mean": square - mean**2, "feature_spread": spread}
    return values | {"failure": failure, "warning": warning}


def extract_background(frames: torch.Tensor) -> torch.Tensor:
    """Return frames (n, channels, height, width) without details: light and shade alone."""
    coarse = adaptive_avg_pool2d(frames, BACKGROUND_GRID)
    return interpolate(coarse, frames.shape[2:], mode="bilinear")


def subsample_indices(count: int) -> torch.Tensor:
    """Return some indices of `count` stacks, evenly spread, int64."""
    return torch.arange(count)[:: max(count // SUBSAMPLE_SIZE, 1)]


def encode_stacks(model: Autoencoder, stacks: StackDataset) -> np.ndarray:
    """Return the feature images of stacks, float32 (n, 3, height, width)."""
    return apply_in_batches(model, model.encoder, stacks)


def reconstruct_stacks(model: Autoencoder, stacks: StackDataset) -> np.ndarray:
    """Return the reconstructions of stacks, float32 (n, channels, height, width)."""
    return apply_in_batches(model, model, stacks)


def feature_image_motion(
    model: Autoencoder, stack: np.ndarray, compute: ComputeSettings
) -> np.ndarray:
    """Return where the feature image of a stack, uint8 (frames, height, width), holds movement.

    Float32 (height, width): the distance of each pixel from the feature image of a stack that
    stands still on the first frame, over the root mean square deviation of the feature image; 0
    everywhere if the autoencoder has collapsed.
    """
    both = np.stack([stack, np.repeat(stack[:1], len(stack), axis=0)])
    moving, still = encode_stacks(model, stacks_from_array(both, compute))
    spread = np.sqrt(((moving - moving.mean((1, 2), keepdims=True)) ** 2).sum(0).mean())
    distance = np.sqrt(((moving - still) ** 2).sum(0))
    return distance / spread if spread > MIN_SPREAD else np.zeros_like(distance)
