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
from motilens.tracking.kinematics import (
    casa_motility,
    compute_kinematics,
    log_mean_squared_displacements,
)
from motilens.tracking.label_proportions import CV_FOLDS, fit_label_proportions

N_WORDS = 32  # kinds of movement that are told apart
C_GRID = (0.1, 1.0, 10.0, 100.0)  # of the SVR's fit, chosen among the training participants


def predict_baseline(
    method: str,
    labels: pd.DataFrame,
    seen: dict[str, pd.DataFrame],
    unseen: dict[str, pd.DataFrame],
    rates: dict[str, float],
    scales: dict[str, float],
    seed: int,
) -> tuple[np.ndarray, dict]:
    """What one of the baselines answers for the samples that it has not seen.

    Args:
        method: "msd", "kinematics", "cells" or "casa" (docs/method.md).
        labels: of the training samples, in the order of `seen`: participant and, in the other
            columns, the percentages that are wanted.
        seen, unseen: cells by sample, see `tracks.read`.
        rates: frames per second by sample.
        scales: for "casa", micrometres per pixel of its cells' places by sample.

    Returns:
        Percentages of `unseen`, in the order of the columns; what was fitted, in plain values.

    Raises:
        InputError: a prediction is no number.
    """
    values, fitted = labels.drop(columns="participant"), {}
    if method == "casa":
        answers = [
            casa_motility(compute_kinematics(one, rates[sample]), scales[sample])
            for sample, one in unseen.items()
        ]
        predicted = pd.DataFrame(answers)[values.columns].to_numpy()
    elif method == "cells":
        left, right = (
            [compute_kinematics(one, rates[sample]) for sample, one in side.items()]
            for side in (seen, unseen)
        )
        kinds = fit_label_proportions(
            left, values.to_numpy(), list(labels["participant"]), set(values) == set(MOTILITY)
        )
        predicted, fitted = kinds.percentages(right), kinds.described()
    else:
        known, new = FEATURE_EXTRACTORS[method](seen, unseen, rates, seed)
        predicted, strength = predict_by_svr(
            known, values.to_numpy(), list(labels["participant"]), new
        )
        fitted = {"strength": strength}
    # Where no cell was found, nothing is known: ZeroR.
    unknown = np.array([[one.empty] for one in unseen.values()])
    predicted = np.where(unknown, values.mean(), predicted)
    if not np.isfinite(predicted).all():
        raise InputError(f"{method}: its predictions are no numbers")
    return predicted, fitted


def bag_of_displacement_words(
    seen: dict, unseen: dict, rates: dict, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """How common each kind of movement is among a sample's cells (motilitAI: Ottl et al. 2022).

    A kind is a cluster of mean squared displacements, found among the training samples' cells.

    Returns:
        Shares (samples, WORDS) of the training samples and of the others; zeros without cells.
    """
    vectors = [log_mean_squared_displacements(one) for one in (*seen.values(), *unseen.values())]
    known = np.concatenate(vectors[: len(seen)])
    if not len(known):
        return np.zeros((len(seen), 1)), np.zeros((len(unseen), 1))
    words = KMeans(min(N_WORDS, len(known)), n_init=4, random_state=seed).fit(known)
    shares = np.zeros((len(vectors), words.n_clusters))
    for row, cells in zip(shares, vectors, strict=True):
        if len(cells):
            row[:] = np.bincount(words.predict(cells), minlength=len(row)) / len(cells)
    return shares[: len(seen)], shares[len(seen) :]


def kinematics_statistics(
    seen: dict, unseen: dict, rates: dict, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean, deviation and quartiles over a sample's cells of all that CASA measures."""
    rows = []
    for sample, one in (seen | unseen).items():
        cells = compute_kinematics(one, rates[sample]).drop(columns="frames")
        parts = [cells.mean(), cells.std(ddof=0), *(cells.quantile(q) for q in (0.25, 0.5, 0.75))]
        rows.append(np.nan_to_num(np.concatenate(parts)))
    return np.array(rows[: len(seen)]), np.array(rows[len(seen) :])


# What a regression reads off the cells. Of cells by sample (training, others), frames per second
# by sample, and a seed, they make an array (samples, features) for each of the two.
FEATURE_EXTRACTORS = {"msd": bag_of_displacement_words, "kinematics": kinematics_statistics}


def predict_by_svr(
    seen: np.ndarray, labels: np.ndarray, participants: list[str], unseen: np.ndarray
) -> tuple[np.ndarray, float]:
    """Linear support vector regression; its strength is chosen by the training participants alone.

    Args:
        seen, labels: features and percentages of the training samples.
        participants: whose they are: those of one are never on both sides of the choice.

    Returns:
        Percentages of the other samples, within 0 to 100; the strength.
    """
    parts = min(CV_FOLDS, len(set(participants)))
    machine = make_pipeline(StandardScaler(), MultiOutputRegressor(SVR(kernel="linear")))
    strength = "multioutputregressor__estimator__C"
    if parts < 2:  # no choice: the one that fits least
        machine.set_params(**{strength: C_GRID[0]}).fit(seen, labels)
        return machine.predict(unseen).clip(0, 100), C_GRID[0]
    search = GridSearchCV(
        machine, {strength: C_GRID}, scoring="neg_mean_absolute_error", cv=GroupKFold(parts)
    ).fit(seen, labels, groups=participants)
    return search.predict(unseen).clip(0, 100), float(*search.best_params_.values())
