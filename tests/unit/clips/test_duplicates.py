"""Videos that show the same field are noticed, whatever has been done to them."""

import ffmpeg
import imageio_ffmpeg
import numpy as np
import pytest

from motilens.clips.duplicates import find_near_duplicates, make_thumbnail
from motilens.clips.extract import extract_clips
from motilens.clips.previews import mean_first_frame
from motilens.simulation.render import render_video

SETTINGS = {"size": 64, "aspect": "squeeze", "clips_per_video": 4, "clip_length": 9,
            "frame_rate": 50.0, "other_frame_rate": "stop"}  # fmt: skip


def drawn(path, participant, change=lambda frames: frames, **options):
    """A simulated video, changed; coded with `options` of ffmpeg."""
    frames = change(np.array(list(render_video(participant, 1, 60)))[..., 1])
    picture = ffmpeg.input(
        "pipe:", format="rawvideo", pix_fmt="gray", s="640x480", framerate=50
    ).output(str(path), **options)
    picture.run(
        imageio_ffmpeg.get_ffmpeg_exe(), input=np.ascontiguousarray(frames).tobytes(), quiet=True
    )
    return str(path)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Thumbnails by what has been done."""
    folder = tmp_path_factory.mktemp("videos")
    made = {
        "original": drawn(folder / "a.avi", 1, vcodec="ffv1"),
        "coded anew": drawn(folder / "b.mp4", 1, vcodec="libx264", crf=23),
        "cut": drawn(folder / "c.avi", 1, lambda frames: frames[2:], vcodec="ffv1"),
        "brighter": drawn(
            folder / "d.avi", 1, lambda frames: np.minimum(frames, 235) + 20, vcodec="ffv1"
        ),
        "another": drawn(folder / "e.avi", 2, vcodec="ffv1"),
    }
    thumbnails = {}
    for name, path in made.items():
        extract_clips(path, folder / "clips.h5", SETTINGS, name)
        thumbnails[name] = make_thumbnail(mean_first_frame(str(folder / "clips.h5")))
    return thumbnails


def records(seen, *names):
    return [{"sample": name, "participant": name, "thumbnail": seen[name]} for name in names]


@pytest.mark.parametrize("copy", ["coded anew", "cut", "brighter"])
def test_a_copy_is_noticed(seen, copy):
    [pair] = find_near_duplicates(records(seen, "original", "another", copy))
    assert [one["sample"] for one in pair] == ["original", copy]


def test_what_is_no_copy_of_somebody_else_is_not(seen):
    one, other = records(seen, "original", "cut")
    other["participant"] = one["participant"]
    left_out = {"sample": "x", "participant": "x", "problem": "damaged"}
    assert find_near_duplicates([one, other, left_out, *records(seen, "another")]) == []
