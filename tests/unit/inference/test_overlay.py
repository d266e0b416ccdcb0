"""The overlay: a video that browsers play, with heads marked where they are."""

import errno
import os
import re
import subprocess
import tracemalloc

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest

from motilens.core.errors import InputError, MachineFault
from motilens.core.faults import describe_fault
from motilens.inference import overlay
from motilens.inference.overlay import COLORS, write_overlay
from motilens.video.encode import encode_video
from motilens.video.ffmpeg import RunningFFmpeg
from motilens.video.probe import find_upright_size, probe_video
from support.tracks import FRAME_RATE, make_track, make_tracked_video, straight_track


def draw_overlay(folder, width, height, frames=10, tracks=None, **others):
    """Write an overlay of a gray video with two cells; return its path."""
    video, target = folder / "video.mkv", folder / "overlay.mp4"
    size = f"{width}x{height}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i"]
    command += [f"color=gray:s={size}:r=50", "-frames:v", str(frames), "-c:v", "ffv1", str(video)]
    subprocess.run(command, check=True)
    if tracks is None:
        right = straight_track(0, frames, 1)
        tracks = pd.concat([straight_track(1, frames), right.assign(x=width - 1)])
        tracks["y"] += height / 2
    tracked = make_tracked_video(tracks, frames, width, height, **others)
    cells = pd.DataFrame({"cell": tracks["cell"].unique()})
    classes = ["rapid_progressive", None]
    write_overlay(target, str(video), tracked, cells.assign(**{"class": classes[: len(cells)]}))
    return target


def read_frames(path, width=None, height=None):
    video = probe_video(str(path))
    size = height or video.height, width or video.width
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, *size, 3)


@pytest.mark.parametrize(
    "size, expected",
    [((640, 480), (640, 480)), ((65, 49), (640, 482)), ((1281, 723), (1280, 722)),
     ((100, 400), (160, 640)), ((2048, 2047), (1280, 1280)), ((641, 30), (640, 30)),
     ((1000, 2), (1000, 2))],
)  # fmt: skip
def test_browsers_play_it_whatever_the_size(tmp_path, size, expected):
    path = draw_overlay(tmp_path, *size)
    video = probe_video(str(path))
    assert (video.codec, video.pixel_format) == ("h264", "yuv420p")
    assert (video.width, video.height) == pytest.approx(expected, abs=2)
    assert video.width % 2 == video.height % 2 == 0
    assert video.frames == 10 and video.frame_rate == pytest.approx(FRAME_RATE)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it plays before it is loaded"


def test_heads_have_circles_in_the_color_of_their_category(tmp_path):
    frames = read_frames(draw_overlay(tmp_path, 400, 400, 60))
    scale, radius = 640 / 400, 0.8 * 12 * 640 / 400
    place = 320, round(59 * scale + radius)
    near = frames[59, place[0] - 3 : place[0] + 4, place[1] - 3 : place[1] + 4].reshape(-1, 3)
    distance = np.abs(near.astype(int) - COLORS["rapid_progressive"]).max(1).min()
    assert distance < 90  # a thin line, of half the colors' resolution
    behind = frames[59, 316:325, round(30 * scale)].astype(int)
    assert (behind[:, 1] - behind[:, 0]).max() > 40, "its trail is green"
    assert (np.ptp(frames[59, 450:, :300].astype(int), axis=2) < 12).all(), "elsewhere it is gray"


def test_pixels_that_are_not_square_are_shown_as_they_are(tmp_path):
    video = probe_video(str(draw_overlay(tmp_path, 640, 480)))
    assert video.pixel_aspect == 1
    stretched = make_tracked_video(straight_track(1, 10), 10, 320, 480, pixel_aspect=2.0)
    source = tmp_path / "oblong.mkv"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i"]
    command += ["color=gray:s=320x480:r=50", "-frames:v", "10", "-vf", "setsar=2"]
    subprocess.run([*command, "-c:v", "ffv1", str(source)], check=True)
    cells = pd.DataFrame({"cell": [0], "class": ["immotile"]})
    write_overlay(tmp_path / "oblong.mp4", str(source), stretched, cells)
    video = probe_video(str(tmp_path / "oblong.mp4"))
    assert (video.width, video.height) == (640, 480)


