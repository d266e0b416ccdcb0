"""Outputs of several models become percentages; videos unlike those of training are described."""

from types import SimpleNamespace

import numpy as np
import pytest

from motilens.clips.extract import extract_clips
from motilens.clips.hdf5 import read_clips
from motilens.core.errors import InputError
from motilens.core.labels import MOTILITY
from motilens.inference import cli, domain_shift, predictor
from motilens.simulation.render import render_video
from motilens.video.encode import encode_video
from motilens.video.ffmpeg import DamagedVideo
from support.recordings import run_ffmpeg

OUTPUTS = np.array([[[60.0, 30, 30], [-20, 50, 50]], [[110, 0, 0], [0, 0, -3]]])


def test_motility_adds_up_to_100_and_other_percentages_are_clipped():
    percentages, empty = predictor.clip_and_normalize(OUTPUTS, list(MOTILITY))
    assert percentages.sum(-1) == pytest.approx(np.full((2, 2), 100.0)) and empty == 0.25
    targets = {"motility": list(MOTILITY)}
    errors = {"motility": dict.fromkeys(MOTILITY, 30.0)}
    summary = predictor.summarize_predictions({"motility": percentages}, targets, errors)
    assert sum(value["percent"] for value in summary.values()) == pytest.approx(100)
    assert summary["progressive"]["percent"] == pytest.approx((50 + 0 + 100 + 100 / 3) / 4)
    percentages, empty = predictor.clip_and_normalize(OUTPUTS[..., :1], ["head"])
    targets, errors = {"heads": ["head"]}, {"heads": {"head": 31.0}}
    summary = predictor.summarize_predictions({"heads": percentages}, targets, errors)["head"]
    assert (summary["target"], summary["held_out_error"]) == ("heads", 31)
    assert summary["percent"] == pytest.approx((60 + 0 + 100 + 0) / 4) and empty == 0
    assert summary["std_over_stacks"] == pytest.approx(np.std([80, 0]))
    assert summary["std_over_models"] == pytest.approx(np.std([30, 50]))


def test_values_of_two_targets_and_predictions_for_a_whole_video_are_kept():
    outputs = {"a": np.full((1, 1, 1), 5.0), "b": np.full((1, 1, 2), 7.0)}
    targets, errors = {"a": ["head"], "b": ["head", "tail"]}, {"head": 9.0, "tail": 8.0}
    summary = predictor.summarize_predictions(outputs, targets, {"a": errors, "b": errors})
    percentages = {name: value["percent"] for name, value in summary.items()}
    assert percentages == {"head (a)": 5, "head (b)": 7, "tail": 7}
    assert summary["tail"]["std_over_stacks"] is None
    of_stacks, of_video = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]])
    stacked = predictor.stack_predictions([of_stacks, of_video])
    assert stacked.tolist() == [[[1, 2], [3, 4]], [[5, 6], [5, 6]]]


RECORD = {"video_frame_rate": 50.0, "video_width": 640, "video_height": 480}
RECORD |= {"video_pixel_aspect": 1.0}
TYPICAL = dict.fromkeys(domain_shift.APPEARANCE_FEATURES, 1.0)
RANGES = domain_shift.training_ranges([TYPICAL, TYPICAL | {"movement": 2.0}])


def test_appearance_of_a_striped_video_and_of_an_empty_field():
    stripes = np.tile(np.array([0, 255], np.uint8), (2, 3, 8, 4))
    video = domain_shift.measure_appearance(stripes, RECORD)
    assert video["brightness"] == pytest.approx(0.5) and video["contrast"] == pytest.approx(0.5)
    assert video["sharpness"] == pytest.approx(2) and video["movement"] == 0
    assert (video["frame_rate"], video["longer_side"], video["shorter_side"]) == (50, 640, 480)
    rotated = RECORD | {"video_width": 480, "video_height": 640}
    assert domain_shift.measure_appearance(stripes, rotated) == video
    narrow = RECORD | {"video_width": 320, "video_pixel_aspect": 2.0}  # pixels twice as wide
    assert domain_shift.measure_appearance(stripes, narrow) == video
    flickering = np.stack([stripes[:, 0], 255 - stripes[:, 0]], 1)
    assert domain_shift.measure_appearance(flickering, RECORD)["movement"] == pytest.approx(2)
    assert np.isnan(domain_shift.measure_appearance(stripes[:, :1], RECORD)["movement"])
    video = domain_shift.measure_appearance(np.full((2, 3, 8, 8), 90, np.uint8), RECORD)
    assert video["sharpness"] == video["movement"] == video["contrast"] == 0
    assert RANGES["movement"] == [1, 2]
    assert "movement" not in domain_shift.training_ranges([TYPICAL | {"movement": float("nan")}])


