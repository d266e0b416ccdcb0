"""Percentages from tracks: the strongest competitors of networks on this task."""

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from motilens.core.errors import InputError
from motilens.core.labels import MOTILITY
from motilens.core.plugins import blame_plugin, check_output
from motilens.motility.kinematics import (
    casa_motility,
    compute_kinematics,
    log_mean_squared_displacements,
)
from motilens.motility.label_proportions import CV_FOLDS, fit_label_proportions
from motilens.motility.motility_model import fit_motility_model

N_WORDS = 32  # kinds of movement that are distinguished
C_GRID = (0.1, 1.0, 10.0, 100.0)  # of the SVR, chosen among the training participants


def predict_baseline(
    method: str,
    labels: pd.DataFrame,
    training: dict[str, pd.DataFrame],
    held_out: dict[str, pd.DataFrame],
    frame_rates: dict[str, float],
    scales: dict[str, float],
    seed: int,
    head_lengths: dict[str, float] | None = None,
) -> tuple[np.ndarray, dict]:
    """Fit a baseline to the training samples and predict the held-out ones.

    Args:
        method: "msd", "kinematics", "cells", "speed" or "casa" (docs/explanation/method.md), or
            one of a plugin.
        labels: of the training samples, in the order of `training`: participant and, in the other
            columns, the percentages that are wanted.
        training, held_out: tracks by sample, see `read_tracks`.
        frame_rates: 1/s.
        scales: for "casa" and "speed", micrometers per pixel of the tracks, where known.
        head_lengths: for "speed", of a typical head (pixels of the tracks), where known.

    Returns:
        Percentages of `held_out`, (samples, values); what was fitted, in plain values.

    Raises:
        InputError: a prediction is not a number.
    """
    values, participants = labels.drop(columns="participant"), list(labels["participant"])
    fitted = {}
    if method == "casa":
        rows = [
            casa_motility(compute_kinematics(tracks, frame_rates[sample]), scales[sample])
            for sample, tracks in held_out.items()
        ]
        predicted = pd.DataFrame(rows)[values.columns].to_numpy()
    elif method == "cells":
        known, new = (
            [compute_kinematics(tracks, frame_rates[sample]) for sample, tracks in side.items()]
            for side in (training, held_out)
        )
        sums_to_one = set(values) == set(MOTILITY)
        model = fit_label_proportions(known, values.to_numpy(), participants, sums_to_one)
        predicted, fitted = model.predict(new), model.to_dict()
    elif method == "speed":
        predicted, fitted = _predict_by_speed(
            values, participants, training, held_out, frame_rates, scales, head_lengths or {}
        )
    elif method in BASELINES:
        with blame_plugin("baseline", method):
            predicted = BASELINES[method](labels, training, held_out, frame_rates, seed)
        check_output("baseline", method, predicted, (len(held_out), len(values.columns)))
        predicted = np.asarray(predicted, float)
    else:
        known, new = FEATURE_EXTRACTORS[method](training, held_out, frame_rates, seed)
        predicted, c = predict_by_svr(known, values.to_numpy(), participants, new)
        fitted = {"C": c}
    # Where no cell can be measured, nothing is known: ZeroR.
    counts = [len(compute_kinematics(part, frame_rates[name])) for name, part in held_out.items()]
    is_empty = np.array(counts)[:, None] == 0
    predicted = np.where(is_empty, values.mean(), predicted)
    if not np.isfinite(predicted).all():
        raise InputError(f"{method}: its predictions are not numbers")
    return predicted, fitted


def _predict_by_speed(
    values, participants, training, held_out, frame_rates, scales, head_lengths
) -> tuple[np.ndarray, dict]:
    """Predict by a `MotilityModel`, in the order of the columns of `values`."""

    def arguments(side: dict[str, pd.DataFrame]) -> list[list]:
        facts = (
            [known.get(name) for name in side] for known in (frame_rates, scales, head_lengths)
        )
        return [[*side.values()], *facts]

    known, new = arguments(training), arguments(held_out)
    percentages = values[[*MOTILITY]].to_numpy()
    model = fit_motility_model(known[0], percentages, participants, *known[1:])
    predicted = pd.DataFrame(model.predict(*new), columns=MOTILITY)
    return predicted[values.columns].to_numpy(), model.to_dict()


def bag_of_displacement_words(
    training: dict, held_out: dict, frame_rates: dict, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return how common each kind of movement is in a sample (motilitAI: Ottl et al. 2022).

    A kind is a cluster of mean squared displacements, found among the training samples' cells.

    Returns:
        Shares (samples, N_WORDS) of the training samples and of the others; zeros without cells.
    """
    samples = (*training.values(), *held_out.values())
    vectors = [log_mean_squared_displacements(tracks) for tracks in samples]
    known = np.concatenate(vectors[: len(training)])
    if not len(known):
        return np.zeros((len(training), 1)), np.zeros((len(held_out), 1))
    words = KMeans(min(N_WORDS, len(known)), n_init=4, random_state=seed).fit(known)
    shares = np.zeros((len(vectors), words.n_clusters))
    for row, cells in zip(shares, vectors, strict=True):
        if len(cells):
            row[:] = np.bincount(words.predict(cells), minlength=len(row)) / len(cells)
    return shares[: len(training)], shares[len(training) :]


def kinematics_statistics(
    training: dict, held_out: dict, frame_rates: dict, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean, deviation and quartiles of the kinematics of a sample's cells."""
    rows = []
    for sample, tracks in (training | held_out).items():
        cells = compute_kinematics(tracks, frame_rates[sample]).drop(columns="frames")
        parts = [cells.mean(), cells.std(ddof=0), *(cells.quantile(q) for q in (0.25, 0.5, 0.75))]
        rows.append(np.nan_to_num(np.concatenate(parts)))
    return tuple(np.split(np.array(rows), [len(training)]))


# Of plugins. From labels (see `predict_baseline`), tracks by sample (training, held-out), frame
# rates and a seed, they predict the percentages of the held-out samples, (samples, values).
BASELINES = {}
# From tracks by sample (training, held-out), frame rates by sample, and a seed, they make an array
# (samples, features) for each side, from which an SVR predicts.
FEATURE_EXTRACTORS = {"msd": bag_of_displacement_words, "kinematics": kinematics_statistics}


def predict_by_svr(
    training: np.ndarray, labels: np.ndarray, participants: list[str], held_out: np.ndarray
) -> tuple[np.ndarray, float]:
    """Predict by linear support vector regression; C is chosen by the training participants alone.

    One participant is never on both sides of that choice. Return the percentages of the held-out
    samples, within 0 to 100, and C.
    """
    n_folds = min(CV_FOLDS, len(set(participants)))
    pipeline = make_pipeline(StandardScaler(), MultiOutputRegressor(SVR(kernel="linear")))
    name = "multioutputregressor__estimator__C"
    if n_folds < 2:  # no choice: the strongest regularization
        pipeline.set_params(**{name: C_GRID[0]}).fit(training, labels)
        return pipeline.predict(held_out).clip(0, 100), C_GRID[0]
    folds, scoring = GroupKFold(n_folds), "neg_mean_absolute_error"
    search = GridSearchCV(pipeline, {name: C_GRID}, scoring=scoring, cv=folds)
    search.fit(training, labels, groups=participants)
    return search.predict(held_out).clip(0, 100), float(*search.best_params_.values())
