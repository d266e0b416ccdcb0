"""Compare the movement of simulated cells with hand-made tracks, and print what it is drawn from.

    .venv/bin/python benchmarks/movement.py FOLDER [--figure docs/images/simulated_movement.png]

FOLDER holds `tracks_<participant>.csv.gz` of VISEM-Tracking (frame, track_id, class, x_px, y_px;
class 0 is a sperm). Boxes lie on half pixels, so both kinds of tracks are put on half pixels and
averaged over 5 frames; kinematics are of pieces of one second, and the median of a cell's pieces
counts. Constants of `simulation/swimming.py` are those with which the printed numbers agree.
"""

import argparse
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage, signal

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.motility.kinematics import compute_kinematics
from motilens.reports.style import (
    COLORS,
    LINE_STYLES,
    add_letters,
    journal_style,
    make_grid,
    save_figure,
)
from motilens.simulation.conditions import Conditions
from motilens.simulation.recording import Recording

RATE = 49.0  # frames/s, as nearly all videos of VISEM-Tracking
PIECE = 60  # frames: a second, and what averaging takes at the ends
MOVING = 10.0  # px/s of VAP, about 5 µm/s
SCENES = "debris", "defocused", "dense", "clean"
LABELS = {"vcl": "VCL (px/s)", "vsl": "VSL (px/s)", "vap": "VAP (px/s)", "lin": "LIN"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--participants", type=int, default=40, help="simulated ones")
    arguments = parser.parse_args()
    hand_made = pd.concat([
        measure_tracks(read_tracks(path), re.search(r"\d+", path.name)[0])
        for path in sorted(arguments.folder.glob("tracks_*.csv.gz"))
    ])  # fmt: skip
    simulated = pd.concat([
        measure_tracks(simulate_tracks(participant), participant)
        for participant in range(1, arguments.participants + 1)
    ])  # fmt: skip
    both = {"hand-made": hand_made, "simulated": simulated}
    print(pd.DataFrame({name: summarize(cells) for name, cells in both.items()}).round(3))
    if arguments.figure:
        draw_figure(both, arguments.figure)


def read_tracks(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path).query("`class` == 0")
    names = {"track_id": "cell", "x_px": "x", "y_px": "y"}
    return table.rename(columns=names)[["cell", "frame", "x", "y"]].sort_values(["cell", "frame"])


def simulate_tracks(participant: int) -> pd.DataFrame:
    scene = SCENES[participant % len(SCENES)]
    conditions = Conditions(scene, "none", False, rate_factor=20, vignette=0, noise=1)
    tracks = Recording(participant, 0, 300, RATE, conditions).tracks
    tracks = tracks.rename(columns={"track_id": "cell", "x_px": "x", "y_px": "y"})
    tracks[["x", "y"]] = np.rint(2 * tracks[["x", "y"]]) / 2
    return tracks[["cell", "frame", "x", "y"]].sort_values(["cell", "frame"])


def measure_tracks(tracks: pd.DataFrame, participant) -> pd.DataFrame:
    """Return vcl, vsl, vap, lin, turn, sway, beat of each cell: medians of its pieces."""
    rows = []
    for cell, track in tracks.groupby("cell"):
        gaps = np.flatnonzero(np.diff(track["frame"]) != 1) + 1
        for run in np.split(track[["x", "y"]].to_numpy(float), gaps):
            for start in range(0, len(run) - PIECE, PIECE):
                rows.append({"cell": cell} | measure_piece(run[start : start + PIECE]))
    cells = pd.DataFrame(rows).groupby("cell").median() if rows else pd.DataFrame()
    return cells.assign(participant=str(participant))


def measure_piece(path: np.ndarray) -> dict[str, float]:
    raw = np.linalg.norm(np.diff(path, axis=0), axis=1).mean() * RATE
    path = ndimage.uniform_filter1d(path, 5, axis=0)[2:-2]
    table = pd.DataFrame({"cell": 0, "frame": range(len(path)), "x": path[:, 0], "y": path[:, 1]})
    values = compute_kinematics(table, RATE).iloc[0][["vcl", "vsl", "vap", "lin"]].to_dict()
    average = ndimage.uniform_filter1d(path, 11, axis=0)[5:-5]
    steps = average[10::10] - average[:-10:10]
    course = np.arctan2(steps[:, 1], steps[:, 0])
    turns = np.abs((np.diff(course) + np.pi) % (2 * np.pi) - np.pi)
    ahead = np.gradient(average, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9
    away = path[5:-5] - average
    side = away[:, 1] * ahead[:, 0] - away[:, 0] * ahead[:, 1]
    frequencies, power = signal.periodogram(side, RATE)
    quick = frequencies > 2.5
    beat = frequencies[quick][power[quick].argmax()]
    speeds = np.linalg.norm(steps, axis=1)
    return values | {
        "turn": turns.mean() * RATE / 10, "sway": side.std() * np.sqrt(2), "beat": beat,
        "raw": raw / max(values["vap"], 1e-9),
        "unsteady": speeds.std() / max(speeds.mean(), 1e-9),
    }  # fmt: skip


def summarize(cells: pd.DataFrame) -> pd.Series:
    moving = cells[cells["vap"] >= MOVING]
    rest = cells[cells["vap"] < MOVING]
    columns = [*LABELS, "turn", "sway", "beat", "unsteady", "raw"]
    quantiles = moving[columns].quantile([0.1, 0.25, 0.5, 0.75, 0.9])
    values = {f"{name} {q:.0%}": quantiles[name][q] for name in quantiles for q in quantiles.index}
    medians = np.log(moving.groupby("participant")["vap"].median())
    values |= {"cells": len(cells), "moving": len(moving) / len(cells)}
    values |= {f"resting vap {q:.0%}": rest["vap"].quantile(q) for q in (0.5, 0.9)}
    return pd.Series(values | {"log of vap, between participants": medians.std()})


@journal_style
def draw_figure(both: dict[str, pd.DataFrame], path: Path) -> None:
    figure, [axes] = make_grid(1, 4, 50, sharey=True)
    for axis, (name, label) in zip(axes, LABELS.items(), strict=True):
        for (kind, cells), color, style in zip(both.items(), COLORS, LINE_STYLES, strict=False):
            values = np.sort(cells.loc[cells["vap"] >= MOVING, name])
            shares = np.linspace(0, 1, len(values))
            legend = f"{kind} (n = {len(values)})"
            axis.plot(values, shares, color=color, linestyle=style, label=legend)
        axis.set(xlabel=label, xlim=(0, 1.02 if name == "lin" else 160), ylim=(0, 1))
    axes[0].set_ylabel("share of moving cells")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    add_letters(axes)
    save_figure(figure, path, dpi=200)


if __name__ == "__main__":
    main()
