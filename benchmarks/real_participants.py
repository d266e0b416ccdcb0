"""Measure how well percentages of motility follow from tracks of real participants.

    .venv/bin/python benchmarks/real_participants.py FOLDER [--figure docs/images/NAME.png]

FOLDER holds VISEM-Tracking as unpacked (`<ID>/labels_ftid/`, with `<ID>/<ID>.mp4`), or
`tracks_<ID>.csv.gz` with videos `*_<ID>.mp4`, and a table of percentages: `participants.csv` or
VISEM's `semen_analysis_data*.csv`. Each participant is predicted by the others; every choice (words
of msd, C, decay) is made among these. With --networks, videos are tracked by NETWORKS/<name of the
video>.pt, fitted without it (train_detector.py FOLDER NETWORKS/NAME.pt --leave-out NAME).
"""

import argparse
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy.stats import norm

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from tracking_truth import read_truth

from motilens.core.errors import InputError
from motilens.core.files import hash_file
from motilens.core.labels import LABELS, MOTILITY
from motilens.evaluation.metrics import MEDIAN, ZERO_R
from motilens.evaluation.statistics import compare_methods, summarize_errors
from motilens.motility import baselines, motility_model
from motilens.motility.kinematics import classify_cells, measure_cells
from motilens.pipeline.config import read_section
from motilens.reports.style import (
    BLACK,
    BLUE,
    COLORS,
    MARKERS,
    ORANGE,
    add_letters,
    journal_style,
    make_grid,
    save_figure,
)
from motilens.tracking.detector import HeadDetector, load_detector
from motilens.tracking.tracker import track_first_seconds
from motilens.tracking.trajectories import TRACK_COLUMNS, fill_gaps
from motilens.video.probe import probe_video

SCALE = 0.5  # µm per pixel of VISEM, 0.45 to 0.5; no calibration
UNKNOWN_VIDEO = SimpleNamespace(frame_rate=49.0, width=640, height=480)  # of tracks without one
HEAD_LENGTH = 10.0  # pixels; speeds do not depend on it
MIN_TRACK_SECONDS = 1.0
BASELINES = "casa", "msd", "kinematics", "cells", "speed"
MEMBERS, ENSEMBLE = ("msd", "kinematics", "cells", "speed"), "mean of four"  # all that learn
BEST = "speed"  # its choice: docs/explanation/study.md
POWER = norm.ppf(0.975) + norm.ppf(0.8)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, nargs="+", default=[10, 30])
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--networks", type=Path)
    arguments = parser.parse_args()
    labels, paths = read_percentages(arguments.folder), find_tracks(arguments.folder)
    labels = labels.loc[[name for name in labels.index if name in paths]]
    print(f"{len(labels)} participants: {', '.join(labels.index)}")
    print(labels.agg(["mean", "std", "min", "max"]).round(1))
    tables, inputs = {}, {}
    for seconds in arguments.seconds:
        read = {name: read_participant(*paths[name], seconds) for name in labels.index}
        inputs[seconds] = [{name: pair[k] for name, pair in read.items()} for k in (0, 1)]
        tables[seconds] = predict_held_out(*inputs[seconds], labels)
        print(f"\n{seconds:g} s, hand-made tracks\n{show_errors(tables[seconds])}")
        print(describe_power(tables[seconds]), flush=True)
    if arguments.figure:
        draw_figure(tables, arguments.figure)
    videos = {name: paths[name][1] for name in labels.index if paths[name][1]}
    for seconds, known in inputs.items() if arguments.networks else ():
        for name, video in videos.items():
            network = load_network(video, arguments.networks)
            rows = compare_with_own_tracks(name, video, network, *known, labels, seconds)
            print(
                f"\n{seconds:g} s, {BEST} by a tracker that had not seen the video\n{rows}",
                flush=True,
            )


def measure_once(function):
    """Return a function of tracks that remembers what it returned for the same table."""
    known = {}

    def remembering(tracks, *others):
        key = id(tracks), *others
        if key not in known:
            known[key] = tracks, function(tracks, *others)  # while it is kept, its id is its own
        return known[key][1]

    return remembering


# Otherwise, the tracks of all participants would be measured again for each of them.
baselines.compute_kinematics = measure_once(baselines.compute_kinematics)
msd = baselines.log_mean_squared_displacements
baselines.log_mean_squared_displacements = measure_once(msd)
motility_model.measure_cells = measure_once(motility_model.measure_cells)


