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

CELL_FEATURES = ["vcl", "vap", "vsl", "amplitude"]  # of a cell; the ratios of CASA follow from them
MIN_VALUE = (
    0.1  # pixels, pixels/s: less is taken for that much, whose logarithm is small but finite
)
WEIGHT_DECAYS = (1e-5, 1e-4, 1e-3, 1e-2)  # of weights, chosen among the training participants
CV_FOLDS = 3  # parts of the training participants for that choice
TOLERANCE = 1e-10  # of the fit, which has other minima, too: it always starts at ZeroR


@dataclass(frozen=True)
class LabelProportionModel:
    """A fitted regression of single cells.

    Args:
        weights: (1 + numbers, values); the first row is constant.
        mean, deviation: of the training cells' numbers, to standardise them.
        otherwise: (values,), the answer to a sample without cells: the training mean (ZeroR).
        whole: the values add up to 100; if not, each stands for itself.
        decay: of weights, as chosen by cross-validation, or the strongest where one participant
            leaves no choice; None without cells.
    """

    weights: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    otherwise: np.ndarray
    whole: bool
    decay: float | None

    def of(self, cells: pd.DataFrame) -> np.ndarray:
        """Probabilities of each cell's kinds, (cells, values), from 0 to 1."""
        return _probabilities(
            _design_matrix(cells, self.mean, self.deviation) @ self.weights, self.whole
        )

    def percentages(self, samples: list[pd.DataFrame]) -> np.ndarray:
        """Of each sample, (samples, values); each cell counts by the frames it was seen in."""
        return np.array(
            [
                100 * _cell_weights(one) @ self.of(one) if len(one) else self.otherwise
                for one in samples
            ]
        )

    def described(self) -> dict:
        """All that it takes to do the same again, in plain values."""
        arrays = ("weights", "mean", "deviation", "otherwise")
        return {"numbers": _weight_names()} | {
            name: value.tolist() if name in arrays else value for name, value in vars(self).items()
        }

    @classmethod
    def restored(cls, described: dict) -> "LabelProportionModel":
        """What `described` was of.

        Raises:
            ValueError: its cells were described by other numbers, or it is not whole.
        """
        known = dict(described)
        if known.pop("numbers") != _weight_names():
            raise ValueError("its cells are described by other numbers")
        made = cls(
            **{k: np.array(v, float) if isinstance(v, list) else v for k, v in known.items()}
        )
        shapes = [np.shape(one) for one in (made.mean, made.deviation, made.weights)]
        numbers = (len(CELL_FEATURES),)
        if shapes != [numbers, numbers, (len(_weight_names()), len(made.otherwise))]:
            raise ValueError("what it learned is not whole")
        return made


def fit_label_proportions(
    samples: list[pd.DataFrame], percentages: np.ndarray, participants: list[str], whole: bool
) -> LabelProportionModel:
    """Learn kinds from the training samples.

    Args:
        samples: of each its cells, see `tracks.kinematics`.
        percentages: (samples, values).
        participants: whose they are: those of one are never on both sides of the choice.
        whole: the values add up to 100.
    """
    with_cells = [number for number, one in enumerate(samples) if len(one)]
    groups = [participants[number] for number in with_cells]
    if not with_cells:
        known = _initial_weights(percentages / 100, whole)
        scale = np.zeros(len(CELL_FEATURES)), np.ones(len(CELL_FEATURES))
        return LabelProportionModel(known, *scale, percentages.mean(0), whole, None)
    chosen = [samples[number] for number in with_cells]
    logs = _log_features(pd.concat(chosen))
    mean, deviation = logs.mean(0), logs.std(0) + 1e-9
    cells = [_design_matrix(one, mean, deviation) for one in chosen]
    weights, truth = [_cell_weights(one) for one in chosen], percentages[with_cells] / 100
    decay, parts = WEIGHT_DECAYS[-1], min(CV_FOLDS, len(set(groups)))
    if parts > 1:
        splits = list(GroupKFold(parts).split(truth, groups=groups))
        errors = [
            np.mean(
                [_validation_error(cells, weights, truth, whole, one, *split) for split in splits]
            )
            for one in WEIGHT_DECAYS
        ]
        decay = WEIGHT_DECAYS[int(np.argmin(errors))]
    found = _minimize_loss(cells, weights, truth, whole, decay)
    return LabelProportionModel(found, mean, deviation, percentages.mean(0), whole, decay)


def _weight_names() -> list[str]:
    """Of the rows of weights."""
    return ["constant", *(f"log {name}" for name in CELL_FEATURES)]


def _log_features(cells: pd.DataFrame) -> np.ndarray:
    return np.log(cells[CELL_FEATURES].to_numpy().clip(MIN_VALUE))


def _design_matrix(cells: pd.DataFrame, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(cells)), (_log_features(cells) - mean) / deviation])


def _cell_weights(cells: pd.DataFrame) -> np.ndarray:
    return (cells["frames"] / cells["frames"].sum()).to_numpy()


def _probabilities(scores: np.ndarray, whole: bool) -> np.ndarray:
    return softmax(scores, axis=1) if whole else expit(scores)


def _initial_weights(truth: np.ndarray, whole: bool) -> np.ndarray:
    """Weights that say of each cell what all samples are on average."""
    mean = truth.mean(0).clip(1e-3, 1 - 1e-3)
    return np.vstack(
        [np.log(mean) if whole else logit(mean), np.zeros((len(CELL_FEATURES), len(mean)))]
    )


def _validation_error(cells, weights, truth, whole, decay, known, new) -> float:
    """Mean absolute error of the samples `new` by a fit of `known`."""
    those = ([part[number] for number in known] for part in (cells, weights))
    found = _minimize_loss(*those, truth[known], whole, decay)
    answers = [weights[n] @ _probabilities(cells[n] @ found, whole) for n in new]
    return float(np.abs(answers - truth[new]).mean())


def _minimize_loss(
    cells: list[np.ndarray], weights: list[np.ndarray], truth: np.ndarray, whole: bool, decay: float
) -> np.ndarray:
    """Least squares of the samples' shares, (1 + numbers, values)."""
    every, weight = np.concatenate(cells), np.concatenate(weights)[:, None]
    first = np.cumsum([0, *map(len, cells[:-1])])
    sample = np.repeat(np.arange(len(cells)), [len(one) for one in cells])
    shape = every.shape[1], truth.shape[1]

    def loss(flat):
        found = flat.reshape(shape)
        kinds = _probabilities(every @ found, whole)
        wrong = np.add.reduceat(weight * kinds, first) - truth
        slope = 2 * weight * wrong[sample] / len(truth)
        # Through the softmax, or the sigmoid.
        less = (kinds * slope).sum(1, keepdims=True) if whole else kinds * slope
        shrunk = np.vstack([np.zeros(shape[1]), found[1:]])
        return (
            (wrong**2).sum() / len(truth) + decay * (shrunk**2).sum(),
            (every.T @ (kinds * (slope - less)) + 2 * decay * shrunk).ravel(),
        )

    start = _initial_weights(truth, whole).ravel()
    best = minimize(loss, start, jac=True, method="L-BFGS-B", tol=TOLERANCE)
    return best.x.reshape(shape)