@pytest.mark.parametrize("size, aspect, rotation", [
    ((320, 240), 1, 90), ((320, 240), 1, 180), ((160, 240), 2, 0), ((160, 240), 2, 270),
    ((639, 479), 1, 0), ((2000, 1124), 1, 0),
])  # fmt: skip
def test_heads_are_marked_where_the_video_shows_them(tmp_path, size, aspect, rotation):
    """Turned, with oblong pixels, of an odd size, reduced: circles lie around the bright disk."""
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    place, unit = (round(0.3 * width), round(0.7 * height)), max(width * aspect, height) / 320
    is_disk = np.hypot((columns - place[0]) * aspect, rows - place[1]) < 4 * unit
    frame = np.where(is_disk, 255, 100).astype(np.uint8)[..., None].repeat(3, 2)
    encode_video(tmp_path / "plain.mkv", [frame[: height // 2 * 2, : width // 2 * 2]] * 3, 50.0)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
    square = [*command, "-i", tmp_path / "plain.mkv", "-vf", f"setsar={aspect}", "-c:v", "libx264"]
    subprocess.run([*square, tmp_path / "square.mp4"], check=True)
    turn = ["-display_rotation", str(rotation), "-i", tmp_path / "square.mp4", "-c", "copy"]
    subprocess.run([*command, *turn, tmp_path / "turned.mp4"], check=True)
    path = str(tmp_path / "turned.mp4")
    video = probe_video(path)
    width, height, pixel_aspect = find_upright_size(path, video)
    shown = read_frames(path, width, height)[0].max(2) > 200
    y, x = np.argwhere(shown).mean(0)
    tracks = make_track([(x, y)] * 3)
    length = 12 * max(width * pixel_aspect, height) / 320
    tracked = make_tracked_video(
        tracks, 3, width, height, head_length=length, pixel_aspect=pixel_aspect
    )
    cells = pd.DataFrame({"cell": [0], "class": ["rapid_progressive"]})
    write_overlay(tmp_path / "overlay.mp4", path, tracked, cells)
    drawn = read_frames(tmp_path / "overlay.mp4")[1] @ [0.299, 0.587, 0.114]
    drawn[:100, :200] = 100  # the legend
    disk = np.argwhere(drawn > 200).mean(0)
    distance = np.hypot(*(np.indices(drawn.shape).T - disk).T) * 320 / max(drawn.shape)
    circle = np.argwhere((np.abs(distance - 9.6) < 2) & (drawn > 115))
    assert len(circle) > 30 and circle.mean(0) == pytest.approx(disk, abs=0.6)


def test_no_cells_and_many_frames_take_no_memory(tmp_path):
    tracemalloc.start()
    draw_overlay(tmp_path, 640, 480, 200, straight_track(0, 1).iloc[:0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6, "200 frames would be 80 MB of gray levels"


def test_an_ffmpeg_without_h264_is_reported(tmp_path, monkeypatch):
    monkeypatch.setitem(write_overlay.__globals__["H264"], "vcodec", "libnothing")
    with pytest.raises(InputError, match="this ffmpeg cannot write H.264: correct IMAGEIO_FFMPEG"):
        draw_overlay(tmp_path, 64, 48)
    assert not re.search("part", " ".join(path.name for path in tmp_path.iterdir()))


def test_a_full_disk_is_not_the_videos_fault(tmp_path, monkeypatch):
    class FullDisk(RunningFFmpeg):
        def __exit__(self, kind, error, traceback):
            super().__exit__(kind, error, traceback)
            self.report += f"Error writing trailer: {os.strerror(errno.ENOSPC)}"
            raise MachineFault("if it stays so, the video is damaged: replace it")

    monkeypatch.setattr(overlay, "RunningFFmpeg", FullDisk)
    with pytest.raises(OSError) as stop:
        draw_overlay(tmp_path, 64, 48)
    assert describe_fault(stop.value, "").endswith(
        "overlay.mp4: No space left on device: free some space, and run again"
    )


def test_an_encoder_is_not_left_behind_by_a_damaged_video(tmp_path):
    encode_video(tmp_path / "whole.avi", np.zeros((30, 480, 640, 3), np.uint8), 50.0)
    (tmp_path / "cut.avi").write_bytes((tmp_path / "whole.avi").read_bytes()[:3000])
    tracked = make_tracked_video(straight_track(1, 30), 30)
    cells = pd.DataFrame({"cell": [0], "class": ["immotile"]})
    with pytest.raises(InputError, match="cut.avi"):
        write_overlay(tmp_path / "out.mp4", str(tmp_path / "cut.avi"), tracked, cells)
