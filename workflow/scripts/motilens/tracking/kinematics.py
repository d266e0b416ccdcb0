"""Kinematics of tracks: what computer-assisted sperm analysis (CASA) measures."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

SMOOTHING_FRAMES = (
    11  # frames in the mean that makes an average path, about a beat of the tail at 50 Hz
)
LAGS = np.arange(1, 26)  # frames: up to half a second
WHO_PROGRESSIVE = 5.0  # µm/s, what swims slower is not progressive (WHO manual, 6th edition, 2021)


def compute_kinematics(tracks: pd.DataFrame, frame_rate: float) -> pd.DataFrame:
    """What computer-assisted sperm analysis says of each cell (WHO manual, 6th edition).

    Returns:
        One row a cell: frames; vcl, vap, vsl: speed along the path, along the path averaged over
        SMOOTHED frames, and from its beginning to its end (pixels/s); lin = vsl / vcl,
        str = vsl / vap, wob = vap / vcl; amplitude: mean distance between the two paths (pixels).
    """
    rows = []
    for x in _iter_tracks(tracks):
        average = np.stack(
            [np.convolve(v, np.ones(SMOOTHING_FRAMES) / SMOOTHING_FRAMES, "valid") for v in x.T], 1
        )
        inner = x[SMOOTHING_FRAMES // 2 : len(x) - SMOOTHING_FRAMES // 2]
        seconds = (len(average) - 1) / frame_rate
        vcl, vap = (np.linalg.norm(np.diff(p, axis=0), axis=1).sum() for p in (inner, average))
        vsl = np.linalg.norm(average[-1] - average[0])
        rows.append(
            {
                "frames": len(x),
                "vcl": vcl / seconds,
                "vap": vap / seconds,
                "vsl": vsl / seconds,
                "lin": vsl / vcl if vcl else 0.0,
                "str": vsl / vap if vap else 0.0,
                "wob": vap / vcl if vcl else 0.0,
                "amplitude": np.linalg.norm(inner - average, axis=1).mean(),
            }
        )
    columns = ["frames", "vcl", "vap", "vsl", "lin", "str", "wob", "amplitude"]
    return pd.DataFrame(rows, columns=columns, dtype=float)


def log_mean_squared_displacements(tracks: pd.DataFrame) -> np.ndarray:
    """Logarithm of each cell's mean squared displacement at LAGS, (cells, lags), pixels²."""
    rows = [
        [np.square(x[lag:] - x[:-lag]).sum(1).mean() for lag in LAGS] for x in _iter_tracks(tracks)
    ]
    return np.log(np.array(rows).reshape(-1, len(LAGS)) + 1e-3)


def casa_motility(cells: pd.DataFrame, microns_per_pixel: float) -> dict[str, float]:
    """Percentages of motility by WHO's cut-offs, each cell by the frames it was seen in.

    Progressive: at least 5 µm/s from beginning to end of the average path; immotile: slower than
    half of that along it, which is what remains of a resting cell's noise; the others are
    non-progressive. Without cells, nothing can be counted: not a number.
    """
    straight, along = (cells[name] * microns_per_pixel for name in ("vsl", "vap"))
    progressive = straight >= WHO_PROGRESSIVE
    immotile = ~progressive & (along < WHO_PROGRESSIVE / 2)
    weights = cells["frames"] / cells["frames"].sum()
    made = {"progressive": progressive, "immotile": immotile}
    made["nonprogressive"] = ~progressive & ~immotile
    return {name: float(100 * weights[which].sum()) if len(cells) else np.nan
            for name, which in made.items()}  # fmt: skip


def _iter_tracks(tracks: pd.DataFrame) -> Iterator[np.ndarray]:
    """Of each cell x and y, (frames, 2); none that is too short to be averaged."""
    for _, path in tracks.groupby("cell"):
        if len(path) > SMOOTHING_FRAMES + 1:
            yield path[["x", "y"]].to_numpy(float)
