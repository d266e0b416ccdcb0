"""Kinematics of tracks: what computer-assisted sperm analysis (CASA) measures."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

SMOOTHING_FRAMES = 11  # of the average path, about a beat of the tail at 50 Hz
LAGS = np.arange(1, 26)  # frames: up to half a second
MIN_PATH = LAGS[-1] + 1  # frames: a shorter path has no displacement at the longest lag
WHO_PROGRESSIVE = 5.0  # µm/s: what swims slower is not progressive (WHO manual, 6th edition, 2021)
KINEMATICS = ["frames", "vcl", "vap", "vsl", "lin", "str", "wob", "amplitude"]


def compute_kinematics(tracks: pd.DataFrame, frame_rate: float) -> pd.DataFrame:
    """Compute the kinematics of each cell (WHO manual, 6th edition).

    Args:
        tracks: cell, frame, x, y (pixels).
        frame_rate: 1/s.

    Returns:
        One row for each cell whose track has at least MIN_PATH frames: frames; vcl, vap, vsl:
        speed along the path, along the path averaged over SMOOTHING_FRAMES, and from its beginning
        to its end (pixels/s); lin = vsl / vcl, str = vsl / vap, wob = vap / vcl; amplitude: mean
        distance between the two paths (pixels).
    """
    rows = []
    kernel, half = np.ones(SMOOTHING_FRAMES) / SMOOTHING_FRAMES, SMOOTHING_FRAMES // 2
    for path in _iter_paths(tracks):
        average = np.stack([np.convolve(v, kernel, "valid") for v in path.T], 1)
        inner = path[half : len(path) - half]
        seconds = (len(average) - 1) / frame_rate
        vcl, vap = (np.linalg.norm(np.diff(p, axis=0), axis=1).sum() for p in (inner, average))
        vsl = np.linalg.norm(average[-1] - average[0])
        row = {
            "frames": len(path),
            "vcl": vcl / seconds,
            "vap": vap / seconds,
            "vsl": vsl / seconds,
            "lin": vsl / vcl if vcl else 0.0,
            "str": vsl / vap if vap else 0.0,
            "wob": vap / vcl if vcl else 0.0,
            "amplitude": np.linalg.norm(inner - average, axis=1).mean(),
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=KINEMATICS, dtype=float)


def log_mean_squared_displacements(tracks: pd.DataFrame) -> np.ndarray:
    """Return the logarithm of each cell's mean squared displacement (pixels²), (cells, LAGS).

    Cells are those of `compute_kinematics`.
    """
    rows = []
    for path in _iter_paths(tracks):
        rows.append([np.square(path[lag:] - path[:-lag]).sum(1).mean() for lag in LAGS])
    return np.log(np.array(rows).reshape(-1, len(LAGS)) + 1e-3)


def casa_motility(cells: pd.DataFrame, microns_per_pixel: float) -> dict[str, float]:
    """Return the percentages of motility of cells (`compute_kinematics`) by WHO's cut-offs.

    Each cell is weighted by the frames of its track; without cells they are NaN. Progressive: at
    least 5 µm/s from beginning to end of the average path; immotile: slower than half of that along
    it, which is what remains of a resting cell's noise; the others are non-progressive.
    """
    straight, along = (cells[name] * microns_per_pixel for name in ("vsl", "vap"))
    progressive = straight >= WHO_PROGRESSIVE
    immotile = ~progressive & (along < WHO_PROGRESSIVE / 2)
    others = ~progressive & ~immotile
    classes = {"progressive": progressive, "immotile": immotile, "nonprogressive": others}
    if cells.empty:
        return dict.fromkeys(classes, np.nan)
    weights = cells["frames"] / cells["frames"].sum()
    return {name: float(100 * weights[members].sum()) for name, members in classes.items()}


def _iter_paths(tracks: pd.DataFrame) -> Iterator[np.ndarray]:
    """Yield x and y of each cell, (frames, 2); skip tracks of fewer than MIN_PATH frames."""
    for _, track in tracks.groupby("cell"):
        if len(track) >= MIN_PATH:
            yield track[["x", "y"]].to_numpy(float)
