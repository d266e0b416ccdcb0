"""Videos: every frame once, in order and in shape; any file name works, every complaint counts."""

import subprocess
from dataclasses import replace

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from motilens.video import decode
from motilens.video.decode import FrameReader
from motilens.video.encode import encode_video
from motilens.video.probe import probe_video
from support.errors import assert_refused
from support.recordings import (
    ALL,
    bar_levels,
    draw_number,
    find_recording,
    make_recording,
    read_number,
    run_ffmpeg,
)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A video that shows its own frame numbers."""
    path = tmp_path_factory.mktemp("video") / "3_09.03.10 a note_XY.avi"
    encode_video(path, map(draw_number, ALL), 50.0)
    return path


def read_all(path, size, resize_mode="stretch"):
    """Return all frames, in order."""
    numbers, frames = zip(*FrameReader(str(path), size, resize_mode), strict=True)
    assert list(numbers) == list(range(len(numbers)))
    return frames


def test_every_frame_is_decoded_once_and_limited_range_is_spread_over_all_gray_levels(video):
    assert [read_number(frame) for frame in read_all(video, 32)] == list(ALL)
    levels = [level for frame in read_all(video, 32) for level in bar_levels(frame)]
    assert min(levels) < 15  # 10 was drawn; the file's own Y plane holds 16 and more
    assert max(levels) > 240
    info = probe_video(str(video))
    assert (info.codec, info.width, info.height, info.pixel_aspect) == ("h264", 64, 48, 1)
    assert info.frames == 120 and info.frame_rate == pytest.approx(50) and not info.is_uneven
    assert info.times == pytest.approx(np.arange(120) / 50)


@pytest.mark.parametrize("max_runs", [1, 1000])
def test_only_selected_frames_are_read_but_all_are_counted(video, monkeypatch, max_runs):
    monkeypatch.setattr(decode, "MAX_RUNS", max_runs)
    selected = np.array([3, 4, 5, 40, 77, 78, 118])
    reader = FrameReader(str(video), 32, "stretch", selected)
    shown = {number: read_number(frame) for number, frame in reader}
    assert shown == {n: n for n in selected.tolist()} and len(reader.times) == 120


def test_more_single_frames_are_selected_than_ffmpeg_adds_in_a_row(tmp_path):
    path = tmp_path / "long.avi"
    source = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=50", "-frames:v", "2100"]
    run_ffmpeg([*source, "-c:v", "mjpeg"], path)
    every_other = np.arange(0, 2100, 2)
    for selected in (every_other[:999], every_other):
        frames = FrameReader(str(path), 16, selected=selected)
        assert [number for number, _ in frames] == list(selected)


@pytest.mark.parametrize("rates", [(30, 24), (24, 30), (50, 35, 50), (50, 47, 44, 41, 38)])
def test_a_rate_that_changes_makes_times_uneven(video, rates):
    """Cameras choose another rate in dim light: no frame is missing, and no step is long."""
    times = np.cumsum(np.repeat(1 / np.array(rates), 60)).round(3)
    assert replace(probe_video(str(video)), times=times).is_uneven


@pytest.mark.parametrize("rate, wander", [(10, 0.24), (50, 0.22), (24, 0), (300, 0), (1000, 0)])
def test_times_that_wander_by_less_than_half_a_frame_are_even(video, rate, wander):
    wander = np.random.default_rng(0).uniform(-wander, wander, 1000)
    times = ((np.arange(1000) + wander) / rate).round(3)
    assert not replace(probe_video(str(video)), times=times).is_uneven


@pytest.mark.parametrize("sides", [["64:48", "32:24"], ["32:24", "64:48"]])
def test_a_second_stream_of_video_is_named(tmp_path, sides):
    """A camera's small preview may come first."""
    chain = f"split[a][b];[a]scale={sides[0]}[c];[b]scale={sides[1]}[d]"
    source = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=50:d=1"]
    maps = ["-filter_complex", chain, "-map", "[c]", "-map", "[d]"]
    run_ffmpeg([*source, *maps], tmp_path / "a.mp4")
    text = probe_video(str(tmp_path / "a.mp4")).stream_warning
    assert "2 streams of video" in text and sides[0].replace(":", " x ") in text


@pytest.mark.parametrize("name", ["h264 cover.mp4", "h264 sound.mp4", "h264 timecode.mov"])
def test_cover_pictures_and_sound_are_no_streams_of_video(tmp_path, name):
    path = make_recording(find_recording(name), tmp_path)
    assert probe_video(str(path)).stream_warning is None


