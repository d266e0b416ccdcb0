"""Cells are followed where they swim; what is measured of paths is what was put into them."""

import gzip

import numpy as np
import pandas as pd
import pytest

from motilens.core.errors import InputError
from motilens.tracking.baselines import (
    C_GRID,
    FEATURE_EXTRACTORS,
    bag_of_displacement_words,
    kinematics_statistics,
    predict_baseline,
    predict_by_svr,
)
from motilens.tracking.kinematics import (
    LAGS,
    casa_motility,
    compute_kinematics,
    log_mean_squared_displacements,
)
from motilens.tracking.trajectories import (
    _fill_gaps,
    downscale_factor,
    empty_tracks,
    read_tracks,
    track_heads,
)
from motilens.video.encode import encode_video

SETTINGS = {"diameter": 15, "brightness": 0.2, "reach": 9, "memory": 5, "shortest": 20}
RATE = 50.0


def path(xy, cell=0):
    x, y = np.asarray(xy, float).T
    return pd.DataFrame({"cell": cell, "frame": np.arange(len(x)), "x": x, "y": y})


def straight(speed, frames=60, cell=0):
    return path([(speed * k, 0.0) for k in range(frames)], cell)


def film(tmp_path, speeds, frames=40, width=640, height=480, black=(), lit=0):
    """Bright spots on grey that move to the right by so many pixels a frame.

    Some frames are black, but for their upper part.
    """
    y, x = np.mgrid[:height, :width]

    def frame(number):
        picture = np.full((height, width), 90.0)
        for row, speed in enumerate(speeds):
            centre = (100 + speed * number, 60 + 80 * row)
            picture += 150 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 18)
        if number in black:
            picture[lit:] = 0
        return np.repeat(picture.clip(0, 255).astype(np.uint8)[..., None], 3, 2)

    path = str(tmp_path / "film.avi")
    encode_video(path, map(frame, range(frames)), RATE)
    return path


def test_spots_are_followed(tmp_path):
    found, _ = track_heads(film(tmp_path, [0, 1, 2.5]), 30, SETTINGS)
    assert found["cell"].nunique() == 3 and found["frame"].max() == 29
    moved = found.sort_values("frame").groupby("cell")["x"].agg(lambda x: x.iloc[-1] - x.iloc[0])
    assert sorted(moved) == pytest.approx([0, 29, 72.5], abs=0.5)


def test_faint_spots_and_short_paths_are_no_cells(tmp_path):
    path = film(tmp_path, [1], frames=19)
    assert track_heads(path, 19, SETTINGS)[0].empty
    assert track_heads(path, 19, SETTINGS | {"shortest": 19})[0]["cell"].nunique() == 1


@pytest.mark.parametrize("black", [[0], [7], [0, 1, 2], range(40)])
def test_black_frames_hide_no_more_than_themselves(tmp_path, black):
    """A shutter, a flash: trackpy finds no head there, and the first frame shows no bars."""
    found, picture = track_heads(film(tmp_path, [0, 1], black=black), 40, SETTINGS)
    assert found["cell"].nunique() == (2 if len(black) < 40 else 0)
    assert picture.shape == ((480, 640) if len(black) < 40 else (640, 640))


def test_a_first_frame_that_is_partly_black_crops_nothing(tmp_path):
    """Cells below were not looked for."""
    whole, _ = track_heads(film(tmp_path, [0, 1, 2, 1]), 40, SETTINGS)
    dark, _ = track_heads(film(tmp_path, [0, 1, 2, 1], black=[0], lit=100), 40, SETTINGS)
    assert whole["cell"].nunique() == dark["cell"].nunique() == 4


def test_a_video_that_stands_upright(tmp_path):
    path = film(tmp_path, [0, 1], width=240, height=480)
    found, _ = track_heads(path, 30, SETTINGS)
    assert found["cell"].nunique() == 2 and found["x"].max() == pytest.approx(
        129 * 640 / 480, abs=1
    )
    record = {"video_width": 240, "video_height": 480, "video_pixel_aspect": 1.0}
    assert downscale_factor(record) == 0.75


