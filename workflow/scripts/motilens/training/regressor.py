"""Step 2 of the paper: train a network that predicts percentages from feature images."""

import copy
import itertools

import numpy as np
import torch
from torch.optim.swa_utils import update_bn

from motilens.compute.device import ChannelsLastPreference, ComputeSettings
from motilens.compute.transfers import send_to
from motilens.core.plugins import blame_plugin, check_output, is_plugin
from motilens.models.autoencoders import Autoencoder
from motilens.models.fixed_encoders import FixedEncoder, build_fixed_encoder
from motilens.models.regressor import Regressor, build_regressor
from motilens.models.transforms import DIHEDRAL_ORDER, dihedral_transform, stacks_to_input
from motilens.training.checkpoint import CheckpointManager
from motilens.training.schedule import split_into_batches
from motilens.training.stack_dataset import StackDataset, apply_in_batches
from motilens.training.trainer import TrainingResult, TrainingTask, run_training

CHANNELS_LAST = ChannelsLastPreference(cpu=False, gpu=True)
# Percentage points: predictions that spread less over the training stacks are one constant.
MIN_PREDICTION_SPREAD = 1e-3
# An error on the training stacks so many times as high as in training, and at least one
# percentage point higher, is that of another model than was trained.
MAX_ERROR_RATIO = 1.5
REGRESSION_LOSSES = {"mse": torch.nn.functional.mse_loss, "l1": torch.nn.functional.l1_loss}


def train_regressor(
    stacks: StackDataset,
    labels: np.ndarray,
    encoder: Autoencoder | FixedEncoder,
    settings: dict,
    seed: int,
    compute: ComputeSettings,
    checkpoints: CheckpointManager | None = None,
    pretrained: dict | None = None,
    bags: torch.Tensor | None = None,
) -> TrainingResult:
    """Train on the feature images of all stacks given (paper section 2.2); see `run_training`.

    They are computed again for each batch: the encoder takes 5 to 7 % of a step
    (benchmarks/README.md), and images of up to twelve times (I1) the size of the stacks need not be
    stored.

    Args:
        labels: float32 (n, values), percentages of the sample that each stack belongs to.
        encoder: trained or fitted; its encoder becomes part of the model.
        settings: architecture (see `build_regressor`), loss, augmentation, init_bias_to_mean,
            recalibrate_batch_norm, and those of `run_training`.
        pretrained: weights to start from, see `fetch_pretrained_weights`.
        bags: int64 (bags, stacks), multiple-instance training: the loss uses the mean prediction
            of a bag's stacks, which share their label (see `make_bags`); None: each stack alone.
    """
    targets = torch.from_numpy(labels)
    bags = torch.arange(len(stacks)).unsqueeze(1) if bags is None else bags
    bag_size, criterion = bags.shape[1], REGRESSION_LOSSES[settings["loss"]]
    encoder_state = {name: t.clone() for name, t in encoder.encoder.state_dict().items()}

    @torch.no_grad()
    def build():
        backbone = settings["architecture"]["backbone"]
        with blame_plugin("backbone", backbone):
            model = build_regressor(settings["architecture"])
            if is_plugin("backbone", backbone):
                check_backbone(model, backbone, stacks)
        model.encoder.load_state_dict(encoder_state)
        if pretrained:
            model.load_pretrained(pretrained)
        model.output_activation.fit(targets)
        if settings["init_bias_to_mean"]:
            model.output_layer.bias.copy_(model.output_activation.inverse(targets.mean(0)))
        return model

    def iter_batches(batches):
        chosen = [bags[indices] for indices in batches]
        loaded = stacks.iter_batches([indices.flatten() for indices in chosen])
        for indices, batch in zip(chosen, loaded, strict=True):
            target = send_to(stacks.device, targets[indices[:, 0]])
            yield batch.unflatten(0, (-1, bag_size)), target

    def loss(network, batch, target):
        x = stacks_to_input(batch.flatten(0, 1), encoder.repeats)
        if settings["augmentation"] == "dihedral":
            x = dihedral_transform(x, int(torch.randint(DIHEDRAL_ORDER, ())))
        return criterion(network(x).unflatten(0, (-1, bag_size)).mean(1), target)

    def on_train_end(model):
        if settings["recalibrate_batch_norm"]:
            # After a short training, batch normalization remembers weights of long ago. In the
            # order of the videos, a batch would lack what varies from video to video.
            order = torch.randperm(len(stacks), generator=torch.Generator().manual_seed(0))
            batches = stacks.iter_batches(split_into_batches(order, settings["batch_size"]))
            update_bn((stacks_to_input(batch, encoder.repeats) for batch in batches), model)

    def diagnose(model, loss):
        return diagnose_regressor(model, stacks, labels, bags, loss, settings["loss"])

    task = TrainingTask(
        build, len(bags), iter_batches, loss, diagnose, on_train_end, CHANNELS_LAST,
        repeats_operations=settings["augmentation"] == "none",
    )  # fmt: skip
    return run_training(task, settings, seed, compute, checkpoints)


