"""Following single cells: what laboratories' computers have done since the 1980s.

Heads are found and linked by the algorithm of Crocker and Grier (J. Colloid Interface Sci. 179,
1996), in trackpy. Lengths are in pixels of a picture whose longer side has 640, as VISEM's.
"""

import functools
import warnings
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import trackpy

from motilens import InputError, listing
from motilens.decoding import Decoding
from motilens.video import Damaged

WIDTH = 640  # pixels
SMOOTHED = 11  # frames in the mean that makes an average path, about a beat of the tail at 50 Hz
LAGS = np.arange(1, 26)  # frames: up to half a second
WHO_PROGRESSIVE = 5.0  # µm/s, what swims slower is not progressive (WHO manual, 6th edition, 2021)
COLUMNS = ["cell", "frame", "x", "y"]
trackpy.quiet()
# It uses pandas in ways that will end some day, and divides by spots of no mass: not the user's
# business.
warnings.filterwarnings("ignore", category=RuntimeWarning, module="trackpy")
warnings.filterwarnings("ignore", category=DeprecationWarning, module="trackpy")
warnings.filterwarnings("ignore", message="Image is completely black", module="trackpy")


def beginning(
    path: str, settings: dict, rate: float | None = None, tell: Callable[[str], None] = str
) -> tuple[pd.DataFrame, np.ndarray]:
    """Paths in the first seconds of a video.

    Args:
        settings: seconds, and those of `follow`.
        rate: 1/s, if it is known better than by the file.
        tell: told now and then how far it has come.

    Returns, raises: as `follow`.
    """
    return follow(path, frames_of(path, settings["seconds"], rate), settings, tell)


def frames_of(path: str, seconds: float, rate: float | None = None) -> int:
    """How many frames the first seconds of a video have, one at least; `rate` as of `beginning`."""
    found = listing.probe(path)
    return max(1, min(round(seconds * (rate or found.frame_rate)), found.frames))


def why_none(frames: int, settings: dict) -> str:
    """Why no path was found in the first frames of a video, in words.

    Args:
        frames: how many were looked at.
        settings: as of `beginning`.
    """
    seen, shortest = f"{frames} frames in the first {settings['seconds']:g} s", settings["shortest"]
    if frames < shortest:
        return (
            f"too short to follow cells: a path has {shortest} frames or more (tracks.shortest), "
            f"and there are {seen}"
        )
    return f"no cell is seen in {shortest} frames (tracks.shortest) of {seen}"


def follow(
    path: str, frames: int, settings: dict, tell: Callable[[str], None] = str
) -> tuple[pd.DataFrame, np.ndarray]:
    """Paths of bright heads in the first frames of a video.

    Args:
        frames: how many to look at, at most.
        settings: diameter (pixels, odd), brightness (of a head at least, as a share of the
            brightest one's in a frame), reach (pixels from frame to frame), memory (frames that
            it may be lost for), shortest (frames that a path has at least).
        tell: told now and then how far it has come.

    Returns:
        One row a cell and frame: cell (from 0), frame, x, y (pixels, two decimals), ascending;
        frames in which a cell was lost are filled in between. And the first frame, in whose pixels
        they are: uint8 (height, width).

    Raises:
        Damaged: the video cannot be decoded, or heads are too close to be told apart.
    """
    needed, found, picture = np.arange(frames), [], None
    # Of any one frame, part or all may be black.
    lit = functools.reduce(np.maximum, (frame for _, frame in Decoding(path, WIDTH, "pad", needed)))
    inside = _without_bars(lit)
    for number, whole in Decoding(path, WIDTH, "pad", needed):
        frame = whole[inside]
        picture = frame if picture is None else picture
        heads = trackpy.locate(frame, settings["diameter"], max_iterations=3, engine="python")
        if number % 50 == 49:
            tell(f"{number + 1} of {frames} frames")
        found.append(heads.assign(frame=number).astype(float))  # without heads it is no number
    heads = pd.concat(found, ignore_index=True)[["frame", "x", "y", "mass"]]
    if heads.empty:
        return nothing(), picture
    heads["frame"] = heads["frame"].astype(int)
    brightest = heads.groupby("frame")["mass"].max().median()
    heads = heads[heads["mass"] >= settings["brightness"] * brightest]
    try:
        linked = trackpy.link(heads, settings["reach"], memory=settings["memory"])
    except trackpy.SubnetOversizeException as error:
        raise Damaged(
            f"{path}: too many heads lie within tracks.reach of each other to tell their paths "
            "apart: if it shows cells at all, raise tracks.brightness or diameter of the run, or "
            "lower tracks.reach"
        ) from error
    long = linked.groupby("particle")["frame"].transform("size") >= settings["shortest"]
    paths = [_filled(path) for _, path in linked[long].groupby("particle")]
    numbered = [path.assign(cell=number) for number, path in enumerate(paths)]
    made = pd.concat(numbered)[COLUMNS].round({"x": 2, "y": 2}) if numbered else nothing()
    return made, picture


