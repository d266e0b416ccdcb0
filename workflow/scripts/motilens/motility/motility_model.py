"""Percentages of motility from the tracks of a sample: a few shares of its cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from motilens.motility.kinematics import measure_cells

SPEED = 1.0  # head lengths/s along the average path: slower cells rest


@dataclass(frozen=True)
class MotilityModel:
    """A line through the share of moving cells, shrunk towards the mean percentages."""

    mean: np.ndarray
    slope: np.ndarray
    center: float

    def predict(
        self,
        samples: Sequence[pd.DataFrame],
        frame_rates: Sequence[float],
        scales: Sequence[float],
        head_lengths: Sequence[float],
    ) -> np.ndarray:
        """Return percentages (samples, 3)."""
        share = _moving_share(samples, frame_rates, head_lengths)
        raw = (self.mean + np.outer(share - self.center, self.slope)).clip(1, 99)
        return 100 * raw / raw.sum(1, keepdims=True)

    def to_dict(self) -> dict:
        """Return plain values."""
        return {"mean": self.mean.tolist(), "slope": self.slope.tolist(), "center": self.center}

    @classmethod
    def from_dict(cls, values: dict) -> "MotilityModel":
        """Restore what `to_dict` returned."""
        return cls(np.array(values["mean"]), np.array(values["slope"]), float(values["center"]))


def fit_motility_model(
    samples, percentages, participants, frame_rates, scales, head_lengths
) -> MotilityModel:
    """Fit it."""
    share = _moving_share(samples, frame_rates, head_lengths)
    mean, center = percentages.mean(0), share.mean()
    moved = share - center
    slope = moved @ (percentages - mean) / ((moved**2).sum() + 0.1)
    return MotilityModel(mean, slope, float(center))


def _moving_share(samples, frame_rates, head_lengths) -> np.ndarray:
    shares = []
    for tracks, rate, length in zip(samples, frame_rates, head_lengths, strict=True):
        cells = measure_cells(tracks, rate, length).dropna(subset=["vap"])
        moving = cells["vap"] / length >= SPEED
        shares.append(np.average(moving, weights=cells["frames"]) if len(cells) else 0.5)
    return np.array(shares)
