"""Hand-made tracks and boxes are read in each layout, and what is damaged is refused."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tracking_truth import find_truths, read_tracks, read_truth

from support.errors import assert_refused

VIDEO = SimpleNamespace(width=640, height=480)
TRACKS = "frame,track_id,class,x_px,y_px,w_px,h_px\n"


@pytest.fixture
def write(tmp_path):
    """Write texts into files by name; return the path of the last."""

    def write(texts):
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return path

    return write


def test_truths_are_found_beside_videos_and_in_folders_of_their_own(tmp_path, capsys):
    names = ["a_11.mp4", "tracks_11.csv.gz", "b.mp4", "b_boxes.csv", "c.mp4", "c_tracks.csv"]
    names += ["d.mp4", "60/60.mp4", "60/labels_ftid/60_frame_0_with_ftid.txt", "60/other.mp4"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {video.name: truth.name for video, truth in find_truths(tmp_path)}
    assert found == {
        "60.mp4": "labels_ftid", "a_11.mp4": "tracks_11.csv.gz", "b.mp4": "b_boxes.csv",
        "c.mp4": "c_tracks.csv",
    }  # fmt: skip
    lines = sorted(capsys.readouterr().err.splitlines())
    assert len(lines) == 2 and "60/other.mp4: is not scored: other_tracks.csv" in lines[0]
    assert "d.mp4: is not scored: d_tracks.csv or d_boxes.csv is not beside it" in lines[1]
    assert_refused("d_folder: holds no NAME.mp4", list, find_truths(tmp_path / "d_folder"))


def test_tracks_have_centers_and_need_no_boxes(write, tmp_path):
    truth, frames = read_truth(write({"a_tracks.csv": TRACKS + "2,7,0,10,20,4,6\n"}), VIDEO)
    assert truth.iloc[0].to_dict() == {"frame": 2, "cell": 7, "x": 10, "y": 20, "w": 4, "h": 6}
    assert list(frames) == [0, 1, 2]
    truth.rename(columns={"cell": "track_id", "x": "x_px", "y": "y_px"}).drop(
        columns=["w", "h"]
    ).to_csv(tmp_path / "tracks_1.csv.gz")
    truth, _ = read_truth(tmp_path / "tracks_1.csv.gz", VIDEO)
    assert truth["x"].tolist() == [10] and truth[["w", "h"]].isna().all(axis=None)


def test_boxes_of_sperm_become_centers_and_other_frames_count_as_empty(write):
    text = "frame,class,xmin,ymin,xmax,ymax\n0,S,10,20,30,24\n1,Impurity,1,1,9,9\n"
    truth, frames = read_truth(write({"a_boxes.csv": text}), VIDEO)
    assert truth.to_dict("records") == [{"frame": 0, "x": 20, "y": 22, "w": 20, "h": 4}]
    assert list(frames) == [0, 1]


def test_label_files_of_visem_tracking_are_scaled_and_missing_frames_are_not_empty_ones(write):
    path = write({
        "60_frame_10_with_ftid.txt": "ckz3 0 0.5 0.25 0.1 0.05\n\nckz4 1 0 0 0.1 0.1\n",
        "60_frame_9_with_ftid.txt": "ckz3 0 1 1 0.1 0.05\n",
        "60_frame_0_with_ftid.txt": "",
    })  # fmt: skip
    truth, frames = read_truth(path.parent, VIDEO)
    truth = truth.sort_values(["frame", "cell"])
    assert truth["cell"].tolist() == ["ckz3", "ckz3", "ckz4"]
    assert truth.iloc[1][["frame", "x", "y", "w", "h"]].tolist() == [10, 320, 120, 64, 24]
    assert list(frames) == [0, 9, 10]


@pytest.mark.parametrize("name, text, message", [
    ("a_tracks.csv", TRACKS + "0,1,0,5,5,1,1\n0,1,0,9,9,1,1\n", "cell 1.0 is twice in frame 0"),
    ("a_tracks.csv", TRACKS + "0,1,0,5,5,1,1\n1,1,0,,5,1,1\n", "a_tracks.csv: row 2: write a numb"),
    ("a_tracks.csv", TRACKS + "0,1,0,five,5,1,1\n", "a_tracks.csv: cannot be read .*'five'"),
    ("a_tracks.csv", "frame,x\n0,1\n", "cannot be read .it has no column track_id, x_px, y_px"),
    ("a_tracks.csv", "", "a_tracks.csv: cannot be read"),
    ("tracks_1.csv.gz", "no gzip", "tracks_1.csv.gz: cannot be read"),
    ("labels_ftid/60_frame_1.txt", "0 0.5 0.5 0.1 0.1\n", "_1.txt, line 1: write `identity class"),
    ("labels_ftid/60_frame_1.txt", "a 0 0.5 0.5 0.1 0.1\na 0 b 0 0 0\n", "_1.txt, line 2: write"),
    ("labels_ftid/60_frame_1.txt", "a 0 0 0 0 0\na 0 0 0 0 0\n", "cell a is twice in frame 1"),
    ("labels_ftid/notes.txt", "", "notes.txt: name it <ID>_frame_<N>_with_ftid.txt"),
])  # fmt: skip
def test_damaged_truths_are_refused_with_their_place(name, text, message, write):
    path = write({name: text})
    assert_refused(message, read_truth, path.parent if "labels" in name else path, VIDEO)


def test_damaged_tracks_are_refused(write, tmp_path):
    assert_refused("a.tracks.csv: cannot be read", read_tracks, tmp_path / "a.tracks.csv")
    path = write({"a.tracks.csv": "cell,frame,x,y\n0,1,2,3\n0,1,4,5\n"})
    assert_refused("cell 0.0 is twice in frame 1: delete one", read_tracks, path)
    path = write({"a.tracks.csv": "cell,frame,x,y\n0,1,2,inf\n"})
    assert_refused("row 1: write a number in each of cell, frame, x, y", read_tracks, path)
    pd.DataFrame(columns=["cell", "frame", "x", "y"]).to_csv(path)
    assert read_tracks(path).dtypes.eq(np.float64).all()