def read_percentages(folder: Path) -> pd.DataFrame:
    """Return the percentages of motility by participant.

    Raises:
        InputError: there is no table, or it cannot be read.
    """
    names = ["participants.csv", "semen_analysis_data*.csv"]
    tables = [path for name in names for path in sorted(folder.rglob(name))]
    if not tables:
        raise InputError(f"{folder}: holds none of {', '.join(names)}: put one beside the tracks")
    try:
        table = pd.read_csv(tables[0], sep=None, engine="python", dtype=str, encoding="utf-8-sig")
        table = table.rename(columns={"ID": "participant"} | {v: k for k, v in LABELS.items()})
        table = table.set_index(table["participant"].str.strip())[[*MOTILITY]]
        return table.apply(lambda column: column.str.replace(",", ".").astype(float))
    except (OSError, KeyError, ValueError, AttributeError) as error:
        raise InputError(
            f"{tables[0]}: cannot be read ({error}): write a column participant (or ID), and "
            f"{', '.join(MOTILITY)} or VISEM's names of these"
        ) from error


def find_tracks(folder: Path) -> dict[str, tuple[Path, Path | None]]:
    """Return the hand-made tracks of each participant, and his video, if there is one."""
    found = {}
    for path in sorted([*folder.rglob("tracks_*.csv.gz"), *folder.rglob("labels_ftid")]):
        name = path.parent.name if path.is_dir() else re.search(r"_(.*)\.csv", path.name)[1]
        videos = [*path.parent.glob(f"{name}.mp4"), *path.parent.glob(f"*_{name}.mp4")]
        found[name] = path, videos[0] if videos else None
    return found


def read_participant(path: Path, video: Path | None, seconds: float) -> tuple[pd.DataFrame, float]:
    """Return the tracks of the first seconds, as baselines see them, and the frame rate."""
    info = probe_video(str(video)) if video else UNKNOWN_VIDEO
    rate = info.frame_rate
    truth, _ = read_truth(path, info)
    tracks = truth.loc[truth["frame"] < seconds * rate, TRACK_COLUMNS]
    tracks = fill_gaps(tracks.astype({"frame": int}).sort_values(["cell", "frame"]))
    lengths = tracks.groupby("cell")["frame"].transform("size")
    return fill_gaps(tracks[lengths >= MIN_TRACK_SECONDS * rate]), rate


def predict_held_out(
    tracks: dict, rates: dict, labels: pd.DataFrame, methods: tuple[str, ...] = BASELINES
) -> pd.DataFrame:
    """Return predictions of each participant by the others, as `to_long_table` has them."""
    parts = []
    for name in labels.index:
        known = labels.drop(name)
        predicted = {ZERO_R: known.mean(), MEDIAN: known.median()}
        if "casa" in methods:
            predicted["casa_4"] = count_who_classes(tracks[name], rates[name])
        for method in methods:
            predicted[method] = predict_one(method, known, tracks, tracks[name], name, rates)
        if {*MEMBERS} <= {*methods}:
            predicted[ENSEMBLE] = sum(predicted[method] for method in MEMBERS) / len(MEMBERS)
        for method, values in predicted.items():
            rows = {"value": MOTILITY, "true": labels.loc[name], "predicted": values[[*MOTILITY]]}
            parts.append(pd.DataFrame(rows).assign(method=method, participant=name, sample=name))
    return pd.concat(parts, ignore_index=True).assign(target="motility", fold=0, seed=0, stack=0)


def predict_one(method, known, tracks, new, name, rates) -> pd.Series:
    """Predict one participant from tracks (cell, frame, x, y) by the known ones."""
    scales = dict.fromkeys(tracks, SCALE)
    training = {other: tracks[other] for other in known.index}
    known = known.assign(participant=known.index)
    predicted, _ = baselines.predict_baseline(
        method, known, training, {name: new}, rates, scales, seed=0
    )
    return pd.Series(predicted[0], index=MOTILITY)


def count_who_classes(tracks: pd.DataFrame, rate: float) -> pd.Series:
    """Return shares of time by WHO's four classes; rapid and slow ones are both progressive."""
    cells = measure_cells(tracks, rate, HEAD_LENGTH)
    kinds = classify_cells(cells, SCALE).replace(regex={".*_progressive": "progressive"})
    seconds = cells.groupby(kinds)["seconds"].sum().reindex(MOTILITY, fill_value=0)
    return 100 * seconds / seconds.sum()


def show_errors(table: pd.DataFrame) -> str:
    """Return the errors of each method, with its difference from ZeroR."""
    errors = summarize_errors(table).query("level == 'participant'")
    errors = errors.pivot(index="method", columns="value", values="mae")[["all", *MOTILITY]]
    intervals = summarize_errors(table).query("level == 'participant' and value == 'all'")
    lines = [f"{'method':14}{'error':>7}{'95 %':>15}" + "".join(f"{v:>15}" for v in MOTILITY)]
    lines[0] += f"{'/ ZeroR':>9}{'- ZeroR':>9}{'95 %':>15}{'p':>8}"
    for row in intervals.itertuples():
        values = "".join(f"{error:15.1f}" for error in errors.loc[row.method, [*MOTILITY]])
        line = f"{row.method:14}{row.mae:7.2f}{show_interval(row.mae_low, row.mae_high)}{values}"
        if row.method != ZERO_R:
            pair = table[table["method"].isin([ZERO_R, row.method])]
            pair = pair.sort_values("method", key=lambda names: names == ZERO_R, kind="stable")
            [difference] = compare_methods(pair).itertuples()
            line += f"{row.mae / errors.loc[ZERO_R, 'all']:9.2f}{difference.difference:9.2f}"
            line += f"{show_interval(difference.low, difference.high)}{difference.p:8.3f}"
        lines.append(line)
    return "\n".join(lines)


