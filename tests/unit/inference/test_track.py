"""The program that tracks the cells of new videos: files, names, interruptions, bad input."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from motilens.core.command_line import run_command_line
from motilens.core.errors import MachineFault
from motilens.inference import track_cli
from motilens.inference.cell_table import COLUMNS
from motilens.inference.track_folder import SUFFIXES, SUMMARY_COLUMNS, lock_folder
from motilens.simulation.render import SIMULATED_FRAME_RATE, render_video
from motilens.tracking.trajectories import empty_tracks
from motilens.video.encode import encode_video
from motilens.video.ffmpeg import DamagedVideo
from support.project import run_motilens
from support.tracks import make_tracked_video, straight_track

CODE = {"motilens/tracking/tracker.py": "0123"}


@pytest.fixture
def tracker(monkeypatch):
    """In the tracker's place: it knows each video's outcome by its name, and counts its calls."""

    class Tracker:
        calls, outcomes = [], {}

        def __call__(self, path, settings, duration, frame_rate, microns_per_pixel):
            name = os.path.basename(path)
            self.calls.append(name)
            outcome = self.outcomes.get(name)
            if isinstance(outcome, BaseException):
                raise outcome
            tracks = straight_track(1, 60) if outcome is None else outcome
            return make_tracked_video(
                tracks, 60, quality={"density": np.float32(2), "focus": np.nan, "crowded": False},
                warnings=["cells; many"],
            )  # fmt: skip

    tracker = Tracker()
    tracker.calls, tracker.outcomes = [], {}
    monkeypatch.setattr(track_cli, "track_video", tracker)
    monkeypatch.setattr(track_cli, "write_overlay", lambda target, *_: target.write_bytes(b"mp4"))
    return tracker


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new").mkdir()
    return tmp_path


def add_videos(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)


def call(*arguments, code=0, versions=CODE, settings=None):
    """Call the program; return its error message, "" if it has none."""

    def read_settings(config):
        return settings or {"diameter": 15}

    with pytest.raises(SystemExit) as stop:
        run_command_line(lambda: track_cli.track_new_videos(read_settings, versions, arguments))
    message = stop.value.code if isinstance(stop.value.code, str) else ""
    assert bool(stop.value.code) == bool(code), stop.value.code
    return message


def read_summary(out="tracks"):
    return pd.read_csv(f"{out}/videos.csv", keep_default_na=False)


def list_names(out="tracks"):
    return {path.name for path in (os.scandir(out))}


def test_each_video_has_four_files_and_a_row(folder, tracker):
    add_videos(folder, "new/b.avi", "new/a.avi", "new/no video.txt")
    call("new")
    assert list_names() == {f"{n}{suffix}" for n in "ab" for suffix in SUFFIXES} | {"videos.csv"}
    table = read_summary()
    columns = [*SUMMARY_COLUMNS, "quality_crowded", "quality_density", "quality_focus"]
    assert [*table] == [*columns, "warnings", "error"]
    assert table["video"].tolist() == ["new/a.avi", "new/b.avi"]
    assert table["cells"].tolist() == [1, 1] and table["rapid_progressive"].tolist() == [1, 1]
    assert table["quality_density"].tolist() == [2, 2] and set(table["quality_focus"]) == {""}
    tracks = pd.read_csv("tracks/a.tracks.csv")
    assert [*tracks] == ["cell", "frame", "x", "y"] and tracks["cell"].dtype == "int64"
    cells = pd.read_csv("tracks/a.cells.csv")
    assert [*cells] == COLUMNS and cells["vcl"].item() == pytest.approx(50)
    record = json.loads((folder / "tracks/a.json").read_text())
    assert record["settings"]["tracking"] == {"diameter": 15} and record["code"] == CODE
    assert record["summary"]["quality_focus"] is None and record["drift_each_second"]


def test_median_speeds_are_those_of_motile_cells(folder, tracker, capsys):
    add_videos(folder, "new/1.avi", "new/2.avi")
    tracks = [straight_track(speed, 60, cell=speed) for speed in (0, 1, 2, 3)]
    tracker.outcomes |= {"1.avi": pd.concat(tracks), "2.avi": tracks[0]}
    call("new", "--microns-per-pixel=0.5")
    table = pd.read_csv("tracks/videos.csv")
    for name in ("median_vcl", "median_vsl", "median_vap"):
        assert table[name].tolist() == pytest.approx([2 * 50 * 0.5, np.nan], nan_ok=True)
    assert table["unit"].tolist() == ["um", "um"]
    output = capsys.readouterr().out
    assert output.count("median of motile cells: VCL 50, VSL 50, VAP 50 µm/s") == 1
    assert "4 cells: 3 rapid progressive" in output and "1 cell: 1 immotile" in output


def test_a_video_that_is_named_twice_counts_once(folder, tracker):
    add_videos(folder, "new/a.avi", "other/a.avi")
    (folder / "new/link.avi").symlink_to("a.avi")  # may be another participant's
    call("new", "new/a.avi", "other/../new/a.avi", str(folder / "new/a.avi"), "other")
    assert read_summary()["video"].tolist() == ["new/a.avi", "new/link.avi", "other/a.avi"]


def test_what_is_complete_is_kept_and_the_rest_goes_on(folder, tracker, capsys):
    add_videos(folder, "new/1.avi", "new/2.avi", "new/3.avi", "later/4.avi")
    tracker.outcomes["2.avi"] = KeyboardInterrupt()
    assert "Stopped: 1 of 3 videos are in tracks" in call("new", code=1)
    assert list_names() == {f"1{suffix}" for suffix in SUFFIXES} | {"2.json", "videos.csv"}
    tracker.outcomes["2.avi"] = MachineFault("2.avi: ffmpeg was killed")
    assert "ffmpeg was killed" in call("new", code=1)
    assert "Stopped: 1 of 3" in capsys.readouterr().err
    (folder / "tracks/2.tracks.csv").write_text("half")
    tracker.outcomes.clear()
    call("new")
    assert tracker.calls == ["1.avi", "2.avi", "2.avi", "2.avi", "3.avi"]
    whole = [path.read_bytes() for path in sorted((folder / "tracks").iterdir())]
    call("new")
    assert len(tracker.calls) == 5 and [*read_summary()][: len(SUMMARY_COLUMNS)] == SUMMARY_COLUMNS
    assert whole == [path.read_bytes() for path in sorted((folder / "tracks").iterdir())]
    (folder / "tracks/1.mp4").unlink()
    call("later")
    assert read_summary()["name"].astype(str).tolist() == ["1", "2", "3", "4"]
    call("new")
    assert tracker.calls[5:] == ["4.avi", "1.avi"], "a lost file is made again"


def test_other_settings_another_code_and_foreign_files_are_refused(folder, tracker):
    add_videos(folder, "new/1.avi")
    call("new")
    refused = "tracks holds tracks of other settings (microns_per_pixel was None and is 0.5): name"
    assert refused in call("new", "--microns-per-pixel", "0.5", code=1)
    other = {"diameter": 17}
    assert "tracking.diameter was 15 and is 17" in call("new", code=1, settings=other)
    assert "another version of the code" in call("new", code=1, versions={"tracker.py": "1"})
    assert "new holds new/1.avi: name another" in call("new", "--out", "new", code=1)
    add_videos(folder, "full/1.mp4", "odd/1.json", "file")
    assert "full/1.mp4 is there, and is none of ours" in call("new", "--out", "full", code=1)
    assert "odd/1.json is there, and is none of ours" in call("new", "--out", "odd", code=1)
    call("new", "--out", "file", code=2)
    assert (folder / "full/1.mp4").read_text() == "full/1.mp4" and len(tracker.calls) == 1
    add_videos(folder, "other/notes.json")
    call("new", "--out", "other")


@pytest.mark.parametrize("suffix", [".tracks.csv", ".cells.csv", ".mp4"])
@pytest.mark.parametrize("content", [b"", b"cell", None])
def test_a_file_that_was_changed_is_made_again(folder, tracker, capsys, suffix, content):
    add_videos(folder, "new/a.avi", "new/b.avi")
    call("new")
    file = folder / f"tracks/b{suffix}"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"1", b"2") + b"9" if content is None else content)
    call("new")
    assert f"b{suffix} was changed: tracking again" in capsys.readouterr().out
    assert tracker.calls == ["a.avi", "b.avi", "b.avi"] and file.read_bytes() == whole
    call("new")
    assert len(tracker.calls) == 3 and "again" not in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["cut", "empty", "edited", "all empty"])
def test_a_damaged_record_has_its_video_tracked_again(folder, tracker, capsys, damage):
    add_videos(folder, "new/a.avi", "new/b.avi", "other/b.avi")
    call("new", "other")
    record = folder / "tracks/b.json"
    text = record.read_text()
    texts = {"cut": text[:100], "edited": text.replace('"cells": 1', '"cells": 7')}
    record.write_text(texts.get(damage, ""))
    if damage == "all empty":
        (folder / "tracks/b.tracks.csv").write_text("")
    call("new", "other")
    assert "b.json was changed: tracking again" in capsys.readouterr().out
    assert tracker.calls == ["a.avi", "b.avi", "b.avi", "b.avi"]
    assert read_summary()["name"].tolist() == ["a", "b", "b.2"]
    assert json.loads(record.read_text())["path"] == str(folder / "new/b.avi")


def test_a_damaged_record_of_a_stopped_call_is_ours(folder, tracker):
    add_videos(folder, "new/a.avi")
    tracker.outcomes["a.avi"] = KeyboardInterrupt()
    call("new", code=1)
    record = folder / "tracks/a.json"
    record.write_text(record.read_text()[:50])
    tracker.outcomes.clear()
    call("new")
    (folder / "tracks/b.json").write_text("mine")
    add_videos(folder, "new/b.avi")
    assert "b.json is there, and is none of ours" in call("new", code=1)
    assert (folder / "tracks/b.json").read_text() == "mine"


def test_tracks_of_another_video_of_the_same_name_stay(folder, tracker, monkeypatch):
    add_videos(folder, "new/a.avi")
    call("new")
    files = {path: path.read_bytes() for path in (folder / "tracks").iterdir()}
    (folder / "new/a.avi").write_text("another recording")
    refused = "new/a.avi is not the video that tracks holds tracks of: name another folder (--out;"
    assert refused in call("new", code=1)
    assert files == {path: path.read_bytes() for path in (folder / "tracks").iterdir()}
    call("new", "--out", "others")
    (folder / "elsewhere/new").mkdir(parents=True)
    (folder / "elsewhere/new/a.avi").write_text("the same words name it")
    monkeypatch.chdir(folder / "elsewhere")
    out = str(folder / "tracks")
    assert "new/a.avi is not the video that" in call("new/a.avi", "--out", out, code=1)
    tracker.outcomes["a.avi"] = KeyboardInterrupt()
    call("new", code=1)
    tracker.outcomes.clear()
    (folder / "elsewhere/new/a.avi").write_text("changed after a call that was stopped")
    call("new")


def test_a_foreign_overlay_beside_tracks_without_one_stays(folder, tracker):
    add_videos(folder, "new/a.avi")
    call("new", "--no-video")
    add_videos(folder, "tracks/a.mp4")
    assert "tracks/a.mp4 is there, and is none of ours" in call("new", code=1)
    assert (folder / "tracks/a.mp4").read_text() == "tracks/a.mp4"


def test_videos_in_folders_within_are_named_but_not_read(folder, tracker, capsys):
    add_videos(folder, "new/a.avi", "new/sub/b.avi", "new/sub/c.avi", "new/.trash/d.avi")
    call("new", "--out", "new/tracks")
    printed = capsys.readouterr().out
    assert printed.startswith("not read: videos in folders within new (sub: 2)\n1 of 1: new/a.avi")
    call("new", "--out", "new/tracks")
    assert capsys.readouterr().out == printed, "overlays are no videos to be read"
    call("new", "new/sub")
    assert "not read" not in capsys.readouterr().out
    add_videos(folder, *(f"new/{number}/b.avi" for number in range(4)))
    call("new")
    assert "new (0: 1, 1: 1, 2: 1, and 2 more folders)" in capsys.readouterr().out


def test_names_do_not_collide_and_stay(folder, tracker):
    names = [
        "a/x.avi",
        "b/x.avi",
        "b/X.mp4",
        "b/x.2.avi",
        "b/-y.avi",
        "b/\u00e9.avi",
        "b/e\u0301.avi",
    ]
    names.append("b/" + "\u044f" * 120 + ".avi")
    add_videos(folder, *names)
    (folder / "c").mkdir()
    (folder / "c/x.avi").write_bytes((folder / "a/x.avi").read_bytes())
    call("a", "b", "c/x.avi")
    table = read_summary().set_index("video")["name"]
    assert len(table) == len({name.casefold() for name in table}) == 9
    assert table["a/x.avi"] == "x" and table["b/-y.avi"] == "-y"
    assert len(list_names()) == 4 * 9 + 1
    call("b")
    call("c/x.avi", "b/x.avi")
    assert len(tracker.calls) == 9
    assert sorted(read_summary()["name"]) == sorted(table)


def test_two_calls_at_once_do_not_share_a_folder(folder, tracker):
    add_videos(folder, "new/1.avi")
    with lock_folder(Path("tracks")):
        message = call("new", code=1)
        call("new", "--out", "others")
    assert "tracks: another call writes to it: wait for its end, or name another" in message
    assert list_names() == set() and tracker.calls == ["1.avi"]
    call("new")
    assert "1.json" in list_names()


def test_sigterm_stops_it_as_an_interrupt_does(folder, tracker, monkeypatch):
    add_videos(folder, "new/1.avi", "new/2.avi")

    def write_overlay(target, path, *_):
        target.write_bytes(b"half")
        if path == "new/2.avi":
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(track_cli, "write_overlay", write_overlay)
    before = signal.getsignal(signal.SIGTERM)
    assert "Stopped: 1 of 2 videos are in tracks" in call("new", code=1)
    assert signal.getsignal(signal.SIGTERM) == before
    names = {f"1{suffix}" for suffix in SUFFIXES} | {"videos.csv"}
    assert list_names() == names | {"2.tracks.csv", "2.cells.csv", "2.json"}, "nothing half is left"


def test_a_damaged_video_stops_no_other_and_is_tried_again(folder, tracker, capsys):
    add_videos(folder, "new/1.avi", "new/2.avi", "new/3.avi", "-4.avi")
    tracker.outcomes |= {"1.avi": DamagedVideo("1.avi: cut"), "2.avi": ValueError("odd")}
    (folder / os.fsdecode(b"lat\xe9in.avi")).touch()
    os.mkfifo("pipe.avi")
    add_videos(folder, "two\nlines.avi")
    call("new", "-4.avi", os.fsdecode(b"lat\xe9in.avi"), "pipe.avi", "two\nlines.avi")
    errors = read_summary()["error"].tolist()
    assert errors[0] == "1.avi: cut" and "unexpected error, please report it" in errors[1]
    assert errors[2:4] == ["", ""] and "rename it" in errors[4] and "is no file" in errors[5]
    assert r"two\nlines.avi: its name holds a line break" in errors[6]
    names = {f"{name}{suffix}" for name in ("3", "-4") for suffix in SUFFIXES}
    assert list_names() == names | {"videos.csv"}
    printed = capsys.readouterr().out
    assert "ERROR: 1.avi: cut" in printed and "WARNING: cells; many" in printed
    assert "2 of 7 videos" in printed
    call("new/1.avi", "new/2.avi", "--out", "rate", code=1)
    tracker.outcomes.clear()
    call("new/1.avi", "new/2.avi", "--out", "rate", "--frame-rate", "50")
    call("new")
    assert set(read_summary()["error"]) == {""}


def test_a_name_with_spaces_needs_quotes(folder, tracker):
    add_videos(folder, "my videos/1.avi")
    quotes = "(put quotes around a name that has spaces)"
    assert call("my", "videos", code=1).endswith(f"my: no such file or folder {quotes}")
    assert call("my video", code=1).endswith("my video: no such file or folder")
    call("my videos")


def test_a_video_without_cells_has_empty_tables_and_a_message(folder, tracker, capsys):
    add_videos(folder, "new/1.avi")
    tracker.outcomes["1.avi"] = empty_tracks()
    call("new")
    assert "WARNING: no cell was found in 60 frames (1.2 s)" in capsys.readouterr().out
    assert (folder / "tracks/1.tracks.csv").read_text() == "cell,frame,x,y\n"
    assert (folder / "tracks/1.cells.csv").read_text() == ",".join(COLUMNS) + "\n"
    assert read_summary()["cells"].tolist() == [0]


def test_foreign_files_of_any_number_and_a_foreign_table_stay(folder, tracker):
    add_videos(folder, "a/x.avi", "b/x.avi", "tracks/x.2.mp4", "data/videos.csv")
    call("a", "b")
    assert (folder / "tracks/x.2.mp4").read_text() == "tracks/x.2.mp4"
    assert read_summary()["name"].tolist() == ["x", "x.3"]
    call("a", "b")
    assert len(tracker.calls) == 2
    message = call("a", "--out", "data", code=1)
    assert "data/videos.csv is there, and is none of ours: name another folder" in message
    assert (folder / "data/videos.csv").read_text() == "data/videos.csv"


def test_a_video_keeps_its_name_where_another_left_a_gap(folder, tracker):
    add_videos(folder, "a/x.avi", "b/x.avi", "c/x.avi")
    tracker.outcomes["x.avi"] = DamagedVideo("x.avi: cut")
    call("b", code=1)
    tracker.outcomes.clear()
    call("a", "b", "c")
    for suffix in SUFFIXES:
        (folder / f"tracks/x.2{suffix}").unlink()
    done = len(tracker.calls)
    call("c")
    assert len(tracker.calls) == done, "x.3 is complete"
    assert read_summary()["name"].tolist() == ["x", "x.3"]


def test_each_of_two_copies_finds_its_own_files_again(folder, tracker):
    add_videos(folder, "a/x.avi", "b/x.avi")
    (folder / "b/x.avi").write_bytes((folder / "a/x.avi").read_bytes())
    call("a", "b")
    call("b")
    table = read_summary()
    assert dict(zip(table["name"], table["video"], strict=True)) == {
        "x": "a/x.avi", "x.2": "b/x.avi"
    }  # fmt: skip


def test_overlays_are_left_out_and_made_later(folder, tracker):
    add_videos(folder, "new/1.avi")
    call("new", "--no-video")
    names = {f"1{suffix}" for suffix in SUFFIXES} | {"videos.csv"}
    assert list_names() == names - {"1.mp4"}
    call("new", "--no-video")
    assert len(tracker.calls) == 1
    call("new")
    assert list_names() == names
    call("new", "--no-video")
    assert len(tracker.calls) == 2 and list_names() == names


@pytest.mark.parametrize("length", [0.0, np.nan])
def test_no_head_has_no_length_and_the_record_is_json(folder, tracker, monkeypatch, length):
    add_videos(folder, "new/1.avi")
    nothing = make_tracked_video(empty_tracks(), 60, head_length=length)
    monkeypatch.setattr(track_cli, "track_video", lambda *_: nothing)
    call("new")
    assert read_summary()[["cells", "scale", "error"]].values.tolist() == [[0, "unknown", ""]]
    assert "NaN" not in (folder / "tracks/1.json").read_text()


@pytest.mark.parametrize("option", ["--frame-rate", "--microns-per-pixel", "--duration"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "0,5", "x"])
def test_numbers_that_cannot_be_are_refused(option, value, capsys):
    with pytest.raises(SystemExit):
        track_cli.parse_arguments(["1.avi", f"{option}={value}"])
    assert f"{option}: {value} is no number above 0" in capsys.readouterr().err


@pytest.mark.slow
def test_the_program_tracks_a_simulated_video(tmp_path):
    """The whole call: one usable video, one of three frames, one without a frame rate."""
    encode_video(tmp_path / "1.avi", render_video(1, seed=0, frames=60), SIMULATED_FRAME_RATE)
    encode_video(tmp_path / "three.avi", render_video(1, seed=0, frames=3), SIMULATED_FRAME_RATE)
    encode_video(tmp_path / "one.avi", render_video(1, seed=0, frames=1), SIMULATED_FRAME_RATE)
    command = ["track", ".", "--microns-per-pixel=0.5"]
    done = run_motilens(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "tracks/videos.csv", keep_default_na=False).set_index("name")
    assert int(table.loc["1", "cells"]) > 5 and table.loc["1", "scale"] == "given"
    assert "--frame-rate" in " ".join(table["error"]) and "one.avi" in done.stdout
    cells = pd.read_csv(tmp_path / "tracks/1.cells.csv")
    assert set(cells["unit"]) == {"um"} and cells["vcl"].gt(0).all()
    assert cells["class"].isin(["rapid_progressive", "slow_progressive"]).any()
    record = json.loads((tmp_path / "tracks/1.json").read_text(encoding="utf-8"))
    assert "motilens/tracking/tracker.py" in record["code"] and "numpy" in record["code"]
    again = run_motilens(*command, cwd=tmp_path)
    assert again.returncode == 0 and again.stdout == done.stdout
    wrong = run_motilens(*command, "--config=no.yaml", cwd=tmp_path)
    assert wrong.returncode == 1 and wrong.stderr.startswith("ERROR: no.yaml: ")
