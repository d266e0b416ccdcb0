"""Classes of single cells, learned from the percentages of whole samples alone.

No cell is labeled. A logistic regression of single cells is fitted such that the mean
probabilities of a sample's cells match its percentages (learning from label proportions: Quadrianto
et al., JMLR 10, 2009).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax
from sklearn.model_selection import GroupKFold

CELL_FEATURES = ["vcl", "vap", "vsl", "amplitude"]  # the ratios of CASA follow from them
MIN_VALUE = 0.1  # pixels, pixels/s: less counts as that much, whose logarithm is small but finite
WEIGHT_DECAYS = (1e-5, 1e-4, 1e-3, 1e-2)  # chosen among the training participants
CV_FOLDS = 3  # of the training participants, for that choice
TOLERANCE = 1e-10  # of the fit, which has other minima, too: it always starts at ZeroR
WEIGHT_NAMES = ["constant", *(f"log {name}" for name in CELL_FEATURES)]  # of the rows of weights


@dataclass(frozen=True)
class LabelProportionModel:
    """A fitted regression of single cells.

    Args:
        weights: (1 + features, values); the first row is constant.
        mean, deviation: of the training cells' features, to standardize them.
        fallback: (values,), the prediction for a sample without cells: the training mean (ZeroR).
        sums_to_one: the values add up to 100 %; if not, each stands for itself.
        decay: of weights, as chosen by cross-validation, or the strongest where one participant
            leaves no choice; None without cells.
    """

    weights: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    fallback: np.ndarray
    sums_to_one: bool
    decay: float | None

    def predict_proba(self, cells: pd.DataFrame) -> np.ndarray:
        """Return probabilities of each cell's classes, (cells, values), from 0 to 1."""
        features = _design_matrix(cells, self.mean, self.deviation)
        return _probabilities(features @ self.weights, self.sums_to_one)

    def predict(self, samples: list[pd.DataFrame]) -> np.ndarray:
        """Return percentages, (samples, values), by the cells of each, weighted by their frames."""
        percentages = np.tile(self.fallback, (len(samples), 1))
        for row, cells in zip(percentages, samples, strict=True):
            if len(cells):
                row[:] = 100 * _cell_weights(cells) @ self.predict_proba(cells)
        return percentages

    def to_dict(self) -> dict:
        """Return all that is needed to restore the model, in plain values."""
        return {"features": WEIGHT_NAMES} | {
            k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict) -> "LabelProportionModel":
        """Restore a model from what `to_dict` returned.

        Raises:
            ValueError: its cells have other features, or it is not complete.
        """
        values = dict(values)
        if values.pop("features") != WEIGHT_NAMES:
            raise ValueError("its cells have other features")
        model = cls(
            **{k: np.array(v, float) if isinstance(v, list) else v for k, v in values.items()}
        )
        shapes = [np.shape(array) for array in (model.mean, model.deviation, model.weights)]
        features = (len(CELL_FEATURES),)
        if shapes != [features, features, (len(WEIGHT_NAMES), len(model.fallback))]:
            raise ValueError("its weights are not complete")
        return model


