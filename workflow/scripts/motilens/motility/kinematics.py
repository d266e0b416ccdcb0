"""Kinematics of tracks: what computer-assisted sperm analysis (CASA) measures."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

SMOOTHING_FRAMES = 11  # of the average path, about a beat of the tail at 50 Hz
LAGS = np.arange(1, 26)  # frames: up to half a second
MIN_PATH = LAGS[-1] + 1  # frames: a shorter path has no displacement at the longest lag
WHO_PROGRESSIVE = 5.0  # µm/s: what swims slower is not progressive (WHO manual, 6th edition, 2021)
WHO_RAPID = 25.0  # µm/s: what is progressive and slower is slow
KINEMATICS = ["frames", "vcl", "vap", "vsl", "lin", "str", "wob", "amplitude"]
MEASURES = ["vcl", "vsl", "vap", "lin", "str", "wob", "alh", "bcf", "progression"]
SMOOTHING_SECONDS = 0.32  # of `measure_cells`: a beat of 6 Hz or faster is averaged away
MIN_SECONDS = 0.5  # a cell that was seen for less has no speed
MIN_BEAT_SECONDS = 1.0  # ... no ALH and BCF
# 1/s: nominal 50. A head swings up to 20 times a second, which slower cameras show as fewer
# (Mortimer and Swan, Human Reproduction 1999).
MIN_BEAT_RATE = 45.0
NOISE = 0.02  # head lengths: a head that is closer to its average path has not left it
UPSAMPLING = 8  # the farthest point of a swing lies between two frames


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
        row = {"frames": len(path)} | _measure_speeds(inner, average, frame_rate)
        row["amplitude"] = np.linalg.norm(inner - average, axis=1).mean()
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


def measure_cells(
    tracks: pd.DataFrame,
    frame_rate: float,
    head_length: float,
    drift: np.ndarray | None = None,
    pixel_aspect: float = 1.0,
) -> pd.DataFrame:
    """Measure each cell as the WHO manual (6th edition, 2021) defines it, at any frame rate.

    The manual leaves the smoothing of the average path, and whether ALH is a mean or a maximum, to
    the maker. Here the average path is a weighted mean (Hann) over SMOOTHING_SECONDS.

    Args:
        tracks: cell, frame, x, y (pixels), without gaps.
        frame_rate: 1/s.
        head_length: pixels.
        drift: of the stage since the first frame, (frames, 2), pixels; it is removed.
        pixel_aspect: width of a pixel over its height.

    Returns:
        One row for each cell: cell, frames, first_frame, seconds (for which it was seen), and
        vcl, vsl, vap: speed along the path, along the straight line from its first to its last
        point, and along the average path (heights of a pixel/s); lin = vsl / vcl, str = vsl / vap,
        wob = vap / vcl; alh: mean width of the swings about the average path, twice the greatest
        distance from it between two crossings (heights of a pixel); bcf: how often the path crosses
        the average path (1/s, in both directions); progression: how far the cell gets in a second,
        the median over the track, which is what WHO's categories are about (heights of a pixel/s).
        NaN where the track is too short, or the rate too low, for a value.
    """
    rows = []
    for cell, track in tracks.groupby("cell"):
        numbers, path = track["frame"].to_numpy(int), track[["x", "y"]].to_numpy(float)
        if drift is not None:
            path = path - drift[numbers]
        path = path * [pixel_aspect, 1.0]
        seconds = len(path) / frame_rate
        row = {"cell": int(cell), "frames": len(path), "first_frame": int(numbers[0])}
        row |= {"seconds": seconds} | dict.fromkeys(MEASURES, np.nan)
        if seconds >= MIN_SECONDS and len(path) > 2:
            average = _smooth_path(path, frame_rate)
            row |= _measure_speeds(path, average, frame_rate)
            row["progression"] = _measure_progression(average, frame_rate)
            if seconds >= MIN_BEAT_SECONDS and frame_rate >= MIN_BEAT_RATE:
                row |= _measure_beat(path, average, frame_rate, NOISE * head_length)
        rows.append(row)
    return pd.DataFrame(rows, columns=["cell", "frames", "first_frame", "seconds", *MEASURES])


def classify_cells(cells: pd.DataFrame, microns_per_pixel: float) -> pd.Series:
    """Return the WHO category (6th edition) of each cell of `measure_cells`; None if not measured.

    Rapid and slow progressive: 25 µm or more, or 5 to 25, in a second. The others are immotile if
    they are slower than 2.5 µm/s along their average path, as in `casa_motility`.
    """
    progression, along = (cells[name] * microns_per_pixel for name in ("progression", "vap"))
    conditions = {
        "rapid_progressive": progression >= WHO_RAPID,
        "slow_progressive": progression >= WHO_PROGRESSIVE,
        "immotile": along < WHO_PROGRESSIVE / 2,
        "nonprogressive": progression.notna(),
    }
    names = np.select(list(conditions.values()), list(conditions), default="")
    return pd.Series(names, index=cells.index, dtype=object).replace("", None)


def _smooth_path(path: np.ndarray, frame_rate: float) -> np.ndarray:
    """Return the average path, of the same length; its ends are those of the path."""
    half = max(1, min(round(SMOOTHING_SECONDS * frame_rate / 2) - 1, len(path) - 1))
    kernel = np.hanning(2 * half + 3)[1:-1]
    extended = np.pad(path, ((half, half), (0, 0)), mode="reflect", reflect_type="odd")
    return np.stack([np.convolve(v, kernel / kernel.sum(), "valid") for v in extended.T], 1)


def _measure_speeds(path: np.ndarray, average: np.ndarray, frame_rate: float) -> dict[str, float]:
    """Return the three speeds (pixels/s) and their ratios; of no movement, these are 0."""
    seconds = (len(average) - 1) / frame_rate
    vcl, vap = (np.linalg.norm(np.diff(p, axis=0), axis=1).sum() for p in (path, average))
    vsl = np.linalg.norm(average[-1] - average[0])
    return {
        "vcl": vcl / seconds,
        "vap": vap / seconds,
        "vsl": vsl / seconds,
        "lin": vsl / vcl if vcl else 0.0,
        "str": vsl / vap if vap else 0.0,
        "wob": vap / vcl if vcl else 0.0,
    }


def _measure_progression(average: np.ndarray, frame_rate: float) -> float:
    """Return the median distance (pixels) that a cell covers in a second, or per second if less."""
    step = min(max(1, round(frame_rate)), len(average) - 1)
    distances = np.linalg.norm(average[step:] - average[:-step], axis=1)
    return float(np.median(distances) * frame_rate / step)


def _measure_beat(
    path: np.ndarray, average: np.ndarray, frame_rate: float, noise: float
) -> dict[str, float]:
    """Return alh (pixels) and bcf (1/s) of a path, without its ends, where the average joins it."""
    tangent = np.gradient(average, axis=0)
    length = np.linalg.norm(tangent, axis=1)
    across = path - average
    lateral = across[:, 1] * tangent[:, 0] - across[:, 0] * tangent[:, 1]
    lateral = np.divide(lateral, length, out=np.zeros_like(lateral), where=length > 0)
    half = round(SMOOTHING_SECONDS * frame_rate / 2)
    lateral = lateral[half : len(lateral) - half]
    times = np.arange(len(lateral))
    fine = np.linspace(0, times[-1], UPSAMPLING * times[-1] + 1)
    lateral = CubicSpline(times, lateral)(fine)
    lateral = lateral[np.abs(lateral) > noise]
    sides = np.split(lateral, np.flatnonzero(np.diff(np.sign(lateral))) + 1)
    if len(sides) < 2:
        return {"alh": 0.0, "bcf": 0.0}
    risers = [np.abs(side).max() for side in sides]
    whole = risers[1:-1] or risers  # the first and the last swing are cut
    return {"alh": 2 * float(np.mean(whole)), "bcf": (len(sides) - 1) * frame_rate / times[-1]}


def _iter_paths(tracks: pd.DataFrame) -> Iterator[np.ndarray]:
    """Yield x and y of each cell, (frames, 2); skip tracks of fewer than MIN_PATH frames."""
    for _, track in tracks.groupby("cell"):
        if len(track) >= MIN_PATH:
            yield track[["x", "y"]].to_numpy(float)
