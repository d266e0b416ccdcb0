"""Heads are tracked where they swim, and their movements are measured."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest

from motilens.motility import kinematics
from motilens.tracking import trajectories
from motilens.tracking.blobs import track_blobs
from motilens.tracking.tracker import explain_no_tracks, track_first_seconds
from motilens.tracking.trajectories import count_first_frames, read_tracks
from motilens.video.encode import encode_video
from motilens.video.ffmpeg import DamagedVideo
from support.errors import assert_refused
from support.tracks import FRAME_RATE, make_track, straight_track

SETTINGS = {
    "detector": "blobs", "diameter": 15, "min_mass_fraction": 0.2, "search_range": 9, "memory": 5,
    "min_track_duration": 0.4,
}  # fmt: skip


def make_video(tmp_path, speeds, frames, width=640, height=480, black=(), lit=0):
    """Bright spots on gray that move to the right; some frames are `black` below the row `lit`."""
    y, x = np.mgrid[:height, :width]

    def draw(number):
        image = np.full((height, width), 90.0)
        for row, speed in enumerate(speeds):
            center = (100 + speed * number, 60 + 80 * row)
            image += 150 * np.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / 18)
        if number in black:
            image[lit:] = 0
        return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, 2)

    path = str(tmp_path / "video.avi")
    encode_video(path, map(draw, range(frames)), FRAME_RATE)
    return path


@pytest.mark.slow
def test_spots_are_tracked(tmp_path, caplog):
    caplog.set_level("INFO", "motilens")
    tracks, _ = track_blobs(make_video(tmp_path, [0, 1, 2.5], frames=51), 50, 20, SETTINGS)
    assert tracks["cell"].nunique() == 3 and tracks["frame"].max() == 49
    moved = tracks.sort_values("frame").groupby("cell")["x"].agg(lambda x: x.iloc[-1] - x.iloc[0])
    assert sorted(moved) == pytest.approx([0, 49, 122.5], abs=0.5)
    assert caplog.messages == ["50 of 50 frames"]


def test_short_tracks_are_no_cells_and_the_reason_is_explained(tmp_path):
    path = make_video(tmp_path, [1], frames=20)
    assert track_blobs(path, 19, 20, SETTINGS)[0].empty
    settings = SETTINGS | {"min_track_duration": 0.5, "duration": 0.5}
    tracks, _, quality, _ = track_first_seconds(path, settings, frame_rate=38)
    assert quality == {}
    assert tracks["cell"].nunique() == 1 and tracks["frame"].max() == 18
    path = make_video(tmp_path, [], frames=60, width=64, height=48)
    counts = [count_first_frames(path, seconds) for seconds in (0.001, 1, 9)]
    assert counts == [1, 50, 60]
    assert count_first_frames(path, 1, frame_rate=25) == 25, "it is known better than by the file"
    path = make_video(tmp_path, [1], frames=1)
    assert_refused("does not say when its frames were taken: give", count_first_frames, path, 1)
    assert count_first_frames(path, 1, frame_rate=25) == 1
    settings = SETTINGS | {"duration": 0.5}
    reason = (
        "too short to track cells: a track has 20 frames or more .*, and there are 19 frames in"
    )
    assert re.match(reason, explain_no_tracks(19, 50, settings))
    assert explain_no_tracks(25, 50, settings).startswith("no cell is seen in 20 frames")


@pytest.mark.parametrize("black", [[0], [7], [0, 1, 2], range(24)])
def test_black_frames_hide_no_more_than_themselves(tmp_path, black):
    """A shutter, a flash: no head is detected there, and the padding is still known."""
    path = make_video(tmp_path, [0, 1], 24, black=black)
    tracks, first = track_blobs(path, 24, 20, SETTINGS)
    assert tracks["cell"].nunique() == (2 if len(black) < 24 else 0)
    assert first.shape == ((480, 640) if len(black) < 24 else (640, 640))


@pytest.mark.slow
def test_a_first_frame_that_is_partly_black_crops_nothing(tmp_path):
    for dark in ({}, {"black": [0], "lit": 100}):
        tracks, _ = track_blobs(make_video(tmp_path, [0, 1, 2, 1], 24, **dark), 24, 20, SETTINGS)
        assert tracks["cell"].nunique() == 4


def test_an_upright_video_is_tracked_at_the_same_scale(tmp_path):
    path = make_video(tmp_path, [0, 1], 30, width=240, height=480)
    tracks, _ = track_blobs(path, 30, 20, SETTINGS)
    assert tracks["cell"].nunique() == 2
    assert tracks["x"].max() == pytest.approx(129 * 640 / 480, abs=1)
    record = {"video_width": 240, "video_height": 480, "video_pixel_aspect": 1.0}
    assert trajectories.downscale_factor(record) == 0.75


def test_frames_in_which_a_cell_was_lost_are_interpolated():
    track = straight_track(2)
    filled = trajectories.fill_gaps(track.drop(index=[5, 6, 20]).assign(cell=7))
    pd.testing.assert_frame_equal(filled, track, check_dtype=False)


def test_heads_too_close_to_be_distinguished_are_reported(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (3, 480, 640, 3), np.uint8)
    path = str(tmp_path / "noise.avi")
    encode_video(path, noise, FRAME_RATE)
    crowded = SETTINGS | {"diameter": 5, "min_mass_fraction": 0, "search_range": 20}
    with pytest.raises(DamagedVideo, match="noise.avi: too many heads are within tracking.search_"):
        track_blobs(path, 3, 20, crowded)


def test_tracks_that_are_damaged_or_no_numbers_are_refused(tmp_path):
    path = tmp_path / "1.csv.gz"
    content = gzip.compress(straight_track(2).to_csv(index=False).encode())
    damaged = [b"not compressed"]
    for place in range(10, len(content) - 8):
        damaged.append(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
    for x in ("nan", "here", "inf"):
        damaged.append(gzip.compress(f"cell,frame,x,y\n0,0,{x},2.00\n".encode()))
    for data in damaged:
        path.write_bytes(data)
        assert_refused("1.csv.gz cannot be read .* delete it", read_tracks, str(path))


def measure(track):
    [cell] = kinematics.compute_kinematics(track, FRAME_RATE).to_dict("records")
    return cell


def circling_track(radius, period, frames):
    angle = 2 * np.pi * np.arange(frames) / period
    return make_track(radius * np.stack([np.cos(angle), np.sin(angle)], 1))


def test_straight_swaying_and_circling_heads_have_their_speeds():
    cell = measure(straight_track(2))
    assert (cell["vcl"], cell["vap"], cell["vsl"]) == pytest.approx((100, 100, 100))
    assert (cell["lin"], cell["str"], cell["amplitude"]) == pytest.approx((1, 1, 0))
    assert cell["frames"] == 60
    k = np.arange(111)
    swaying = make_track(np.stack([k, 2 * np.sin(2 * np.pi * k / 11)], 1))
    cell = measure(swaying)
    assert cell["vsl"] == pytest.approx(50, rel=0.01) == cell["vap"]  # a beat is averaged away
    assert cell["vcl"] > 1.2 * cell["vap"] and cell["amplitude"] == pytest.approx(1.27, rel=0.03)
    cell = measure(circling_track(30, 100, 111))
    assert cell["vcl"] == pytest.approx(2 * np.pi * 30 / 2, rel=0.01) and cell["str"] < 0.05


def test_displacements_grow_with_the_square_of_time_for_a_swimmer_alone():
    swimmer = kinematics.log_mean_squared_displacements(straight_track(2))[0]
    assert swimmer == pytest.approx(np.log((2 * kinematics.LAGS) ** 2 + 1e-3), abs=1e-6)
    noise = make_track(np.random.default_rng(0).normal(size=(500, 2)))
    displacements = kinematics.log_mean_squared_displacements(noise)[0]
    assert displacements[-1] == pytest.approx(displacements[0], abs=0.2)
    measured = kinematics.compute_kinematics(trajectories.empty_tracks(), FRAME_RATE)
    assert measured.empty and np.isnan(kinematics.casa_motility(measured, 0.5)["immotile"])
    assert kinematics.log_mean_squared_displacements(trajectories.empty_tracks()).shape == (0, 25)


@pytest.mark.parametrize("frames", [1, 11, 12, 13, 24, 25, 26])
def test_a_path_is_measured_by_all_measures_or_by_none(frames):
    track = straight_track(2, frames)
    measured = kinematics.compute_kinematics(track, FRAME_RATE)
    displacements = kinematics.log_mean_squared_displacements(track)
    assert len(measured) == len(displacements) == (frames >= 26)
    assert np.isfinite(displacements).all() and np.isfinite(measured).all(axis=None)


def test_cells_are_classified_by_the_cut_offs_of_who():
    """At half a micrometer a pixel: 50, 5, and 1 µm/s; twice as long in sight counts twice."""
    tracks = [straight_track(2, 120), straight_track(0.2, 60, 1), straight_track(0.04, 60, 2)]
    measured = kinematics.compute_kinematics(pd.concat(tracks), FRAME_RATE)
    motility = kinematics.casa_motility(measured, 0.5)
    assert motility == pytest.approx({"progressive": 75, "nonprogressive": 0, "immotile": 25})
    measured = kinematics.compute_kinematics(circling_track(3, 30, 60), FRAME_RATE)
    motility = kinematics.casa_motility(measured, 0.5)
    assert motility == {"progressive": 0, "nonprogressive": 100, "immotile": 0}