def describe_power(table: pd.DataFrame) -> str:
    """Return of how many participants the difference of BEST from ZeroR could be established."""
    errors = (table["predicted"] - table["true"]).abs()
    errors = errors.groupby([table["method"], table["participant"]]).mean()
    difference = errors[BEST] - errors[ZERO_R]
    # Two-sided test at 5 %, of a power of 80 %.
    needed = (POWER * difference.std() / difference.mean()) ** 2
    return (
        f"{BEST} - {ZERO_R} varies by {difference.std():.1f} between participants (standard "
        f"deviation): about {needed:.0f} would be needed to establish {difference.mean():.2f}"
    )


def show_interval(low: float, high: float) -> str:
    return f"{f'[{low:.2f}, {high:.2f}]':>15}"


def load_network(video: Path, networks: Path) -> HeadDetector:
    """Return the network that was fitted without a video (InputError: there is none)."""
    weights = networks / f"{video.stem}.pt"
    if not weights.exists():
        raise InputError(f"{weights} is missing: train_detector.py writes it with --leave-out")
    return load_detector(weights, hash_file(weights))


def compare_with_own_tracks(
    name: str,
    video: Path,
    network: HeadDetector,
    tracks: dict,
    rates: dict,
    labels: pd.DataFrame,
    seconds: float,
) -> str:
    """Return predictions from hand-made and from the tracker's tracks of the same seconds."""
    seconds = min(seconds, probe_video(str(video)).frames / rates[name])
    wanted = {"min_track_duration": MIN_TRACK_SECONDS, "duration": seconds}
    settings = read_section("tracking") | wanted
    own = track_first_seconds(str(video), settings, detector=network)[0]
    hand_made = tracks[name][tracks[name]["frame"] < seconds * rates[name]]
    rows, true = [], labels.loc[name]
    for kind, new in {"hand-made": hand_made, "tracker": own}.items():
        predicted = predict_one(BEST, labels.drop(name), tracks, new, name, rates)
        known = {"participant": name, "tracks": kind, "cells": new["cell"].nunique()}
        rows.append(known | dict(predicted) | {"error": (predicted - true).abs().mean()})
    rows.append({"participant": name, "tracks": "laboratory"} | dict(true))
    return pd.DataFrame(rows).round(1).to_string(index=False, na_rep="")


@journal_style
def draw_figure(tables: dict[float, pd.DataFrame], path: Path) -> None:
    figure, [[left, right]] = make_grid(1, 2, 78, width_ratios=[1.15, 1])
    for number, (seconds, table) in enumerate(tables.items()):
        rows = summarize_errors(table).query("level == 'participant' and value == 'all'")
        places = np.arange(len(rows)) + 0.3 * number
        ends = [rows["mae"] - rows["mae_low"], rows["mae_high"] - rows["mae"]]
        look = {"fmt": MARKERS[number], "color": COLORS[number], "label": f"first {seconds:g} s"}
        left.errorbar(rows["mae"], places, xerr=ends, **look)
        left.set_yticks(np.arange(len(rows)), rows["method"])
    zero_r = rows.set_index("method").loc[ZERO_R, "mae"]
    left.axvline(zero_r, color="gray", linestyle=":")
    left.invert_yaxis()
    count = table["participant"].nunique()
    left.set(xlabel="mean absolute error (percentage points)", xlim=(0, None))
    left.set_title(f"mean, 95 % interval (n = {count} participants)")
    left.legend()
    chosen = table[table["method"] == BEST]
    for value, color, marker in zip(MOTILITY, (BLUE, ORANGE, BLACK), MARKERS, strict=False):
        rows = chosen[chosen["value"] == value]
        right.scatter(rows["predicted"], rows["true"], s=14, c=color, marker=marker, label=value)
    right.axline((0, 0), slope=1, color="gray", linestyle=":")
    right.set(xlabel=f"predicted by {BEST} (%), {seconds:g} s", ylabel="laboratory (%)")
    right.set(xlim=(0, 100), ylim=(0, 100), aspect="equal", title=f"n = {count} participants")
    right.legend()
    add_letters([left, right])
    save_figure(figure, path, dpi=200)


if __name__ == "__main__":
    main()