@pytest.mark.parametrize("change, lines", [
    ({}, []), ({"movement": 2.7}, []), ({"frame_rate": 1.02}, []), ({"frame_rate": 0.98}, []),
    ({"frame_rate": 1.03}, ["frame rate 1.03 frames/s (training: 1)"]),
    ({"longer_side": 0.9}, ["longer side 0.9 pixels (training: 1)"]),
    ({"movement": 0.3}, ["movement 0.3 of its contrast (training: 1 to 2)"]),
    ({"movement": 4000}, ["movement 4000 of its contrast (training: 1 to 2)"]),
    ({"movement": 0.01}, ["movement 0.01 of its", "next to nothing moves"]),
    ({"contrast": 0.0}, ["contrast 0 of white (training"]),
])  # fmt: skip
def test_what_is_out_of_range_is_described(change, lines):
    described = domain_shift.describe_out_of_range(TYPICAL | change, RANGES)
    assert len(described) == len(lines)
    assert all(line.startswith(start) for line, start in zip(described, lines, strict=True))


@pytest.mark.parametrize("change, reason", [
    ({}, None), ({"contrast": 2.4, "brightness": 0.45}, None), ({"movement": 0.1}, None),
    ({"frame_rate": 9.0, "longer_side": 9.0}, None), ({"contrast": 0.2}, "the field is empty"),
    ({"contrast": 2.6}, "none of the training videos: contrast 2.6 of white (training: 1)"),
    ({"sharpness": 0.3, "brightness": 0.3}, "brightness 0.3 of white (training: 1); sharpness"),
    ({"movement": 5.1}, "movement 5.1"),
])  # fmt: skip
def test_a_video_that_looks_like_no_training_video_has_no_answer(change, reason):
    told = domain_shift.explain_no_answer(TYPICAL | change, RANGES, {"movement": 1.0})
    assert told == reason if reason is None else reason in told
    still = domain_shift.explain_no_answer(TYPICAL, RANGES, {"movement": 0.01})
    assert still == "nothing moves: it is a still image, or shows no cells"


@pytest.mark.parametrize("change, doubts", [
    ({}, []), ({"cells": 1, "cells_per_frame": 1.0}, ["few cells?"]),
    ({"cells": 0, "cells_per_frame": 0.0}, ["few cells?"]), ({"unrest": 0.0}, ["no sample?"]),
])  # fmt: skip
def test_networks_doubt_what_the_tracker_takes_for_no_sample(monkeypatch, change, doubts):
    quality = {"cells": 20, "cells_per_frame": 12.0, "long_share": 1.0, "found_share": 1.0,
               "unrest": 0.1, "progress": 9.0, "clutter": 0.0, "roundness": 0.7,
               "common_motion": 0.0, "repeated_share": 0.0}  # fmt: skip
    tracked = SimpleNamespace(quality=quality | change)
    monkeypatch.setattr(predictor, "track_video", lambda *_: tracked)
    prediction = predictor.Prediction("1.avi", doubts={"motility": []})
    predictor._look_for_cells(prediction, None)
    assert prediction.doubts["motility"] == doubts and len(prediction.warnings) == len(doubts)


FAULTS = [OSError(28, "No space left on device"), MemoryError(), InputError("ffmpeg was killed")]