def draw_disc(path, size, pixel_aspect, rotated=False):
    """Write 20 frames of a white disc on gray, two thirds of the shorter side when shown."""
    width, height = size
    y, x = np.mgrid[:height, :width] + 0.5
    radius = min(width * pixel_aspect, height) / 3
    disc = ((x - width / 2) * pixel_aspect) ** 2 + (y - height / 2) ** 2 < radius**2
    frame = np.where(disc, 255, 100).astype(np.uint8).tobytes()
    source = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", "50"]
    options = ["-i", "pipe:", "-vf", f"setsar={pixel_aspect}", "-c:v", "libx264", "-qp", "1"]
    run_ffmpeg([*source, *options], path, frame * 20)
    if rotated:
        other = path.with_name("rotated.mp4")
        run_ffmpeg(["-display_rotation", "90", "-i", path, "-c", "copy"], other)
        other.replace(path)


@pytest.mark.parametrize("size, pixel_aspect", [((160, 96), 1), ((96, 160), 1), ((120, 96), 1.5)])
@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize("resize_mode", ["pad", "crop"])
def test_discs_stay_round(tmp_path, size, pixel_aspect, rotated, resize_mode):
    draw_disc(tmp_path / "a.mp4", size, pixel_aspect, rotated)
    frame = read_all(tmp_path / "a.mp4", 96, resize_mode)[0]
    y, x = np.nonzero(frame > 180)
    shape = size[0] * pixel_aspect / size[1]
    shorter = 96 if resize_mode == "crop" else 96 * min(shape, 1 / shape)
    assert (np.ptp(x), np.ptp(y)) == pytest.approx((shorter * 2 / 3,) * 2, abs=3)
    assert (x.mean(), y.mean()) == pytest.approx((47.5, 47.5), abs=1)
    assert (frame < 20).mean() == pytest.approx(1 - shorter / 96, abs=0.02)


def test_stretching_fills_the_square(tmp_path):
    draw_disc(tmp_path / "a.mp4", (160, 80), 1)
    frame = read_all(tmp_path / "a.mp4", 80)[0]
    y, x = np.nonzero(frame > 180)
    assert 2 * np.ptp(x) == pytest.approx(np.ptp(y), abs=3) and (frame > 50).all()


@pytest.mark.parametrize("name", ["1_10 fps.avi", "1%03d:x.avi", "frame= 9.avi", "-1.avi"])
def test_characters_in_a_file_name_have_no_meaning(video, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(video.read_bytes())
    assert probe_video(name).frames == len(list(FrameReader(name, 32))) == 120


@pytest.mark.parametrize("suffix", ["tiff", "avi"])
def test_a_stack_of_images_is_refused(tmp_path, suffix):
    """Ffmpeg reads the first image only."""
    first, *others = (Image.fromarray(draw_number(n)) for n in range(5))
    path = tmp_path / f"a.{suffix}"
    first.save(path, "tiff", save_all=True, append_images=others)
    assert_refused("a TIFF.*Save As, AVI", probe_video, str(path))


def test_a_list_of_other_files_is_refused(video, tmp_path):
    (tmp_path / "1.avi").write_bytes(video.read_bytes())
    path = tmp_path / "list.avi"
    for text in ("ffconcat version 1.0\nfile 1.avi\n", "#EXTM3U\n#EXTINF:3,\n1.avi\n"):
        path.write_text(text)
        assert_refused("list.avi: it is a list of other files", probe_video, str(path))


def test_an_image_is_not_read_as_a_pattern_of_others(tmp_path):
    for name, level in (("shot0.png", 200), ("shot1.png", 200), ("blue.png", 50)):
        source = f"color=0x{level:02x}0000:size=64x48"
        run_ffmpeg(["-f", "lavfi", "-i", source, "-frames:v", "1"], tmp_path / name)
    path = (tmp_path / "blue.png").rename(tmp_path / "shot%d.png")
    assert_refused("shot%d.png: % in an image's name", probe_video, str(path))
    assert probe_video(str(tmp_path / "shot0.png")).frames == 1


def test_a_complaint_is_damage_even_if_ffmpeg_exits_with_0(tmp_path):
    rng = np.random.default_rng(0)
    whole, path = tmp_path / "whole.avi", tmp_path / "flipped.avi"
    encode_video(whole, rng.integers(0, 255, (40, 48, 64, 3), np.uint8), 50.0)
    run_ffmpeg(["-i", whole, "-c:v", "mjpeg", "-q:v", "2"], path)
    data = bytearray(path.read_bytes())
    frame = data.index(b"00dc", len(data) // 3) + 8
    for offset in (450, 1350, 1500):
        data[frame + offset] ^= 0x10
    path.write_bytes(data)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-xerror", "-i", path, "-f", "null", "-"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert_refused(r"flipped\.avi: ffmpeg cannot read", list, FrameReader(str(path), 32))


def test_same_frames_make_the_same_file_in_a_folder_that_exists(tmp_path):
    for name in ("a.avi", "b.avi"):
        encode_video(tmp_path / name, map(draw_number, range(20)), 50.0)
    assert (tmp_path / "a.avi").read_bytes() == (tmp_path / "b.avi").read_bytes()
    path = tmp_path / "nowhere" / "a.avi"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        encode_video(path, map(draw_number, range(50)), 50.0)