def fit_label_proportions(
    samples: list[pd.DataFrame], percentages: np.ndarray, participants: list[str], sums_to_one: bool
) -> LabelProportionModel:
    """Fit a model to the training samples.

    Args:
        samples: the cells of each, see `compute_kinematics`.
        percentages: (samples, values).
        participants: of the samples; those of one are never on both sides of the choice of decay.
    """
    with_cells = [number for number, cells in enumerate(samples) if len(cells)]
    groups = [participants[number] for number in with_cells]
    fallback = percentages.mean(0)
    if not with_cells:
        weights = _initial_weights(percentages / 100, sums_to_one)
        scale = np.zeros(len(CELL_FEATURES)), np.ones(len(CELL_FEATURES))
        return LabelProportionModel(weights, *scale, fallback, sums_to_one, None)
    chosen = [samples[number] for number in with_cells]
    logs = _log_features(pd.concat(chosen))
    mean, deviation = logs.mean(0), logs.std(0) + 1e-9
    cells = [_design_matrix(part, mean, deviation) for part in chosen]
    data = cells, [_cell_weights(part) for part in chosen], percentages[with_cells] / 100
    decay, n_folds = WEIGHT_DECAYS[-1], min(CV_FOLDS, len(set(groups)))
    if n_folds > 1:
        splits = list(GroupKFold(n_folds).split(cells, groups=groups))
        errors = [_validation_error(*data, sums_to_one, d, splits) for d in WEIGHT_DECAYS]
        decay = WEIGHT_DECAYS[int(np.argmin(errors))]
    weights = _minimize_loss(*data, sums_to_one, decay)
    return LabelProportionModel(weights, mean, deviation, fallback, sums_to_one, decay)


def _log_features(cells: pd.DataFrame) -> np.ndarray:
    return np.log(cells[CELL_FEATURES].to_numpy().clip(MIN_VALUE))


def _design_matrix(cells: pd.DataFrame, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(cells)), (_log_features(cells) - mean) / deviation])


def _cell_weights(cells: pd.DataFrame) -> np.ndarray:
    return (cells["frames"] / cells["frames"].sum()).to_numpy()


def _probabilities(scores: np.ndarray, sums_to_one: bool) -> np.ndarray:
    return softmax(scores, axis=1) if sums_to_one else expit(scores)


def _initial_weights(truth: np.ndarray, sums_to_one: bool) -> np.ndarray:
    """Return weights that give each cell the mean of all samples (ZeroR)."""
    mean = truth.mean(0).clip(1e-3, 1 - 1e-3)
    constant = np.log(mean) if sums_to_one else logit(mean)
    return np.vstack([constant, np.zeros((len(CELL_FEATURES), len(mean)))])


def _validation_error(cells, cell_weights, truth, sums_to_one, decay, splits) -> float:
    """Return the mean absolute error of samples by fits to others; splits are lists of indices."""
    errors = []
    for fitted, held_out in splits:
        parts = ([part[number] for number in fitted] for part in (cells, cell_weights))
        weights = _minimize_loss(*parts, truth[fitted], sums_to_one, decay)
        proba = (_probabilities(cells[n] @ weights, sums_to_one) for n in held_out)
        predicted = [cell_weights[n] @ p for n, p in zip(held_out, proba, strict=True)]
        errors.append(np.abs(predicted - truth[held_out]).mean())
    return np.mean(errors)


def _minimize_loss(
    cells: list[np.ndarray],
    cell_weights: list[np.ndarray],
    truth: np.ndarray,
    sums_to_one: bool,
    decay: float,
) -> np.ndarray:
    """Fit the samples' shares by least squares; return weights (1 + features, values)."""
    features, weight = np.concatenate(cells), np.concatenate(cell_weights)[:, None]
    first = np.cumsum([0, *map(len, cells[:-1])])
    sample = np.repeat(np.arange(len(cells)), list(map(len, cells)))
    shape = features.shape[1], truth.shape[1]

    def loss_and_gradient(flat):
        weights = flat.reshape(shape)
        proba = _probabilities(features @ weights, sums_to_one)
        error = np.add.reduceat(weight * proba, first) - truth
        slope = 2 * weight * error[sample] / len(truth)
        # Through the softmax, or the sigmoid.
        inner = (proba * slope).sum(1, keepdims=True) if sums_to_one else proba * slope
        decayed = np.vstack([np.zeros(shape[1]), weights[1:]])
        loss = (error**2).sum() / len(truth) + decay * (decayed**2).sum()
        return loss, (features.T @ (proba * (slope - inner)) + 2 * decay * decayed).ravel()

    start = _initial_weights(truth, sums_to_one).ravel()
    result = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", tol=TOLERANCE)
    return result.x.reshape(shape)