def test_frames_in_which_a_cell_was_lost_are_filled():
    whole = straight(2)
    holed = whole.drop(index=[5, 6, 20]).drop(columns="cell")
    pd.testing.assert_frame_equal(_fill_gaps(holed), whole.drop(columns="cell"))


def test_heads_too_close_to_be_told_apart_are_told(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (3, 480, 640, 3), np.uint8)
    path = str(tmp_path / "noise.avi")
    encode_video(path, noise, RATE)
    crowded = SETTINGS | {"diameter": 5, "brightness": 0, "reach": 20}
    with pytest.raises(InputError, match="noise.avi: too many heads lie within tracks.reach"):
        track_heads(path, 3, crowded)


def test_a_straight_swimmer():
    [cell] = compute_kinematics(straight(2), RATE).to_dict("records")
    assert (cell["vcl"], cell["vap"], cell["vsl"]) == pytest.approx((100, 100, 100))
    assert (cell["lin"], cell["str"], cell["amplitude"]) == pytest.approx((1, 1, 0))
    assert cell["frames"] == 60


def test_a_head_that_sways_and_one_that_circles():
    k = np.arange(111)
    swaying = path(np.stack([k, 2 * np.sin(2 * np.pi * k / 11)], 1))
    [cell] = compute_kinematics(swaying, RATE).to_dict("records")
    assert cell["vsl"] == pytest.approx(50, rel=0.01) == cell["vap"]  # a beat is averaged away
    assert cell["vcl"] > 1.2 * cell["vap"] and cell["amplitude"] == pytest.approx(1.27, rel=0.03)
    turn = 2 * np.pi * k / 100
    circling = path(30 * np.stack([np.cos(turn), np.sin(turn)], 1))
    [cell] = compute_kinematics(circling, RATE).to_dict("records")
    assert cell["vcl"] == pytest.approx(2 * np.pi * 30 / 2, rel=0.01) and cell["str"] < 0.05


def test_displacements_grow_with_the_square_of_time_for_a_swimmer_and_not_for_noise():
    swimmer = log_mean_squared_displacements(straight(2))[0]
    assert swimmer == pytest.approx(np.log((2 * LAGS) ** 2 + 1e-3), abs=1e-6)
    noise = log_mean_squared_displacements(path(np.random.default_rng(0).normal(size=(500, 2))))[0]
    assert noise[-1] == pytest.approx(noise[0], abs=0.2)


def test_cells_are_counted_by_whos_cut_offs():
    """At half a micrometre a pixel: 50, 5, and 1 µm/s; twice as long in sight counts twice."""
    cells = compute_kinematics(
        pd.concat([straight(2, 120), straight(0.2, 60, 1), straight(0.04, 60, 2)]), RATE
    )
    found = casa_motility(cells, 0.5)
    assert found == pytest.approx({"progressive": 75, "nonprogressive": 0, "immotile": 25})
    turn = 2 * np.pi * np.arange(60) / 30
    circling = path(3 * np.stack([np.cos(turn), np.sin(turn)], 1))
    found = casa_motility(compute_kinematics(circling, RATE), 0.5)
    assert found == {"progressive": 0, "nonprogressive": 100, "immotile": 0}


def test_without_cells_nothing_is_counted():
    none = empty_tracks()
    assert compute_kinematics(none, RATE).empty and log_mean_squared_displacements(none).shape == (
        0,
        25,
    )
    assert np.isnan(casa_motility(compute_kinematics(none, RATE), 0.5)["immotile"])


def test_a_damaged_file_of_tracks_is_named(tmp_path):
    (tmp_path / "1.csv.gz").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="1.csv.gz cannot be read"):
        read_tracks(str(tmp_path / "1.csv.gz"))


def population(draw, fast):
    """Twenty cells, this share of them fast."""
    speeds = np.where(np.arange(20) < 20 * fast, 2.0, 0.1) * draw.uniform(0.8, 1.2, 20)
    return pd.concat([straight(speed, 40, cell) for cell, speed in enumerate(speeds)])