def nothing() -> pd.DataFrame:
    """Tracks of no cell."""
    return pd.DataFrame(columns=COLUMNS, dtype=float)


def _without_bars(lit: np.ndarray) -> tuple[slice, slice]:
    """What of frames is not the bars that make them square: their edges would be found, too.

    Args:
        lit: the brightest that each pixel becomes, (size, size).
    """
    if not lit.any():
        return slice(None), slice(None)
    sides = [np.flatnonzero(lit.any(axis)) for axis in (1, 0)]
    return tuple(slice(side[0], side[-1] + 1) for side in sides)


def _filled(path: pd.DataFrame) -> pd.DataFrame:
    path = path.set_index("frame")[["x", "y"]]
    every = np.arange(path.index.min(), path.index.max() + 1)
    return path.reindex(every).interpolate().rename_axis("frame").reset_index()


def reduction(record: dict) -> float:
    """Pixels of a video in one of ours.

    Args:
        record: of its clips, see docs/formats.md.
    """
    return max(record["video_width"] * record["video_pixel_aspect"], record["video_height"]) / WIDTH


def kinematics(tracks: pd.DataFrame, frame_rate: float) -> pd.DataFrame:
    """What computer-assisted sperm analysis says of each cell (WHO manual, 6th edition).

    Returns:
        One row a cell: frames; vcl, vap, vsl: speed along the path, along the path averaged over
        SMOOTHED frames, and from its beginning to its end (pixels/s); lin = vsl / vcl,
        str = vsl / vap, wob = vap / vcl; amplitude: mean distance between the two paths (pixels).
    """
    rows = []
    for x in _paths(tracks):
        average = np.stack([np.convolve(v, np.ones(SMOOTHED) / SMOOTHED, "valid") for v in x.T], 1)
        inner = x[SMOOTHED // 2 : len(x) - SMOOTHED // 2]
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


def displacements(tracks: pd.DataFrame) -> np.ndarray:
    """Logarithm of each cell's mean squared displacement at LAGS, (cells, lags), pixels²."""
    rows = [[np.square(x[lag:] - x[:-lag]).sum(1).mean() for lag in LAGS] for x in _paths(tracks)]
    return np.log(np.array(rows).reshape(-1, len(LAGS)) + 1e-3)


def counted(cells: pd.DataFrame, microns_per_pixel: float) -> dict[str, float]:
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


def read(path: str) -> pd.DataFrame:
    """Tracks as the step `track_cells` wrote them.

    Raises:
        InputError: the file is damaged.
    """
    try:
        table = pd.read_csv(path)[COLUMNS].astype(float)
        if not np.isfinite(table).all(axis=None):
            raise ValueError("a place is no number")
        return table
    except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from error


def _paths(tracks: pd.DataFrame) -> Iterator[np.ndarray]:
    """Of each cell x and y, (frames, 2); none that is too short to be averaged."""
    for _, path in tracks.groupby("cell"):
        if len(path) > SMOOTHED + 1:
            yield path[["x", "y"]].to_numpy(float)