def check_backbone(model: Regressor, name: str, stacks: StackDataset) -> None:
    """Raise an InputError unless a network of a plugin returns as many values as it should."""
    [batch] = stacks.iter_batches([torch.arange(len(stacks))[:2]])
    x = stacks_to_input(batch, model.repeats).cpu()
    images, shape = model.eval().normalize(model.encoder(x)), (len(x), len(model.output_layer.bias))
    check_output("backbone", name, model.backbone[0](images), shape, dtype=x.dtype)
    with torch.enable_grad():  # some networks return something else in training
        output = copy.deepcopy(model.backbone[0]).train()(images)
    check_output("backbone", name, output, shape, part=" in training", needs_gradient=True)


def make_bags(keys: list[tuple[str, int]], bag_size: int) -> torch.Tensor:
    """Return which stacks of a sample form a bag, spread over its video, int64 (bags, bag_size).

    Keys are sample and number of each stack, sample by sample; `bag_size` divides the number of
    each sample's stacks.
    """
    bags = []
    for _, group in itertools.groupby(range(len(keys)), key=lambda index: keys[index][0]):
        indices = list(group)
        step = len(indices) // bag_size
        bags += [indices[start::step] for start in range(step)]
    return torch.tensor(bags)


def make_fixed_encoder(settings: dict, training: dict) -> tuple[FixedEncoder, dict]:
    """Return an unfitted fixed encoder and a record, in place of a trained autoencoder's."""
    architecture = {"model": "fixed", "kind": settings["encoder"]}
    architecture |= {name: settings[name] for name in ("frames", "repeats")}
    record = {"architecture": architecture, "training": training, "weights_sha256": None}
    record["diagnostics"] = {"failure": None, "warning": None}
    return build_fixed_encoder(architecture), record


def fit_encoder(encoder: FixedEncoder, stacks: StackDataset) -> None:
    """Fit an encoder to all stacks given."""
    encoder.to(stacks.device)
    encoder.fit(lambda: (stacks_to_input(b, encoder.repeats) for b in stacks.iter_all()))


def regressor_architecture(settings: dict, encoder: dict) -> dict:
    """Return what `build_regressor` needs, from settings and the architecture of the encoder."""
    names = (
        "backbone", "output_activation", "input_normalization", "fine_tune_encoder", "recurrent",
        "tta",
    )  # fmt: skip
    parts = {"model": "regressor", "encoder": encoder, "outputs": len(settings["values"])}
    return parts | {name: settings[name] for name in names}


def diagnose_regressor(
    model: Regressor,
    stacks: StackDataset,
    labels: np.ndarray,
    bags: torch.Tensor,
    loss: float | None,
    loss_name: str,
) -> dict:
    """Diagnose whether a regressor predicts anything, and is the model that was trained.

    `loss` is that of the last epoch; None during training, when nothing is diagnosed.

    Returns:
        loss: the same on the training stacks, in evaluation mode; loss_in_training; spread:
        standard deviation of each predicted value over them; failure: all predictions are alike,
        or None; warning: the two losses are far apart, or None.
    """
    if loss is None:
        return {"failure": None}
    # As in training, without test-time augmentation.
    predicted = apply_in_batches(model, model.forward_once, stacks).astype(float)
    spread = predicted.std(0)
    outputs, targets = (torch.from_numpy(values)[bags].mean(1) for values in (predicted, labels))
    error = REGRESSION_LOSSES[loss_name](outputs, targets).item()
    # In percentage points.
    in_training, in_evaluation = np.sqrt([loss, error]) if loss_name == "mse" else (loss, error)
    failure = warning = None
    if not np.isfinite(predicted).all():
        failure = "the regressor's predictions are not finite"
    elif spread.max() < MIN_PREDICTION_SPREAD:
        failure = "the regressor has collapsed: it predicts the same for every stack"
    elif in_evaluation > max(MAX_ERROR_RATIO * in_training, in_training + 1):
        measure = "root mean square error" if loss_name == "mse" else "mean absolute error"
        warning = (
            f"on its own training stacks the regressor has a {measure} of {in_evaluation:.1f}, "
            f"and had {in_training:.1f} in training: batch normalization has not settled. Train "
            "for more epochs (with regressor.recalibrate_batch_norm: true, if it is not set)"
        )
    values = {"loss": error, "loss_in_training": loss, "spread": spread.tolist()}
    return values | {"failure": failure, "warning": warning}


def predict_stacks(model: Regressor, stacks: StackDataset) -> np.ndarray:
    """Return percentages, float32 (n, values), in evaluation mode."""
    return apply_in_batches(model, model, stacks)