@pytest.fixture(scope="module")
def laboratory():
    draw = np.random.default_rng(0)
    fast = draw.uniform(0, 1, 24)
    samples = [population(draw, share) for share in fast]
    labels = np.stack([100 * fast, 100 - 100 * fast], 1)
    return samples, labels, [str(number // 2) for number in range(24)]


RATES = {str(number): RATE for number in range(24)}


def cells(samples, first=0):
    """By sample, as steps have them."""
    return {str(number): one for number, one in enumerate(samples, first)}


@pytest.mark.parametrize("kind", ["msd", "kinematics"])
def test_shares_of_cells_are_learned(laboratory, kind):
    samples, labels, participants = laboratory
    left, right = cells(samples[:18]), cells(samples[18:], 18)
    seen, unseen = FEATURE_EXTRACTORS[kind](left, right, RATES, 0)
    if kind == "msd":
        assert seen.sum(1) == pytest.approx(1)
    predicted, strength = predict_by_svr(seen, labels[:18], participants[:18], unseen)
    assert np.abs(predicted - labels[18:]).mean() < 8 < np.abs(labels[18:] - 50).mean()
    assert strength in C_GRID and predicted.min() >= 0 and predicted.max() <= 100
    # What is not seen changes nothing that was learned.
    alone = FEATURE_EXTRACTORS[kind](left, cells(samples[18:19], 18), RATES, 0)
    assert np.array_equal(alone[0], seen) and np.array_equal(alone[1], unseen[:1])


def test_shuffled_labels_teach_nothing(laboratory):
    samples, labels, participants = laboratory
    seen, unseen = kinematics_statistics(cells(samples[:18]), cells(samples[18:], 18), RATES, 0)
    shuffled = np.random.default_rng(1).permutation(labels[:18])
    predicted, _ = predict_by_svr(seen, shuffled, participants[:18], unseen)
    zero_r = np.abs(labels[18:] - labels[:18].mean(0)).mean()
    assert np.abs(predicted - labels[18:]).mean() > 0.8 * zero_r


def test_a_sample_without_cells_has_an_answer(laboratory):
    samples, labels, participants = laboratory
    left, none = cells(samples[:18]), cells([empty_tracks()], 18)
    seen, unseen = bag_of_displacement_words(left, none, RATES, 0)
    assert not unseen.any()
    predicted, _ = predict_by_svr(seen, labels[:18], participants[:18], unseen)
    assert np.isfinite(predicted).all()
    assert np.isfinite(kinematics_statistics(left, none, RATES, 0)[1]).all()


@pytest.mark.parametrize("method", ["msd", "kinematics", "cells", "casa"])
def test_without_any_cell_the_answer_is_zero_r(method):
    answers = {"progressive": [10.0, 30.0], "immotile": [0.0, 8.0]}
    labels = pd.DataFrame({"participant": ["a", "b"]} | answers)
    seen, unseen = dict.fromkeys("ab", empty_tracks()), {"c": empty_tracks()}
    rates = dict.fromkeys("abc", RATE)
    predicted, _ = predict_baseline(method, labels, seen, unseen, rates, {"c": 1.0}, 0)
    assert predicted.tolist() == [[20, 4]]


def test_a_file_of_tracks_that_was_damaged_is_named(tmp_path):
    path = tmp_path / "1.csv.gz"
    for place in ("nan", "here", "inf"):
        path.write_bytes(gzip.compress(f"cell,frame,x,y\n0,0,{place},2.00\n".encode()))
        with pytest.raises(InputError, match="1.csv.gz cannot be read .* delete it"):
            read_tracks(str(path))
    whole = gzip.compress(straight(2).to_csv(index=False).encode())
    for place in range(10, len(whole) - 8):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        with pytest.raises(InputError, match="1.csv.gz cannot be read"):
            read_tracks(str(path))
