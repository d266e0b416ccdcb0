"""Step 2 of the paper: train a network that predicts percentages from feature images."""

import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch.optim.swa_utils import update_bn

from motilens.compute.device import ChannelsLastPreference, ComputeSettings
from motilens.models.autoencoders import Autoencoder
from motilens.models.fixed_encoders import FixedEncoder
from motilens.models.regressor import Regressor, build_model
from motilens.models.transforms import DIHEDRAL_ORDER, dihedral_transform, stacks_to_input
from motilens.training.checkpoint import CheckpointManager
from motilens.training.schedule import split_into_batches
from motilens.training.stack_dataset import StackDataset
from motilens.training.trainer import TrainingResult, TrainingTask, run_training

REGRESSOR_LAYOUT = ChannelsLastPreference(cpu=False, gpu=True)
INFERENCE_BATCH = 32  # stacks at a time where nothing is learned
# Percentage points: predictions that differ less over the training stacks are one constant.
MIN_PREDICTION_SPREAD = 1e-3
# An error on the training stacks so many times as high as in training, and at least one
# percentage point higher, is that of another model than was trained.
MAX_LOSS_RATIO = 1.5
REGRESSION_LOSSES = {
    "squared": torch.nn.functional.mse_loss,
    "absolute": torch.nn.functional.l1_loss,
}


def train_regressor(
    examples: StackDataset,
    labels: np.ndarray,
    encoder: Autoencoder | FixedEncoder,
    settings: dict,
    seed: int,
    performance: ComputeSettings,
    keeper: CheckpointManager | None = None,
    pretrained: dict | None = None,
    bags: torch.Tensor | None = None,
    log: Callable = print,
) -> TrainingResult:
    """Train on the feature images of all stacks given (paper section 2.2).

    They are made anew for each batch: the encoder costs 5 to 7 % of a step (benchmarks/README.md),
    and needs no room for images of up to twelve times (I1) the size of the stacks.

    Args:
        labels: float32 (n, values), percentages of the sample each stack belongs to.
        encoder: a trained autoencoder or fitted encoder; its encoder becomes part of the model.
        settings: architecture (see `models.build`), loss, symmetries, start_at_mean,
            settle_batch_norm, and those of `training.train`.
        keeper, log: see `training.train`.
        pretrained: weights to start from, see `pretrained.fetch_weights`.
        bags: int64 (bags, stacks), which stacks have their mean answer held against the label that
            they share (see `bags_of`); None: each stack its own.

    Returns:
        The model, its history (loss: as `settings` say, of percentages) and its health.
    """
    wanted = torch.from_numpy(labels)
    bags = torch.arange(len(examples)).unsqueeze(1) if bags is None else bags
    learned = {name: tensor.clone() for name, tensor in encoder.encoder.state_dict().items()}
    size, error = bags.shape[1], REGRESSION_LOSSES[settings["loss"]]

    @torch.no_grad()
    def build():
        model = build_model(settings["architecture"])
        model.encoder.load_state_dict(learned)
        if pretrained:
            model.start_from(pretrained)
        model.answer.fit(wanted)
        if settings["start_at_mean"]:
            model.output.bias.copy_(model.answer.inverse(wanted.mean(0)))
        return model

    def stream(batches):
        chosen = [bags[indices] for indices in batches]
        loaded = examples.stream([indices.flatten() for indices in chosen])
        for indices, batch in zip(chosen, loaded, strict=True):
            yield batch.unflatten(0, (-1, size)), wanted[indices[:, 0]].to(examples.device)

    def loss(network, batch, wanted):
        x = stacks_to_input(batch.flatten(0, 1), encoder.copies)
        if settings["symmetries"] != "none":
            x = dihedral_transform(x, int(torch.randint(DIHEDRAL_ORDER, ())))
        return error(network(x).unflatten(0, (-1, size)).mean(1), wanted)

    def finish(model):
        if settings["settle_batch_norm"]:
            # After a short training, batch normalisation remembers weights that are long gone. In
            # the order of the videos, a batch would lack what varies from video to video.
            mixed = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))
            cuts = split_into_batches(mixed, settings["batch_size"])
            update_bn(
                (stacks_to_input(batch, encoder.copies) for batch in examples.stream(cuts)), model
            )

    task = TrainingTask(
        build=build,
        count=len(bags),
        stream=stream,
        loss=loss,
        examine=lambda model, loss: diagnose_regressor(
            model, examples, labels, bags, loss, settings["loss"]
        ),
        finish=finish,
        layout=REGRESSOR_LAYOUT,
    )
    return run_training(task, settings, seed, performance, keeper, log)


