"""Percentages of motility from one number of a sample: the mean logarithm of its cells' speed.

Few participants can fit only few numbers. The percentages follow a Dirichlet distribution whose
mean is a softmax of lines in that number: two intercepts, two slopes and a concentration. A prior
keeps the slopes small: with little evidence, the prediction is nearly that of ZeroR.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import gammaln, softmax

from motilens.core.labels import HEAD_MICRONS
from motilens.motility.kinematics import WHO_PROGRESSIVE, measure_cells

SLOPE_DEVIATION = 0.5  # of the prior: the change of a logit by one standard deviation of the score
MIN_SHARE = 0.005  # a laboratory counts 200 cells: 0 % means less than one of them
SCORE = "mean over cells, weighted by time, of log(1 + VAP / 5 µm/s)"


@dataclass(frozen=True)
class MotilityModel:
    """A fitted model of progressive, non-progressive and immotile cells.

    Args:
        weights: (2, 3), intercepts and slopes of the logits in the standardized score.
        mean, deviation: of the training participants' scores, to standardize them.
        low, high: the smallest and the greatest of these scores; others count as these.
        concentration: of the Dirichlet distribution: the greater, the closer are percentages to
            the predictions.
        fallback: (3,), the prediction for a sample without a score: the training mean (ZeroR).
    """

    weights: np.ndarray
    mean: float
    deviation: float
    low: float
    high: float
    concentration: float
    fallback: np.ndarray

    def predict(
        self,
        samples: list[pd.DataFrame],
        frame_rates: list[float],
        scales: list[float | None],
        head_lengths: list[float | None],
    ) -> np.ndarray:
        """Return percentages that add up to 100, (samples, 3); for the arguments, `score_samples`.

        Samples without a score get the fallback.
        """
        scores = score_samples(samples, frame_rates, scales, head_lengths)
        standardized = (scores.clip(self.low, self.high) - self.mean) / self.deviation
        percentages = 100 * softmax(_design_matrix(standardized) @ self.weights, axis=1)
        return np.where(np.isnan(scores)[:, None], self.fallback, percentages)

    def to_dict(self) -> dict:
        """Return all that is needed to restore the model, in plain values."""
        arrays = {name: np.asarray(value).tolist() for name, value in vars(self).items()}
        return {"score": SCORE} | arrays

    @classmethod
    def from_dict(cls, values: dict) -> "MotilityModel":
        """Restore a model from what `to_dict` returned.

        Raises:
            ValueError: it has another score, or it is not complete.
        """
        values = dict(values)
        if values.pop("score", None) != SCORE:
            raise ValueError("its samples have another score")
        try:
            arrays = {name: np.array(value, float) for name, value in values.items()}
            model = cls(**{name: v if v.ndim else float(v) for name, v in arrays.items()})
        except TypeError as error:
            raise ValueError("it is not complete") from error
        shapes = {name: np.shape(value) for name, value in vars(model).items()}
        expected = dict.fromkeys(shapes, ()) | {"weights": (2, 3), "fallback": (3,)}
        if shapes != expected or not all(np.isfinite(v).all() for v in vars(model).values()):
            raise ValueError("its numbers are not complete")
        return model


def fit_motility_model(
    samples: list[pd.DataFrame],
    percentages: np.ndarray,
    participants: list[str],
    frame_rates: list[float],
    scales: list[float | None],
    head_lengths: list[float | None],
) -> MotilityModel:
    """Fit a model to training samples.

    Args:
        samples, frame_rates, scales, head_lengths: see `score_samples`.
        percentages: (samples, 3): progressive, non-progressive, immotile.
        participants: of the samples; each has the same weight.
    """
    scores = score_samples(samples, frame_rates, scales, head_lengths)
    table = np.column_stack([scores, percentages])
    table = pd.DataFrame(table).groupby([str(name) for name in participants]).mean()
    fallback = table[[1, 2, 3]].mean().to_numpy()
    if table[0].isna().all():
        weights = np.vstack([np.log(_positive_shares(fallback)), np.zeros(3)])
        return MotilityModel(weights, 0.0, 1.0, 0.0, 0.0, 1.0, fallback)
    known = table.dropna().to_numpy()
    scores, shares = known[:, 0], _positive_shares(known[:, 1:])
    mean, deviation = scores.mean(), scores.std() + 1e-9
    weights, concentration = _fit_dirichlet((scores - mean) / deviation, shares)
    limits = float(scores.min()), float(scores.max())
    return MotilityModel(weights, float(mean), float(deviation), *limits, concentration, fallback)


def score_samples(
    samples: list[pd.DataFrame],
    frame_rates: list[float],
    scales: list[float | None],
    head_lengths: list[float | None],
) -> np.ndarray:
    """Return SCORE of each sample, (samples,); NaN where no cell can be measured.

    Args:
        samples: tracks of each: cell, frame, x, y (pixels), without gaps and without the movement
            of the stage.
        frame_rates: 1/s.
        scales: micrometers per pixel of the tracks; None: not known.
        head_lengths: of a typical head (pixels of the tracks), used where the scale is not known;
            None: not known either, the sample has no score.
    """
    scores = np.full(len(samples), np.nan)
    rows = zip(samples, frame_rates, scales, head_lengths, strict=True)
    for number, (tracks, frame_rate, scale, head_length) in enumerate(rows):
        microns = scale or (HEAD_MICRONS / head_length if head_length else np.nan)
        cells = measure_cells(tracks, frame_rate, HEAD_MICRONS / microns)
        cells = cells[cells["vap"].notna()]
        if len(cells):
            logs = np.log1p(cells["vap"] * microns / WHO_PROGRESSIVE)
            scores[number] = np.average(logs, weights=cells["seconds"])
    return scores


def _design_matrix(standardized: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(standardized)), standardized])


def _positive_shares(percentages: np.ndarray) -> np.ndarray:
    shares = np.maximum(percentages / 100, MIN_SHARE)
    return shares / shares.sum(-1, keepdims=True)


def _fit_dirichlet(standardized: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the weights, (2, 3), and the concentration of the greatest posterior density."""
    design = _design_matrix(standardized)

    def loss(flat: np.ndarray) -> float:
        weights, concentration = flat[:-1].reshape(2, 3), np.exp(flat[-1])
        alpha = concentration * softmax(design @ weights, axis=1).clip(1e-6)
        density = gammaln(concentration) - gammaln(alpha).sum(1)
        density += ((alpha - 1) * np.log(shares)).sum(1)
        # The intercepts' sum and a great concentration are not determined by the shares.
        prior = (weights[1] ** 2).sum() / SLOPE_DEVIATION**2 + (flat[-1] - np.log(10)) ** 2
        return prior / 2 + 1e-3 * weights[0].sum() ** 2 - density.sum()

    start = np.concatenate([np.log(shares.mean(0)), np.zeros(3), [np.log(10)]])
    best = minimize(loss, start, method="L-BFGS-B").x
    return best[:-1].reshape(2, 3), float(np.exp(best[-1]))
