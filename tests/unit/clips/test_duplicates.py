"""Videos that show the same field are noticed, whatever has been done to them."""

from itertools import combinations

import numpy as np
import pytest

from motilens.clips import duplicates
from motilens.clips.duplicates import find_near_duplicates, make_thumbnail
from motilens.clips.extract import extract_clips
from motilens.clips.previews import mean_first_frame
from motilens.simulation.render import render_video
from support.recordings import run_ffmpeg

SETTINGS = {"size": 64, "clips_per_video": 4, "clip_length": 9, "frame_rate": 50.0,
            "on_frame_rate_mismatch": "error"}  # fmt: skip
SOURCE = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "640x480", "-r", "50", "-i", "pipe:"]


def thumbnail_of(frames, folder, resize_mode="stretch", suffix=".avi", encoding="-c:v ffv1"):
    video, clips = folder / f"video{suffix}", folder / "clips.h5"
    run_ffmpeg([*SOURCE, *encoding.split()], video, frames.tobytes())
    extract_clips(str(video), clips, SETTINGS | {"resize_mode": resize_mode}, "1")
    return make_thumbnail(mean_first_frame(str(clips)))


@pytest.fixture(scope="module")
def fields():
    """The frames of two participants' videos."""
    return [np.array(list(render_video(participant, 1, 20)))[..., 1] for participant in (1, 2)]


@pytest.fixture(scope="module")
def thumbnails(tmp_path_factory, fields):
    """By what has been done to the video; "another" is of another participant."""
    (first, second), folder = fields, tmp_path_factory.mktemp("videos")
    return {
        "original": thumbnail_of(first, folder),
        "re-encoded": thumbnail_of(first, folder, suffix=".mp4", encoding="-c:v libx264 -crf 23"),
        "cut": thumbnail_of(first[2:], folder),
        "brighter": thumbnail_of(np.minimum(first, 235) + 20, folder),
        "another": thumbnail_of(second, folder),
    }


def make_records(thumbnails, *names):
    return [{"sample": name, "participant": name, "thumbnail": thumbnails[name]} for name in names]


@pytest.mark.parametrize("block_size", [2, 9])
def test_copies_are_noticed_within_and_across_blocks(thumbnails, monkeypatch, block_size):
    monkeypatch.setattr(duplicates, "BLOCK_SIZE", block_size)
    pairs = find_near_duplicates(make_records(thumbnails, *thumbnails))
    copies = [name for name in thumbnails if name != "another"]
    assert {(a["sample"], b["sample"]) for a, b in pairs} == set(combinations(copies, 2))


def test_two_videos_of_one_participant_are_not_reported(thumbnails):
    original, cut = make_records(thumbnails, "original", "cut")
    cut["participant"] = original["participant"]
    excluded = {"sample": "x", "participant": "x", "skip_reason": "damaged"}
    another = make_records(thumbnails, "another")
    assert find_near_duplicates([original, cut, excluded, *another]) == []


def test_videos_padded_to_a_square_are_not_near_duplicates(tmp_path, fields):
    """Of low contrast, so that the edges of the padding are stronger than those of cells."""
    frames = {"first": fields[0], "second": fields[1], "copy": fields[0][2:]}
    pale = {name: thumbnail_of(f // 2 + 100, tmp_path, "pad") for name, f in frames.items()}
    [pair] = find_near_duplicates(make_records(pale, "first", "second", "copy"))
    assert [record["sample"] for record in pair] == ["first", "copy"]
