"""Step 2 of the paper: a convolutional network that reads percentages off feature images."""

from collections.abc import Callable

import numpy as np
import torch
from torch.optim.swa_utils import update_bn

from motilens import fixed, loading, models, training
from motilens.models import Autoencoder, Regressor, to_input
from motilens.performance import Layout, Performance
from motilens.resume import Keeper

LAYOUT = Layout(cpu=False, gpu=True)
BATCH = 32  # stacks at a time where nothing is learned
# Percentage points: predictions that differ less over the training stacks are one constant.
CONSTANT = 1e-3
# An error on the training stacks so many times as high as in training, and at least one
# percentage point higher, is that of another model than was trained.
UNSETTLED = 1.5


def train(
    examples: loading.Stacks,
    labels: np.ndarray,
    encoder: Autoencoder | fixed.Encoder,
    settings: dict,
    seed: int,
    performance: Performance,
    keeper: Keeper | None = None,
    pretrained: dict | None = None,
    log: Callable = print,
) -> training.Trained:
    """Train on the feature images of all stacks given (paper section 2.2).

    They are made anew for each batch: the encoder costs 5 to 7 % of a step (benchmarks/README.md),
    and needs no room for images of up to twelve times (I1) the size of the stacks.

    Args:
        labels: float32 (n, values), percentages of the participant each stack belongs to.
        encoder: a trained autoencoder or fitted encoder; its encoder becomes part of the model.
        settings: architecture (see `models.build`), start_at_mean, settle_batch_norm, and those
            of `training.train`.
        keeper, log: see `training.train`.
        pretrained: weights to start from, see `pretrained.fetch_weights`.

    Returns:
        The model, its history (loss: mean squared error of percentages) and its health.
    """
    wanted = torch.from_numpy(labels).to(performance.device)
    learned = {name: tensor.clone() for name, tensor in encoder.encoder.state_dict().items()}

    def build():
        model = models.build(settings["architecture"])
        model.encoder.load_state_dict(learned)
        if pretrained:
            model.start_from(pretrained)
        if settings["start_at_mean"]:
            with torch.no_grad():
                model.output.bias.copy_(torch.from_numpy(labels.mean(0)))
        return model

    def stream(batches):
        for indices, batch in zip(batches, examples.stream(batches), strict=True):
            yield batch, wanted[indices.to(wanted.device)]

    def loss(network, batch, wanted):
        return torch.nn.functional.mse_loss(network(to_input(batch, encoder.copies)), wanted)

    def finish(model):
        if settings["settle_batch_norm"]:
            cuts = training.batches(torch.arange(len(examples)), settings["batch_size"])
            # After a short training, batch normalisation remembers weights that are long gone.
            update_bn((to_input(batch, encoder.copies) for batch in examples.stream(cuts)), model)

    task = training.Task(
        build=build,
        count=len(examples),
        stream=stream,
        loss=loss,
        examine=lambda model, loss: health(model, examples, labels, loss),
        finish=finish,
        layout=LAYOUT,
    )
    return training.train(task, settings, seed, performance, keeper, log)


def fixed_encoder(settings: dict, training: dict) -> tuple[fixed.Encoder, dict]:
    """In place of a trained autoencoder and its record: an encoder that is yet to be fitted.

    Args:
        settings: frames, copies, and which kind of `encoder`.
        training: samples that it will be fitted to.
    """
    kind = {"model": "fixed", "kind": settings["encoder"]}
    described = kind | {name: settings[name] for name in ("frames", "copies")}
    made = {"architecture": described, "training": training, "weights_sha256": None}
    return models.build(described), made | {"health": {"problem": None, "warning": None}}


def fit(encoder: fixed.Encoder, examples: loading.Stacks) -> None:
    """Fit an encoder to all stacks given."""
    encoder.to(examples.device)
    parts = torch.arange(len(examples)).split(BATCH)
    encoder.fit(lambda: (to_input(stack, encoder.copies) for stack in examples.stream(parts)))


def architecture(settings: dict, encoder: dict) -> dict:
    """What `models.build` needs to make the model that `settings` describe.

    Args:
        settings: backbone, values, normalise, fine_tune_encoder.
        encoder: architecture of the encoder.
    """
    return {
        "model": "regressor",
        "encoder": encoder,
        "outputs": len(settings["values"]),
        **{name: settings[name] for name in ("backbone", "normalise", "fine_tune_encoder")},
    }


def health(
    model: Regressor, examples: loading.Stacks, labels: np.ndarray, loss: float | None
) -> dict:
    """Does the model say anything, and is it the one that was trained?

    Args:
        loss: mean squared error of the last epoch; None during training, when nothing is asked.

    Returns:
        loss: mean squared error on the training stacks, in evaluation mode; loss_in_training;
        spread: standard deviation of each predicted value over them; problem: all predictions are
        alike, or None; warning: the two losses are far apart, or None.
    """
    if loss is None:
        return {"problem": None}
    predicted = predict(model, examples).astype(float)
    spread, error = predicted.std(0), ((predicted - labels) ** 2).mean()
    in_training, evaluated = np.sqrt([loss, error])
    problem = warning = None
    if not np.isfinite(predicted).all():
        problem = "the regressor's predictions are not finite"
    elif spread.max() < CONSTANT:
        problem = "the regressor answers every stack alike"
    elif evaluated > max(UNSETTLED * in_training, in_training + 1):
        warning = (
            f"on its own training stacks the regressor errs by {evaluated:.1f} (root mean square), "
            f"and by {in_training:.1f} in training: batch normalisation has not settled. Set "
            "regressor.settle_batch_norm: true if it is not, or train for more epochs"
        )
    return {
        "loss": float(error),
        "loss_in_training": loss,
        "spread": spread.tolist(),
        "problem": problem,
        "warning": warning,
    }


@torch.no_grad()
def predict(model: Regressor, examples: loading.Stacks) -> np.ndarray:
    """Percentages, float32 (n, values), in evaluation mode."""
    model.to(examples.device).eval()
    batches = examples.stream(torch.arange(len(examples)).split(BATCH))
    return torch.cat([model(to_input(batch, model.copies)).cpu() for batch in batches]).numpy()
