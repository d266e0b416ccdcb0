"""The cells of a tracked video as a table for people: measures with units, WHO's categories."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from motilens.core.labels import HEAD_MICRONS
from motilens.motility.kinematics import (
    MIN_BEAT_RATE,
    MIN_BEAT_SECONDS,
    MIN_SECONDS,
    classify_cells,
    measure_cells,
)
from motilens.tracking.tracker import TrackedVideo

CLASSES = ("rapid_progressive", "slow_progressive", "nonprogressive", "immotile")
SPEEDS = ["vcl", "vsl", "vap"]
LENGTHS = [*SPEEDS, "alh", "progression"]  # lengths, or lengths per second
MIN_RATE = 12.0  # frames/s; a fast cell swims two head lengths from one frame to the next
RATIOS = ["lin", "str", "wob"]
COLUMNS = [
    "cell", "frames", "first_frame", "seconds", "class", "unit", *SPEEDS, *RATIOS,
    "alh", "bcf", "progression", *(f"{name}_heads" for name in LENGTHS),
]  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """How long a pixel's height is (µm), and whether that was given or follows from the heads."""

    microns_per_pixel: float
    source: str  # "given", "assumed", or "unknown" where no head was measured


def find_scale(tracked: TrackedVideo, microns_per_pixel: float | None) -> Scale:
    """Return the given scale, or the one by which a typical head is HEAD_MICRONS long."""
    if microns_per_pixel:
        return Scale(microns_per_pixel, "given")
    if not tracked.head_length > 0:  # 0 or NaN: nothing was found
        return Scale(math.nan, "unknown")
    return Scale(HEAD_MICRONS / tracked.head_length, "assumed")


def tabulate_cells(tracked: TrackedVideo, scale: Scale) -> pd.DataFrame:
    """Return a row for each cell, with COLUMNS.

    Lengths are in `unit`: "um" where the scale is given, else "pixel" (its height); times in
    seconds. Columns that end in _heads are in head lengths. An immotile cell has no ALH and BCF:
    they would be those of noise.
    """
    cells = measure_cells(
        tracked.tracks, tracked.frame_rate, tracked.head_length, tracked.drift, tracked.pixel_aspect
    )
    cells["class"] = classify_cells(cells, scale.microns_per_pixel)
    cells.loc[cells["class"] == "immotile", ["alh", "bcf"]] = np.nan
    for name in LENGTHS:
        cells[f"{name}_heads"] = cells[name] / tracked.head_length
        if scale.source == "given":
            cells[name] *= scale.microns_per_pixel
    cells["unit"] = "um" if scale.source == "given" else "pixel"
    return cells[COLUMNS]


def count_classes(cells: pd.DataFrame) -> dict[str, int]:
    """Return the number of cells of each category, and of those that have none."""
    counts = {name: int((cells["class"] == name).sum()) for name in CLASSES}
    return counts | {"unclassified": len(cells) - sum(counts.values())}


def explain_gaps(tracked: TrackedVideo, cells: pd.DataFrame, scale: Scale) -> list[str]:
    """Return a sentence for each reason why values are missing or rest on an assumption."""
    seconds = tracked.frames / tracked.frame_rate
    if cells.empty:
        return [f"no cell was found in {tracked.frames} frames ({seconds:.2g} s)"]
    lines, rate = [], tracked.frame_rate
    if scale.source == "assumed":
        lines.append(
            f"no scale is known: categories take a head ({tracked.head_length:.3g} pixels) for "
            f"{HEAD_MICRONS:g} µm long; give --microns-per-pixel (MICRONS_PER_PIXEL with make)"
        )
    if short := int(cells["class"].isna().sum()):
        lines.append(
            f"{short} of {len(cells)} cells were seen for less than {MIN_SECONDS:g} s: they have "
            "no speed and no category"
        )
    if rate < MIN_RATE:
        lines.append(f"{rate:.3g} frames/s are too few to follow cells: do not trust these tracks")
    if rate < MIN_BEAT_RATE:
        lines.append(
            f"{rate:.3g} frames/s are too few to see heads swing: no ALH and BCF (they need "
            f"{MIN_BEAT_RATE:g} frames/s)"
        )
    elif brief := int(cells["seconds"].between(MIN_SECONDS, MIN_BEAT_SECONDS, "left").sum()):
        lines.append(
            f"{brief} of {len(cells)} cells were seen for less than {MIN_BEAT_SECONDS:g} s: they "
            "have no ALH and BCF"
        )
    return lines