def make_bags(keys: list[tuple[str, int]], size: int) -> torch.Tensor:
    """Which stacks of a sample are looked at together, spread over its video, int64 (bags, size).

    Args:
        keys: sample and number of each stack, sample by sample.
        size: how many in a bag; it divides the number of each sample's stacks.
    """
    bags = []
    for _, group in itertools.groupby(range(len(keys)), key=lambda index: keys[index][0]):
        indices = list(group)
        step = len(indices) // size
        bags += [indices[start::step] for start in range(step)]
    return torch.tensor(bags)


def make_fixed_encoder(settings: dict, training: dict) -> tuple[FixedEncoder, dict]:
    """In place of a trained autoencoder and its record: an encoder that is yet to be fitted.

    Args:
        settings: frames, copies, and which kind of `encoder`.
        training: samples that it will be fitted to.
    """
    kind = {"model": "fixed", "kind": settings["encoder"]}
    described = kind | {name: settings[name] for name in ("frames", "copies")}
    made = {"architecture": described, "training": training, "weights_sha256": None}
    return build_model(described), made | {"health": {"problem": None, "warning": None}}


def fit_encoder(encoder: FixedEncoder, examples: StackDataset) -> None:
    """Fit an encoder to all stacks given."""
    encoder.to(examples.device)
    parts = torch.arange(len(examples)).split(INFERENCE_BATCH)
    encoder.fit(
        lambda: (stacks_to_input(stack, encoder.copies) for stack in examples.stream(parts))
    )


def regressor_architecture(settings: dict, encoder: dict) -> dict:
    """What `models.build` needs to make the model that `settings` describe.

    Args:
        settings: backbone, values, answer, normalise, fine_tune_encoder, recurrent, symmetries.
        encoder: architecture of the encoder.
    """
    names = ("backbone", "answer", "normalise", "fine_tune_encoder", "recurrent")
    return {
        "model": "regressor",
        "encoder": encoder,
        "outputs": len(settings["values"]),
        "average": settings["symmetries"] == "both",
        **{name: settings[name] for name in names},
    }


def diagnose_regressor(
    model: Regressor,
    examples: StackDataset,
    labels: np.ndarray,
    bags: torch.Tensor,
    loss: float | None,
    kind: str,
) -> dict:
    """Does the model say anything, and is it the one that was trained?

    Args:
        loss: of the last epoch, one of LOSSES; None during training, when nothing is asked.
        kind: which one.

    Returns:
        loss: the same on the training stacks, in evaluation mode; loss_in_training; spread:
        standard deviation of each predicted value over them; problem: all predictions are alike,
        or None; warning: the two losses are far apart, or None.
    """
    if loss is None:
        return {"problem": None}
    predicted = _apply_in_batches(model, model.read, examples).astype(
        float
    )  # as in training, one at a time
    spread = predicted.std(0)
    answered, wanted = (torch.from_numpy(part)[bags].mean(1) for part in (predicted, labels))
    error = REGRESSION_LOSSES[kind](answered, wanted).item()
    # In percentage points.
    in_training, evaluated = np.sqrt([loss, error]) if kind == "squared" else (loss, error)
    problem = warning = None
    if not np.isfinite(predicted).all():
        problem = "the regressor's predictions are not finite"
    elif spread.max() < MIN_PREDICTION_SPREAD:
        problem = "the regressor answers every stack alike"
    elif evaluated > max(MAX_LOSS_RATIO * in_training, in_training + 1):
        how = "root mean square" if kind == "squared" else "on average"
        warning = (
            f"on its own training stacks the regressor errs by {evaluated:.1f} ({how}), "
            f"and by {in_training:.1f} in training: batch normalisation has not settled. Train for "
            "more epochs (with regressor.settle_batch_norm: true, if it is not set)"
        )
    return {
        "loss": error,
        "loss_in_training": loss,
        "spread": spread.tolist(),
        "problem": problem,
        "warning": warning,
    }


def predict_stacks(model: Regressor, examples: StackDataset) -> np.ndarray:
    """Percentages, float32 (n, values), in evaluation mode."""
    return _apply_in_batches(model, model, examples)


@torch.no_grad()
def _apply_in_batches(model: Regressor, answer: Callable, examples: StackDataset) -> np.ndarray:
    model.to(examples.device).eval()
    batches = examples.stream(torch.arange(len(examples)).split(INFERENCE_BATCH))
    return torch.cat(
        [answer(stacks_to_input(batch, model.copies)).cpu() for batch in batches]
    ).numpy()
