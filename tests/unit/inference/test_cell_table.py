"""The table of cells: units, categories, and why values are missing."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from motilens.inference.cell_table import (
    COLUMNS,
    count_classes,
    explain_gaps,
    find_scale,
    tabulate_cells,
)
from motilens.tracking.trajectories import empty_tracks
from support.tracks import make_tracked_video, straight_track

SPEEDS = [2, 1.0, 0.12, 0.0]  # pixels a frame: 50, 25, 3 and 0 µm/s at half a micrometer a pixel


@pytest.fixture
def tracked():
    tracks = [straight_track(speed, 100, cell) for cell, speed in enumerate(SPEEDS)]
    return make_tracked_video(pd.concat([*tracks, straight_track(1, 10, 4)]), head_length=10.0)


def test_lengths_are_in_micrometers_if_the_scale_is_known(tracked):
    scale = find_scale(tracked, 0.5)
    cells = tabulate_cells(tracked, scale)
    assert [*cells] == COLUMNS and set(cells["unit"]) == {"um"}
    assert cells["vcl"][:4].tolist() == pytest.approx([50, 25, 3, 0])
    assert cells["vcl_heads"][:4].tolist() == pytest.approx([10, 5, 0.6, 0])
    names = ["rapid_progressive", "rapid_progressive", "nonprogressive", "immotile", None]
    assert cells["class"].tolist() == names
    assert cells["bcf"].notna().tolist() == [True, True, True, False, False]
    counts = {"rapid_progressive": 2, "slow_progressive": 0, "nonprogressive": 1, "immotile": 1}
    assert count_classes(cells) == counts | {"unclassified": 1}
    [short] = explain_gaps(tracked, cells, scale)
    assert "1 of 5 cells were seen for less than 0.5 s" in short


def test_without_a_scale_lengths_are_in_pixels_and_heads_tell_the_category(tracked):
    scale = find_scale(tracked, None)
    cells = tabulate_cells(tracked, scale)
    assert set(cells["unit"]) == {"pixel"} and cells["vcl"][0] == pytest.approx(100)
    assert scale.microns_per_pixel == pytest.approx(0.62) and scale.source == "assumed"
    assert cells["class"][0] == "rapid_progressive"
    assert "take a head (10 pixels) for 6.2 µm long" in explain_gaps(tracked, cells, scale)[0]


def test_each_reason_for_missing_values_is_named(tracked):
    def explain(**changes):
        other = dataclasses.replace(tracked, **changes)
        scale = find_scale(other, 0.5)
        cells = tabulate_cells(other, scale)
        return explain_gaps(other, cells, scale), cells

    (short, slow), cells = explain(frame_rate=25.0)
    assert "too few to see heads swing" in slow and cells["alh"].isna().all()
    (short, brief), cells = explain(frame_rate=101.0)
    assert "4 of 5 cells were seen for less than 1 s" in brief and cells["vcl"].count() == 4
    [none], cells = explain(tracks=empty_tracks(), frames=3, drift=np.zeros((3, 2)))
    assert none == "no cell was found in 3 frames (0.06 s)"
    assert cells.empty and [*cells] == COLUMNS


def test_too_few_frames_a_second_are_reported():
    tracked = dataclasses.replace(make_tracked_video(straight_track(1, 100)), frame_rate=5.0)
    scale = find_scale(tracked, 0.5)
    first = explain_gaps(tracked, tabulate_cells(tracked, scale), scale)[0]
    assert first == "5 frames/s are too few to follow cells: do not trust these tracks"