@pytest.fixture
def predict(monkeypatch, tmp_path):
    """Predict a good video and one whose decoding raises an error; what is predicted is listed."""

    def predict_both(error, predicted):
        def predict_video(bundle, path, compute, facts):
            if path.endswith("good.avi"):
                return predictor.Prediction(path)
            raise error

        monkeypatch.setattr(predictor, "_predict_video", predict_video)
        videos = [tmp_path / "good.avi", tmp_path / "other.avi"]
        for video in videos:
            video.touch()
        predicted += predictor.predict_videos(SimpleNamespace(members=[]), videos, None)

    return predict_both


@pytest.mark.parametrize("error", FAULTS, ids=repr)
def test_a_fault_of_the_machine_is_no_property_of_a_video(predict, error):
    with pytest.raises(type(error)):
        predict(error, [])


def test_what_is_wrong_with_one_video_stops_no_other(predict, tmp_path):
    denied = PermissionError(13, "Permission denied", str(tmp_path / "other.avi"))
    for error in (DamagedVideo("replace it"), ValueError("x"), denied):
        predict(error, predicted := [])
        assert [bool(prediction.error) for prediction in predicted] == [False, True]


@pytest.mark.parametrize("path", ["~/out", "$HOME/out", "a/$USER"])
def test_predictions_go_to_no_folder_named_as_a_variable(path, capsys):
    with pytest.raises(SystemExit):
        cli.parse_arguments(["bundle.pt", "1.avi", "--out", path])
    assert "~ and $ are not replaced: write the path out" in capsys.readouterr().err


def test_predictions_go_to_no_file(tmp_path, capsys):
    (tmp_path / "out").touch()
    with pytest.raises(SystemExit):
        cli.parse_arguments(["1.avi", "--out", str(tmp_path / "out")])
    assert "out is a file: name a folder" in capsys.readouterr().err


SETTINGS = {
    "size": 64, "resize_mode": "stretch", "clips_per_video": 5, "clip_length": 9,
    "frame_rate": 50, "on_frame_rate_mismatch": "warn",
}  # fmt: skip


@pytest.mark.slow
def test_videos_of_one_camera_are_alike_and_of_another_are_not(tmp_path):
    """One training video, so that all ranges have no width."""
    film = str(tmp_path / "film.avi")
    encode_video(film, render_video(1, 1, 60), 50.0)

    def measure(name, *options):
        run_ffmpeg(["-i", film, *options], tmp_path / name)
        record = extract_clips(str(tmp_path / name), tmp_path / "clips.h5", SETTINGS, name)
        return domain_shift.measure_appearance(read_clips(str(tmp_path / "clips.h5")), record)

    ranges = domain_shift.training_ranges([measure("training.mkv", "-c:v", "ffv1", "-t", "0.6")])

    def warnings(name, *options):
        lines = domain_shift.describe_out_of_range(measure(name, *options), ranges)
        return [line.partition(" ")[0] for line in lines]

    copies = {
        "later.mkv": ["-ss", "0.6", "-c:v", "ffv1"], "mjpeg.avi": ["-c:v", "mjpeg", "-q:v", "5"],
        "h264.mp4": ["-c:v", "libx264", "-crf", "28"], "mpeg4.avi": ["-c:v", "mpeg4", "-q:v", "5"],
        "wmv.wmv": ["-c:v", "wmv2", "-q:v", "5"], "rate.mkv": ["-vf", "setpts=PTS/1.004"],
    }  # fmt: skip
    for name, options in copies.items():
        assert warnings(name, *options) == [], name
    assert warnings("gain.mkv", "-vf", "eq=contrast=1.5") == ["brightness", "contrast"]
    assert warnings("gamma.mkv", "-vf", "eq=gamma=1.3") == ["brightness"]
    assert warnings("half.mkv", "-vf", "crop=iw/2:ih/2")[:2] == ["longer", "shorter"]
    assert warnings("slow.mkv", "-r", "25", "-c:v", "ffv1") == ["frame", "movement"]
