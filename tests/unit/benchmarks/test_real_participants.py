"""The benchmark reads participants in both layouts, and its errors are those of others' labels."""

import numpy as np
import pandas as pd
import pytest
from real_participants import (
    find_tracks,
    measure_once,
    predict_held_out,
    read_participant,
    read_percentages,
    show_errors,
)

from motilens.core.labels import LABELS, MOTILITY
from support.errors import assert_refused
from support.tracks import straight_track

PERCENTAGES = {"11": (10.5, 20.0, 69.5), "13": (40.0, 30.0, 30.0), "14": (70.0, 20.0, 10.0)}
SPEEDS = {"11": 0.0, "13": 0.5, "14": 1.5}  # pixels/frame


def draw_participant(name, frames=120):
    """Three cells of 49 frames or more, and a shorter one."""
    tracks = [straight_track(SPEEDS[name], frames - 10 * cell, cell) for cell in range(3)]
    return pd.concat([*tracks, straight_track(1, 20, 3)])


def write_tables(folder):
    """Tracks and percentages in one folder."""
    for name in PERCENTAGES:
        tracks = draw_participant(name).rename(columns={"x": "x_px", "y": "y_px"})
        tracks = tracks.rename(columns={"cell": "track_id"}).assign(w_px=10, h_px=10)
        tracks.to_csv(folder / f"tracks_{name}.csv.gz", index=False)
    table = pd.DataFrame(PERCENTAGES, index=MOTILITY).T.rename_axis("participant")
    table.to_csv(folder / "participants.csv")


def write_visem_tracking(folder):
    """VISEM-Tracking as unpacked, with VISEM's table."""
    for name in PERCENTAGES:
        labels = folder / "Train" / name / "labels_ftid"
        labels.mkdir(parents=True)
        for frame, cells in draw_participant(name).groupby("frame"):
            lines = [f"c{c.cell} 0 {c.x / 640} {c.y / 480} 0.02 0.02" for c in cells.itertuples()]
            (labels / f"{name}_frame_{frame}_with_ftid.txt").write_text("\n".join(lines))
    rows = [
        ";".join([name, *(str(value).replace(".", ",") for value in values)])
        for name, values in PERCENTAGES.items()
    ]
    names = ";".join(["ID", *(LABELS[value] for value in MOTILITY)])
    text = "\n".join([names, *rows]) + "\n"
    (folder / "semen_analysis_data_Train.csv").write_text(text, encoding="utf-8-sig")


@pytest.fixture(params=[write_tables, write_visem_tracking])
def participants(request, tmp_path):
    """Tracks and frame rates of one second, and the percentages."""
    request.param(tmp_path)
    found = find_tracks(tmp_path)
    read = {name: read_participant(*found[name], 2.0) for name in found}
    tracks, rates = ({name: pair[k] for name, pair in read.items()} for k in (0, 1))
    return tracks, rates, read_percentages(tmp_path)


def test_both_layouts_are_read(participants):
    tracks, rates, labels = participants
    assert {name: tuple(row) for name, row in labels.T.items()} == PERCENTAGES
    assert rates == dict.fromkeys(PERCENTAGES, 49.0)
    for name, table in tracks.items():
        assert table["cell"].nunique() == 3 and table["frame"].max() == 97
        assert np.diff(table["x"][table["cell"] == 0]) == pytest.approx(SPEEDS[name], abs=1e-3)


def test_each_participant_is_predicted_by_the_others_alone(participants):
    tracks, rates, labels = participants
    methods = ("casa", "msd", "kinematics", "cells", "speed")
    before = predict_held_out(tracks, rates, labels, methods)
    assert before.groupby("method").size().eq(9).all()
    rows = before.set_index(["method", "participant", "value"])["predicted"]
    assert rows["ZeroR", "11", "progressive"] == pytest.approx(55)
    assert rows["casa", "11", "immotile"] == rows["casa_4", "11", "immotile"] == 100
    four = rows[["msd", "kinematics", "cells", "speed"]].groupby(["participant", "value"]).mean()
    assert rows["mean of four"].sort_index().to_numpy() == pytest.approx(four.to_numpy())
    changed = labels.copy()
    changed.loc["11"] = [0, 0, 100]
    after = predict_held_out(tracks, rates, changed, methods)
    of_11 = before["participant"] == "11"
    assert np.array_equal(before["predicted"][of_11], after["predicted"][of_11])
    assert not np.array_equal(before["predicted"], after["predicted"])


def test_differences_are_those_from_zero_r():
    rows = [
        {"method": method, "participant": name, "sample": name, "value": value, "true": 50.0,
         "predicted": 50.0 + error}
        for method, error in {"ZeroR": 10, "better": 6}.items()
        for name in "abc" for value in MOTILITY
    ]  # fmt: skip
    table = pd.DataFrame(rows).assign(target="motility", fold=0, seed=0, stack=0)
    [_, zero_r, better] = show_errors(table).splitlines()
    assert zero_r.split()[:2] == ["ZeroR", "10.00"]
    assert better.split()[:2] == ["better", "6.00"] and "0.60    -4.00" in better


def test_tracks_are_measured_once():
    calls = []
    measure = measure_once(lambda tracks, rate: calls.append(rate) or rate)
    tracks = draw_participant("11")
    assert [measure(tracks, 1), measure(tracks, 1), measure(tracks, 2)] == [1, 1, 2]
    assert calls == [1, 2] and measure(tracks.copy(), 1) == 1 and len(calls) == 3


@pytest.mark.parametrize("text, message", [
    (None, "holds none of participants.csv, semen_analysis_data"),
    ("a,b\n1,2\n", "participants.csv: cannot be read"),
    ("participant,progressive,nonprogressive,immotile\n1,a,2,3\n", "cannot be read .*'a'"),
])  # fmt: skip
def test_a_table_that_cannot_be_read_is_refused(tmp_path, text, message):
    if text:
        (tmp_path / "participants.csv").write_text(text)
    assert_refused(message, read_percentages, tmp_path)
