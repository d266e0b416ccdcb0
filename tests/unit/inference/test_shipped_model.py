"""The model that ships: its file, what a video gets by it, and the program without a bundle."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from motilens.core.command_line import run_command_line
from motilens.core.errors import InputError
from motilens.core.records import write_record
from motilens.inference import cli, shipped_model, track_cli
from motilens.inference.domain_shift import (
    TRACKING_FEATURES,
    TRACKING_MARGINS,
    compare_with_ranges,
)
from motilens.inference.track_folder import SUFFIXES
from motilens.tracking.trajectories import empty_tracks
from motilens.video.ffmpeg import DamagedVideo
from support.configs import ROOT
from support.tracks import FRAME_RATE, make_tracked_video, straight_track

SHIPPED = ROOT / "models/visem_tracking.json"
GOOD = {
    "roundness": 0.7,
    "estimated_precision": 0.9,
    "cells": 20,
    "cells_per_frame": 20.0,
    "long_share": 1.0,
    "found_share": 1.0,
    "unrest": 0.02,
    "progress": 5.0,
    "clutter": 0.01,
    "common_motion": 0.0,
    "repeated_share": 0.0,
}


def make_video(cells=20, frames=600, quality=None, **options):
    """A video in which every second cell swims."""
    tracks = [straight_track(2 * (n % 2), frames, n).assign(y=20.0 * n) for n in range(cells)]
    tracks = pd.concat(tracks) if tracks else empty_tracks()
    quality = GOOD | {"cells": cells} | (quality or {})
    return make_tracked_video(tracks, frames, head_length=13.0, quality=quality, **options)


@pytest.fixture
def program(monkeypatch, tmp_path):
    """The program without a bundle, and a tracker that knows videos by their names."""
    outcomes = {}

    def track(path, *_):
        outcome = outcomes.get(os.path.basename(path), make_video())
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(track_cli, "track_video", track)
    monkeypatch.setattr(track_cli, "write_overlay", lambda target, *_: target.write_bytes(b"mp4"))
    frame = np.full((480, 640), 90, np.uint8)
    monkeypatch.setattr(shipped_model.FrameSetup, "read_frames", lambda *_: iter([frame]))
    monkeypatch.setattr(cli, "plot_prediction", lambda *page: page[-1].write_bytes(b"png"))

    def call(*arguments, code=0):
        with pytest.raises(SystemExit) as stop:
            run_command_line(lambda: cli.main(list(map(str, arguments))))
        assert bool(stop.value.code) == bool(code), stop.value.code
        return stop.value.code

    call.outcomes = outcomes
    for name in "ab":
        (tmp_path / f"{name}.avi").write_text(name)
    return call


def read_table(out="predictions"):
    return pd.read_csv(f"{out}/predictions.csv").set_index("video")


def test_the_model_that_ships_is_small_and_its_card_has_its_limits():
    model = shipped_model.load_shipped_model(SHIPPED)
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    card = SHIPPED.with_suffix(".md").read_text(encoding="utf-8")
    assert SHIPPED.stat().st_size < 20_000 and len(content["participants"]) == 14
    assert {"command", "code", "libraries", "motilens", "settings"} <= content.keys()
    for limit in model.held_out_errors["motility"].values():
        assert f"± {limit:.1f}" in card and limit > 10
    assert "CC BY 4.0" in card and "10.1038/s41597-023-02173-4" in card
    assert model.warnings[0].startswith("research use only: fitted on 14 participants of one")
    assert all(line in card for line in model.warnings)


def test_a_file_that_is_no_such_model_is_refused_in_one_line(tmp_path):
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    del content["record_sha256"]
    path = tmp_path / "m.json"

    def read_error(text):
        path.write_text(text)
        with pytest.raises(InputError) as error:
            shipped_model.load_shipped_model(path)
        assert "\n" not in str(error.value) and "git checkout" in str(error.value)
        return str(error.value)

    edited = SHIPPED.read_text(encoding="utf-8").replace(
        '"polarity": "bright"', '"polarity": "dark"'
    )
    assert "m.json was edited" in read_error(edited)
    assert "was edited" in read_error(json.dumps(content)), "without its checksum"
    assert "m.json is damaged" in read_error(edited[:500])
    assert "no model of Motilens" in read_error("[]") and "no model" in read_error('{"a": 1}')
    later = json.dumps(content | {"format": "Motilens shipped model 2"})
    assert "another version of Motilens" in read_error(later)
    for key in ("model", "ranges"):
        write_record(str(path), {name: v for name, v in content.items() if name != key})
        assert "m.json cannot be used" in read_error(path.read_text())
    path.unlink()
    with pytest.raises(InputError, match=re.escape("cannot be read (No such file or directory)")):
        shipped_model.load_shipped_model(path)


def test_drift_and_oblong_pixels_are_removed_before_the_model_sees_tracks():
    drift = np.outer(np.arange(60), [1.0, 0.5])
    moved = make_tracked_video(straight_track(1, 60), 60, drift=drift, pixel_aspect=2.0)
    sample = shipped_model.select_sample(moved)
    assert np.ptp(sample["x"]) == 0 and sample["y"].iloc[-1] == pytest.approx(-29.5)
    measured = shipped_model.measure_video(make_video(width=320, pixel_aspect=2.0))
    assert measured == {"cells": 20, "frame_rate": FRAME_RATE, "seconds": 12.0,
                        "head_length": 13.0, "heads_per_frame": 20.0}  # fmt: skip


@pytest.mark.parametrize("name, value, words", [
    ("frame_rate", 50.2, None), ("frame_rate", 30.0, "frame rate 30 frames/s (training: 48 to 49)"),
    ("frame_rate", 100.0, "rate 100"), ("seconds", 4.0, "duration 4 s (training: 10 to 30)"),
    ("head_length", 9.2, "length of a head 9.2 pixels"), ("head_length", 18.4, "head 18.4"),
    ("heads_per_frame", 200.0, "number of heads in a frame 200 (training: 1.94 to 62.2)"),
])  # fmt: skip
def test_a_video_unlike_those_of_the_training_is_described(name, value, words):
    ranges = shipped_model.load_shipped_model(SHIPPED).ranges
    typical = {key: high for key, (_, high) in ranges.items()}
    described = compare_with_ranges(
        typical | {name: value}, ranges, TRACKING_FEATURES, TRACKING_MARGINS
    )
    assert len(described) == bool(words) and (words or "") in " ".join(described)


def test_a_video_gets_percentages_limits_tracks_and_a_page(program, capsys):
    program("a.avi", "b.avi")
    row = read_table().loc["a.avi"]
    values = ["progressive", "nonprogressive", "immotile"]
    limits = shipped_model.load_shipped_model(SHIPPED).held_out_errors["motility"]
    assert row[values].sum() == pytest.approx(100, abs=0.01) and row["page"] == "a.avi.png"
    for value in values:
        assert row[f"{value}_held_out_error"] == pytest.approx(limits[value])
        assert np.isnan(row[f"{value}_std_over_models"])
    names = {f"{name}{suffix}" for name in "ab" for suffix in SUFFIXES} | {"videos.csv"}
    assert set(os.listdir("predictions/tracks")) == names
    assert {"a.avi.png", "b.avi.png"} < set(os.listdir("predictions"))
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("WARNING: research use only: fitted on 14 participants")
    assert lines[-1] == "For research: not a diagnosis."
    assert "tracks in predictions/tracks" in lines[-3]
    [of_a, _] = json.loads(Path("predictions/predictions.json").read_text())
    assert of_a["models"] == 1 and of_a["decoded"]["head_length"] == 13 and of_a["cells"] == 20
    assert of_a["bundle_sha256"] == shipped_model.load_shipped_model(SHIPPED).digest


@pytest.mark.parametrize("video, words", [
    (make_video(0, quality={"estimated_precision": 0.0}), "no cell was seen for long enough"),
    (make_video(1), "1 cell was seen for long enough, and at least 5 are needed"),
    (make_video(4), "4 cells were seen"),
    (make_video(20, 3), "3 frames (0.06 s) are too few: 1 s is the least"),
    (make_video(20, frames=100, quality={"estimated_precision": 0.6}), "is hardly cells"),
    (make_video(20, frames=100, quality={"long_share": 0.2}), "is hardly cells"),
    (make_video(20, 40), "40 frames (0.8 s) are too few"),
    (make_video(quality={"found_share": 0.3}), "jumps from place to place"),
    (make_video(quality={"unrest": 0.0}), "stands still"),
    (make_video(quality={"clutter": 0.06}), "unlike heads of sperm"),
])  # fmt: skip
def test_what_is_no_sample_gets_no_percentages_but_a_reason(program, capsys, video, words):
    program.outcomes["a.avi"] = video
    program("a.avi", "b.avi")
    table = read_table()
    assert words in table.loc["a.avi", "error"] and np.isnan(table.loc["a.avi", "progressive"])
    assert "no percentages" in table.loc["a.avi", "error"] and table.loc["b.avi", "progressive"] > 0
    assert "1 of 2 videos" in capsys.readouterr().out
    assert os.path.exists("predictions/tracks/a.tracks.csv")
    program("a.avi", "--out", "alone", code=1)


@pytest.mark.parametrize("video, doubt, warning", [
    (make_video(7), "few cells", "fewer than 10 cells (7) are no sample"),
    (make_video(frames=100), "unlike the training videos", "videos: duration 2 s (training: 10"),
    (make_video(quality={"estimated_precision": 0.6}), "tracks in doubt", ""),
    (make_video(quality={"clutter": 0.03}), "tracks in doubt", ""),
    (make_video(quality={"common_motion": 0.3}), "tracks in doubt", ""),
])  # fmt: skip
def test_doubts_stand_beside_percentages(program, capsys, video, doubt, warning):
    program.outcomes["a.avi"] = video
    program("a.avi")
    printed = capsys.readouterr().out
    assert doubt in re.search(r"motility \((.*?)\):", printed)[1] and warning in printed
    assert warning in read_table().loc["a.avi", "warnings"]


def test_the_worst_comes_first_and_all_that_is_unlike_the_training_is_one_warning(program):
    quality = {"estimated_precision": 0.6, "cells_per_frame": 200.0}
    program.outcomes["a.avi"] = make_video(7, 600, quality, warnings=["debris", "drifts"])
    program.outcomes["b.avi"] = make_video(frames=100, quality={"cells_per_frame": 200.0},
                                           warnings=["drifts"])  # fmt: skip
    program("a.avi", "b.avi", code=0)
    first, second = json.loads(Path("predictions/predictions.json").read_text())
    known = shipped_model.load_shipped_model(SHIPPED).warnings
    unlike, *others = second["warnings"]
    assert unlike.startswith("unlike the training videos: ") and others == ["drifts", *known]
    assert "duration 2 s (training: 10 to 30)" in unlike and "heads in a frame 200" in unlike
    assert "hardly cells" in first["error"] and set(first["values"].values()) == {None}
    assert first["values"].keys() == second["values"].keys() == {
        "progressive", "nonprogressive", "immotile",
    }  # fmt: skip


def test_all_videos_are_on_one_page_even_if_the_call_is_stopped(program):
    program.outcomes["a.avi"] = make_video(1)
    program.outcomes["b.avi"] = KeyboardInterrupt()
    program("a.avi", "b.avi", code=1)
    page = Path("predictions/index.html").read_text(encoding="utf-8")
    assert "1 cell was seen for long enough" in page and "tracks/a.mp4" in page
    assert "The call was to predict 2." in page
    columns = list(pd.read_csv("predictions/predictions.csv"))
    assert {"progressive", "immotile_held_out_error"} < set(columns), "of no video"
    program.outcomes["b.avi"] = make_video()
    program("a.avi", "b.avi")
    page = Path("predictions/index.html").read_text(encoding="utf-8")
    assert 'src="b.avi.png"' in page and "The call was" not in page
    Path("predictions/index.html").write_text("mine")
    assert "index.html is there, and is none of ours" in program("a.avi", "b.avi", code=1)


def test_dark_heads_are_unlike_the_training(program, capsys):
    video = make_video()
    object.__setattr__(video, "polarity", "dark")
    program.outcomes["a.avi"] = video
    program("a.avi")
    assert "heads are dark (training: bright)" in capsys.readouterr().out


def test_a_stopped_call_goes_on_and_a_damaged_video_stops_no_other(program, capsys):
    program.outcomes["b.avi"] = KeyboardInterrupt()
    assert "Stopped: 1 of 2 videos" in program("a.avi", "b.avi", code=1)
    page = os.stat("predictions/tracks/a.tracks.csv").st_mtime_ns
    program.outcomes["b.avi"] = DamagedVideo("b.avi: cut")
    program("a.avi", "b.avi")
    assert os.stat("predictions/tracks/a.tracks.csv").st_mtime_ns == page, "tracked once"
    table = read_table()
    assert table.loc["b.avi", "error"] == "b.avi: cut" and table.loc["a.avi", "page"] == "a.avi.png"
    assert "no page" not in capsys.readouterr().out


def test_what_another_call_made_is_not_overwritten(program, tmp_path):
    for name in ("a.avi.png", "b.avi.png"):
        (tmp_path / "predictions").mkdir(exist_ok=True)
        (tmp_path / "predictions" / name).write_text("foreign")
    program("a.avi")
    program("a.avi")
    assert (tmp_path / "predictions/a.avi.png").read_text() == "foreign"
    before = (tmp_path / "predictions/predictions.csv").read_bytes()
    assert "holds predictions already: name another folder" in program("b.avi", code=1)
    program("a.avi", "--frame-rate", "40", code=1)
    assert (tmp_path / "predictions/predictions.csv").read_bytes() == before
    (tmp_path / "predictions/predictions.json").write_text("{}")
    assert "holds predictions already" in program("a.avi", code=1)


@pytest.mark.parametrize("lost", [None, "predictions/predictions.json", "predictions/tracks"])
def test_predictions_of_another_video_of_the_same_name_stay(program, tmp_path, lost):
    program("a.avi")
    (tmp_path / "c.avi").write_text("c")
    program("a.avi", "b.avi", "c.avi")
    if lost == "predictions/predictions.json":
        (tmp_path / lost).unlink()
        (tmp_path / "predictions/predictions.csv").unlink()
    elif lost:
        shutil.rmtree(lost)
    files = [path for path in tmp_path.glob("predictions/**/*.*") if path.name != "tracks"]
    before = [path.read_bytes() for path in files]
    (tmp_path / "a.avi").write_text("another recording")
    message = program("a.avi", "b.avi", "c.avi", code=1)
    what = "predictions/tracks holds tracks" if lost and "json" in lost else "predictions holds"
    assert f"a.avi is not the video that {what}" in message and "name another folder" in message
    assert before == [path.read_bytes() for path in files]
    (tmp_path / "a.avi").write_text("a")
    program("a.avi", "b.avi", "c.avi")


def test_videos_in_folders_within_are_named(program, tmp_path, capsys):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/c.avi").touch()
    program(".")
    program(".")
    assert capsys.readouterr().out.count("not read: videos in folders within . (sub: 1)\n") == 2


def test_the_model_is_chosen_in_one_place():
    assert cli.parse_arguments(["a.avi"]).model == cli.SHIPPED_MODEL == SHIPPED.resolve()
    for arguments in (["b.pt", "a.avi"], ["a.avi", "--model", "b.pt"], ["a.avi", "--model=b.pt"]):
        options = cli.parse_arguments(arguments)
        assert (str(options.model), list(map(str, options.videos))) == ("b.pt", ["a.avi"])
    for arguments in (["b.pt"], ["b.pt", "a.avi", "--microns-per-pixel", "0.5"]):
        with pytest.raises(SystemExit):
            cli.parse_arguments(arguments)
    assert cli.parse_arguments(["a.avi", "--microns-per-pixel", "0.5"]).microns_per_pixel == 0.5
