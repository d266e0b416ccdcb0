"""Step 2 of the paper: a convolutional network that reads percentages off feature images."""

import numpy as np
import pandas as pd
import torch

from motilens import InputError, checkpoints, models, training
from motilens.step import read_record


def train(
    features: np.ndarray,
    labels: np.ndarray,
    settings: dict,
    seed: int,
    pretrained: dict | None = None,
) -> tuple[torch.nn.Module, list[dict]]:
    """Train on all feature images given (paper section 2.2).

    Args:
        features: float32 (n, 3, height, width).
        labels: float32 (n, values), percentages of the participant each belongs to.
        settings: backbone, weights, values, start_at_mean, settle_batch_norm, epochs,
            batch_size, learning_rate, weight_decay.
        pretrained: weights to start from, see `models.fetch_weights`.

    Returns:
        The model and its history (epoch, loss).
    """
    training.seed_everything(seed)
    device = training.device()
    model = build(settings, pretrained)
    if settings["start_at_mean"]:
        with torch.no_grad():
            last_bias(model).copy_(torch.from_numpy(labels.mean(0)))
    model.to(device)
    inputs, wanted = _inputs(features, device), torch.from_numpy(labels).to(device)
    history = training.fit(
        model,
        lambda indices: (inputs(indices), wanted[indices.to(device)]),
        len(features),
        **training.optimiser(settings),
    )
    if settings["settle_batch_norm"]:
        training.settle_batch_norm(model, inputs, len(features), settings["batch_size"])
    return model, history


def build(settings: dict, pretrained: dict | None = None) -> torch.nn.Module:
    """The network that `settings` describe."""
    return models.regressor(settings["backbone"], len(settings["values"]), pretrained)


def load(weights: str, record: str) -> tuple[torch.nn.Module, dict]:
    """A trained model from its files, and its settings."""
    settings = read_record(record)["settings"]
    return checkpoints.load(build(settings), weights, record), settings


def last_bias(model: torch.nn.Module) -> torch.nn.Parameter:
    """The bias of the layer that gives the percentages."""
    return [m for m in model.modules() if isinstance(m, torch.nn.Linear)][-1].bias


def predict(model: torch.nn.Module, features: np.ndarray) -> np.ndarray:
    """Percentages, float32 (n, values), for feature images (n, 3, height, width)."""
    device = training.device()
    inputs = _inputs(features, device)
    return training.predict(model.to(device), inputs, len(features), batch_size=32).numpy()


def check_folds(training_participants: list, held_out: list, seen_by_autoencoder: list) -> None:
    """Participants never cross folds, and none is lost on the way.

    Raises:
        InputError: the autoencoder did not see exactly the training participants, or somebody
            is on both sides.
    """
    leaked = set(held_out) & (set(training_participants) | set(seen_by_autoencoder))
    if leaked:
        raise InputError(
            f"held-out participants {sorted(leaked)} were seen in training: the error would be "
            "too good to be true. Delete the autoencoders of this fold and run again"
        )
    if set(seen_by_autoencoder) != set(training_participants):
        differing = sorted(set(seen_by_autoencoder) ^ set(training_participants))
        raise InputError(
            f"regressor and autoencoder were given different participants: {differing}: delete "
            "the autoencoders of this fold and run again"
        )


def prediction_table(keys: list, samples: pd.DataFrame, predicted: np.ndarray) -> pd.DataFrame:
    """True beside predicted values.

    Args:
        keys: (participant, stack) of each row of `predicted`.
        samples: true percentages by participant; columns in the order of `predicted`'s.

    Returns:
        Columns participant, stack, true_<value> ..., predicted_<value> ...
    """
    table = pd.DataFrame(keys, columns=["participant", "stack"])
    true = samples.loc[table["participant"]].add_prefix("true_").reset_index(drop=True)
    shown = pd.DataFrame(predicted, columns=samples.columns).add_prefix("predicted_")
    return pd.concat([table, true, shown], axis=1)


def _inputs(features: np.ndarray, device: torch.device) -> training.Inputs:
    images = torch.from_numpy(features)
    return lambda indices: images[indices].to(device)
