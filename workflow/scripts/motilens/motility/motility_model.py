"""Percentages of motility from tracks of one sample, by a few numbers that fit into a text file.

A sample is described by the shares of time for which its cells move and progress rapidly. The
percentages are linear in these shares, and shrunk towards the mean of the training participants.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from motilens.motility.kinematics import WHO_PROGRESSIVE, WHO_RAPID, compute_kinematics

HEAD_MICRONS = 5.0  # length of a head with its halo: the scale where no other is known
FEATURES = ["moving", "rapid"]
SHRINKAGE = 1.0  # ridge penalty, in participants: 1 halves what one standardized feature explains


@dataclass(frozen=True)
class MotilityModel:
    """A fitted model: percentages progressive, non-progressive and immotile of a sample.

    Args:
        weights: (1 + features, 3); the first row is constant.
        mean, deviation: of the training samples' features, to standardize them.
        fallback: (3,), the prediction for a sample without cells: the training mean (ZeroR).
    """

    weights: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    fallback: np.ndarray

    def predict(
        self,
        samples: list[pd.DataFrame],
        frame_rates: list[float],
        scales: list[float | None],
        head_lengths: list[float | None],
    ) -> np.ndarray:
        """Return percentages, (samples, 3), each from 0 to 100, adding up to 100.

        Args:
            samples: tracks of each: cell, frame, x, y (pixels), without the stage's movement.
            frame_rates: 1/s.
            scales: micrometers per pixel of the tracks; None: not known.
            head_lengths: of a typical head (pixels of the tracks), used where the scale is not
                known; None: not known either, the sample gets the fallback.
        """
        features = describe_samples(samples, frame_rates, scales, head_lengths)
        standardized = (features - self.mean) / self.deviation
        design = np.column_stack([np.ones(len(features)), standardized])
        percentages = (design @ self.weights).clip(0, 100)
        percentages *= 100 / percentages.sum(1, keepdims=True)
        unknown = np.isnan(features).any(1)
        return np.where(unknown[:, None], self.fallback, percentages)

    def to_dict(self) -> dict:
        """Return all that is needed to restore the model, in plain values."""
        return {"features": FEATURES} | {name: v.tolist() for name, v in vars(self).items()}

    @classmethod
    def from_dict(cls, values: dict) -> "MotilityModel":
        """Restore a model from what `to_dict` returned.

        Raises:
            ValueError: it has other features, or it is not complete.
        """
        values = dict(values)
        if values.pop("features", None) != FEATURES:
            raise ValueError("its samples have other features")
        try:
            model = cls(**{name: np.array(v, float) for name, v in values.items()})
        except TypeError as error:
            raise ValueError("it is not complete") from error
        count = len(FEATURES)
        shapes = [(1 + count, 3), (count,), (count,), (3,)]
        if [array.shape for array in vars(model).values()] != shapes:
            raise ValueError("its weights are not complete")
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
        samples, frame_rates, scales, head_lengths: see `MotilityModel.predict`.
        percentages: (samples, 3): progressive, non-progressive, immotile.
        participants: of the samples; each has the same weight.
    """
    features = describe_samples(samples, frame_rates, scales, head_lengths)
    table = pd.DataFrame(np.hstack([features, percentages])).groupby(list(participants)).mean()
    fallback = table.iloc[:, len(FEATURES) :].mean().to_numpy()
    table = table.dropna().to_numpy()
    features, percentages = np.split(table, [len(FEATURES)], axis=1)
    mean = features.mean(0) if len(table) else np.zeros(len(FEATURES))
    deviation = features.std(0) + 1e-9 if len(table) else np.ones(len(FEATURES))
    standardized = (features - mean) / deviation
    center = percentages.mean(0) if len(table) else fallback
    penalty = SHRINKAGE * max(len(table), 1) * np.eye(len(FEATURES))
    slopes = np.linalg.solve(
        standardized.T @ standardized + penalty, standardized.T @ (percentages - center)
    )
    return MotilityModel(np.vstack([center, slopes]), mean, deviation, fallback)


def describe_samples(
    samples: list[pd.DataFrame],
    frame_rates: list[float],
    scales: list[float | None],
    head_lengths: list[float | None],
) -> np.ndarray:
    """Return FEATURES of each sample, from 0 to 1, (samples, features); NaN without cells."""
    rows = []
    for tracks, rate, scale, head in zip(samples, frame_rates, scales, head_lengths, strict=True):
        microns = scale or (HEAD_MICRONS / head if head else np.nan)
        cells = compute_kinematics(tracks, rate)
        if cells.empty or np.isnan(microns):
            rows.append([np.nan] * len(FEATURES))
            continue
        moving = cells["vap"] * microns >= WHO_PROGRESSIVE
        rapid = cells["vsl"] * microns >= WHO_RAPID
        weights = cells["frames"] / cells["frames"].sum()
        rows.append([weights @ moving, weights @ rapid])
    return np.array(rows, float).reshape(-1, len(FEATURES))
