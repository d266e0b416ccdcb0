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


def check_folds(training: dict, held_out: dict, seen_by_autoencoder: dict) -> None:
    """Participants never cross folds, and no sample is lost on the way.

    Args:
        training, held_out, seen_by_autoencoder: by sample, its `participant` among others.

    Raises:
        InputError: somebody is on both sides, the autoencoder did not see exactly the training
            samples, or one side is empty.
    """
    sides = [
        {row["participant"] for row in part.values()}
        for part in (held_out, training, seen_by_autoencoder)
    ]
    leaked = sides[0] & (sides[1] | sides[2])
    if leaked:
        raise InputError(
            f"held-out participants {sorted(leaked)} were seen in training: the error would be "
            "too good to be true. Delete the autoencoders of this fold and run again"
        )
    if differing := sorted(seen_by_autoencoder.keys() ^ training.keys()):
        raise InputError(
            f"regressor and autoencoder were given different samples: {differing}: delete "
            "the autoencoders of this fold and run again"
        )
    if not held_out or not training:
        raise InputError(
            "no sample is left to hold out or to train with, too many videos were left out: mend "
            "them, or lower folds.number"
        )


def prediction_table(
    keys: list, samples: pd.DataFrame, values: list[str], predicted: np.ndarray
) -> pd.DataFrame:
    """True beside predicted values.

    Args:
        keys: (sample, stack) of each row of `predicted`.
        samples: by sample: participant, and the true percentages.
        values: the percentages, in the order of `predicted`'s columns.

    Returns:
        Columns participant, sample, stack, true_<value> ..., predicted_<value> ...
    """
    table = pd.DataFrame(keys, columns=["sample", "stack"])
    table.insert(0, "participant", list(samples.loc[table["sample"], "participant"]))
    true = samples.loc[table["sample"], values].add_prefix("true_").reset_index(drop=True)
    shown = pd.DataFrame(predicted, columns=values).add_prefix("predicted_")
    return pd.concat([table, true, shown], axis=1)


def _inputs(features: np.ndarray, device: torch.device) -> training.Inputs:
    images = torch.from_numpy(features)
    return lambda indices: images[indices].to(device)
