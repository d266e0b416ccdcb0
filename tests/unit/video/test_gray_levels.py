"""Videos keep what they hold, whatever their pixels: deep, interlaced, changing, cut, untimed."""

import re

import numpy as np
import pytest

from motilens.clips.extract import extract_clips
from motilens.clips.hdf5 import read_clips
from motilens.tracking.blobs import track_blobs
from motilens.tracking.detector import HeadDetector
from motilens.tracking.frame_setup import choose_setup
from motilens.video import decode as decode_module
from motilens.video.decode import FrameReader
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.gray_levels import find_gray_levels
from motilens.video.interlacing import describe_interlacing
from motilens.video.probe import find_upright_size, parse_framecrc, probe_video
from support.errors import assert_refused
from support.recording_matrix import SETTINGS
from support.recordings import Recording, find_recording, make_recording, run_ffmpeg

SIZE = (96, 128)
PLAIN = {"size": 64, "clips_per_video": 2, "clip_length": 4}


def draw_waves(number, greatest):
    """Return a frame with gray levels from 0 to `greatest`, which moves."""
    y, x = np.indices(SIZE)
    waves = np.sin(x / 9 + number / 5) + np.cos(y / 7) + 2
    return (waves / 4 * greatest).astype("<u2")


def write_raw(path, frames, pixels, *options, rate=50):
    """Encode frames of 8 or 16 bits by ffmpeg; `pixels` is its name of their format."""
    height, width = frames[0].shape
    source = ["-f", "rawvideo", "-pix_fmt", pixels, "-s", f"{width}x{height}", "-r", str(rate)]
    run_ffmpeg([*source, "-i", "pipe:", *options], path, b"".join(f.tobytes() for f in frames))
    return str(path)


def decode(path, size=64):
    video = probe_video(path)
    reader = FrameReader(path, size, levels=find_gray_levels(path, video))
    return np.array([frame for _, frame in reader])


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix, options", [
    ("mkv", ["-c:v", "ffv1"]), ("mov", ["-c:v", "png"]),
    ("mov", ["-c:v", "rawvideo", "-pix_fmt", "rgb48be"]),
])  # fmt: skip
def test_the_bits_in_use_become_gray_levels(tmp_path, bits, suffix, options):
    frames = [draw_waves(number, 2**bits - 1) for number in range(20)]
    path = write_raw(tmp_path / f"deep.{suffix}", frames, "gray16le", *options)
    expected = [np.uint8(frame / 2 ** (bits - 8)) for frame in frames]
    plain = write_raw(tmp_path / "plain.mkv", expected, "gray", "-c:v", "ffv1")
    assert find_gray_levels(path, probe_video(path)).bits == bits
    assert np.abs(decode(path).astype(int) - decode(plain)).max() <= 3
    record = extract_clips(path, tmp_path / "clips.h5", SETTINGS | PLAIN, "1")
    assert record["video_bits"] == bits and record["video_pixel_format"].startswith(("gray", "rgb"))
    assert record["warning"] == "" and record["gray_levels"] > 200


def test_hot_pixels_do_not_change_the_bits_in_use(tmp_path):
    frames = [draw_waves(number, 4095) for number in range(20)]
    frames[3][0, 0] = frames[7][5, 5] = 65535
    path = write_raw(tmp_path / "hot.mkv", frames, "gray16le", "-c:v", "ffv1")
    assert find_gray_levels(path, probe_video(path)).bits == 12


def test_a_white_scale_bar_on_darker_pixels_does_not_change_the_bits_in_use(tmp_path):
    frames = [draw_waves(number, 4095) for number in range(20)]
    for frame in frames:
        frame[80:84, 20:60] = 65535
    path = write_raw(tmp_path / "bar.mkv", frames, "gray16le", "-c:v", "ffv1")
    assert find_gray_levels(path, probe_video(path)).bits == 12
    bright = [np.minimum(frame * 16.0, 65535).astype("<u2") for frame in frames]
    path = write_raw(tmp_path / "bright.mkv", bright, "gray16le", "-c:v", "ffv1")
    assert find_gray_levels(path, probe_video(path)).bits == 16


def test_raw_pixels_of_16_bits_without_a_name_are_refused_and_the_remedy_works(tmp_path):
    frames = [draw_waves(number, 65535) for number in range(20)]
    raw = ["-c:v", "rawvideo", "-allow_raw_vfw", "1"]
    path = write_raw(tmp_path / "raw.mkv", frames, "gray16le", *raw)
    with pytest.raises(DamagedVideo, match="may be gray levels or colors") as refused:
        probe_video(path)
    first, second = str(refused.value).split("If gray: ffmpeg ")[1].split(", then ffmpeg ")
    names = {"OLD": path, "NEW.raw": str(tmp_path / "NEW.raw"), "RATE": "50"}
    for command in (first, second.split(" NEW.mkv")[0] + " NEW.mkv"):
        *options, target = (names.get(word, word) for word in command.split())
        run_ffmpeg(options, tmp_path / target)
    expected = write_raw(tmp_path / "plain.mkv", frames, "gray16le", "-c:v", "ffv1")
    assert (decode(str(tmp_path / "NEW.mkv")) == decode(expected)).all()


def test_a_gif_whose_frames_take_no_time_has_no_frame_rate(tmp_path):
    frames = [np.uint8(draw_waves(number, 255)) for number in range(8)]
    path = write_raw(tmp_path / "waves.gif", frames, "gray")
    assert probe_video(path).frame_rate == pytest.approx(50)
    data = (tmp_path / "waves.gif").read_bytes()
    (tmp_path / "waves.gif").write_bytes(
        re.sub(rb"(\x21\xf9\x04.)\x02\0", rb"\1\0\0", data, flags=re.DOTALL)
    )
    assert np.isnan(probe_video(path).frame_rate) and probe_video(path).frames == 8


def test_ten_bits_in_gray_of_twelve(tmp_path):
    frames = [draw_waves(number, 1023) for number in range(20)]
    path = write_raw(tmp_path / "deep.nut", frames, "gray12le", "-c:v", "rawvideo")
    assert probe_video(path).pixel_format == "gray12le"
    assert find_gray_levels(path, probe_video(path)).bits == 10
    assert len(np.unique(decode(path))) > 200


@pytest.mark.parametrize("bits, depth", [(10, 10), (10, 12), (12, 12), (12, 16), (16, 16)])
@pytest.mark.parametrize("suffix, codec", [("nut", "rawvideo"), ("mkv", "ffv1")])
def test_big_endian_gray_levels_are_read_as_little_endian_ones(
    tmp_path, bits, depth, suffix, codec
):
    frames = [draw_waves(number, 2**bits - 1) for number in range(4)]
    little, big = (
        write_raw(
            tmp_path / f"{order}.{suffix}",
            [frame.astype("<u2" if order == "le" else ">u2") for frame in frames],
            f"gray{depth}{order}", "-c:v", codec,
        )
        for order in ("le", "be")
    )  # fmt: skip
    assert find_gray_levels(big, probe_video(big)).bits == bits
    assert (decode(big) == decode(little)).all() and len(np.unique(decode(big))) > 200
    plain = write_raw(
        tmp_path / "plain.mkv", [np.uint8(f / 2 ** (bits - 8)) for f in frames], "gray",
        "-c:v", "ffv1",
    )  # fmt: skip
    assert np.abs(decode(big).astype(int) - decode(plain)).max() <= 3


def test_ten_bits_of_a_video_codec_are_read_by_ffmpeg(tmp_path):
    path = str(make_recording(find_recording("h264 gray10le.mkv"), tmp_path))
    assert find_gray_levels(path, probe_video(path)).filters == ""


def test_cells_are_tracked_in_deep_videos_too(tmp_path):
    frames = []
    for number in range(30):
        y, x = np.indices((480, 640))
        spot = np.exp(-((x - 100 - 2 * number) ** 2 + (y - 200) ** 2) / 30)
        frames.append((400 + 3000 * spot).astype("<u2"))
    path = write_raw(tmp_path / "deep.mkv", frames, "gray16le", "-c:v", "ffv1")
    settings = {"diameter": 11, "min_mass_fraction": 0.25, "search_range": 9, "memory": 3}
    tracks, first = track_blobs(path, 30, 26, settings)
    assert tracks["cell"].nunique() == 1 and np.ptp(tracks["x"]) == pytest.approx(58, abs=1)
    assert first.max() > 200


def edit_avi_header(path, name, bits, palette=True):
    """Change what an AVI file says of its pixels."""
    data = bytearray(path.read_bytes())
    at = data.index(b"strf") + 8
    assert palette or data[at - 4 : at] == b"\x28\0\0\0"
    data[at + 14], data[at + 16 : at + 20] = bits, name
    path.write_bytes(data)
    return str(path)


def test_eight_bits_without_a_table_of_colors_are_gray_levels(tmp_path):
    frames = [np.uint8(draw_waves(number, 255)) for number in range(20)]
    path = tmp_path / "1.avi"
    write_raw(path, [frame[::-1] for frame in frames], "gray", "-c:v", "rawvideo")
    # From the top, as ffmpeg writes it, to from the bottom, as such files are.
    data = bytearray(path.read_bytes())
    at = data.index(b"strf") + 8
    data[at + 8 : at + 12] = SIZE[0].to_bytes(4, "little")
    path.write_bytes(data)
    path = edit_avi_header(path, b"\0\0\0\0", 8, palette=False)
    plain = write_raw(tmp_path / "plain.mkv", frames, "gray", "-c:v", "ffv1")
    assert (decode(path) == decode(plain)).all()
    record = extract_clips(path, tmp_path / "clips.h5", SETTINGS | PLAIN, "1")
    assert record["gray_levels"] > 200 and read_clips(tmp_path / "clips.h5").mean() > 50


@pytest.mark.parametrize("name", [b"Y16 ", b"Y1\0\x10", b"Y12 ", b"\0\0\0\0"])
def test_sixteen_bits_in_avi_are_refused_with_a_remedy_that_works(tmp_path, name):
    frames = [draw_waves(number, 4095) for number in range(20)]
    path = tmp_path / "1.avi"
    write_raw(path, frames, "gray16le", "-c:v", "rawvideo")
    path = edit_avi_header(path, name, 16)
    with pytest.raises(DamagedVideo, match="raw pixels of 16 bits are not read from AVI") as caught:
        probe_video(path)
    command = str(caught.value).partition("levels: ffmpeg ")[2].partition(" (if")[0]
    options = command.replace("OLD", path).split()[:-1]
    run_ffmpeg(options, tmp_path / "new.mkv")
    expected = write_raw(tmp_path / "plain.mkv", frames, "gray16le", "-c:v", "ffv1")
    assert (decode(str(tmp_path / "new.mkv")) == decode(expected)).all()


def join_videos(tmp_path, first, second):
    """Return a video that goes on as another one, 20 frames each."""
    parts = []
    for number, options in enumerate((first, second)):
        source = ["-f", "lavfi", "-i", "testsrc2=s=160x120:r=50", "-frames:v", "20"]
        parts.append(tmp_path / f"{number}.ts")
        run_ffmpeg([*source, "-c:v", "libx264", "-bf", "0", *options], parts[-1])
    path = tmp_path / "joined.h264"
    raw = []
    for part in parts:
        run_ffmpeg(["-i", str(part), "-c", "copy"], part.with_suffix(".h264"))
        raw.append(part.with_suffix(".h264").read_bytes())
    path.write_bytes(b"".join(raw))
    run_ffmpeg(["-r", "50", "-i", str(path), "-c", "copy"], tmp_path / "joined.mkv")
    return str(tmp_path / "joined.mkv")


@pytest.mark.parametrize("change, words", [
    (["-vf", "scale=320:240"], "from 160x120 yuv420p.* to 320x240 yuv420p"),
    (["-pix_fmt", "yuv444p"], "from 160x120 yuv420p.* to 160x120 yuv444p"),
    (["-vf", "scale=out_range=pc", "-color_range", "pc"], "from 160x120 yuv420p.* to .* pc"),
])  # fmt: skip
def test_frames_that_change_are_refused_with_a_remedy_that_works(tmp_path, change, words):
    first = ["-pix_fmt", "yuv420p", "-color_range", "tv"]
    path = join_videos(tmp_path, first, [*first, *change])
    with pytest.raises(DamagedVideo, match=rf"change at frame 20 \({words}\)") as caught:
        list(FrameReader(path, 32, selected=np.arange(5)))
    command = str(caught.value).partition("alike: ffmpeg ")[2]
    run_ffmpeg(command.replace("OLD", path).split()[:-1], tmp_path / "new.mkv")
    assert len(decode(str(tmp_path / "new.mkv"))) == 40


def draw_disc(moment):
    y, x = np.indices((240, 320))
    return np.uint8(60 + 120 * ((x - 40 - 8 * moment) ** 2 + (y - 120) ** 2 < 400))


def weave(number):
    """Return a frame whose odd lines were taken half a frame later."""
    frame = draw_disc(number)
    frame[1::2] = draw_disc(number + 0.5)[1::2]
    return frame


def interlacing_of(path):
    video = probe_video(path)
    return describe_interlacing(path, video, find_gray_levels(path, video))


@pytest.mark.parametrize("noise", [0, 6])
def test_interlaced_frames_have_a_warning_and_a_remedy_that_works(tmp_path, noise):
    rng = np.random.default_rng(0)

    def write(name, draw):
        frames = [np.uint8(draw(n) + rng.normal(0, noise, (240, 320))) for n in range(30)]
        return write_raw(tmp_path / name, frames, "gray", "-c:v", "ffv1")

    assert interlacing_of(write("plain.mkv", draw_disc)) is None
    path = write("woven.mkv", weave)
    warning = interlacing_of(path)
    assert "odd and even lines of its frames show" in warning
    command = warning.partition("ffmpeg ")[2].replace("OLD", path)
    run_ffmpeg(command.split()[:-1], tmp_path / "new.mkv")
    new = str(tmp_path / "new.mkv")
    assert probe_video(new).frames == 30 and interlacing_of(new) is None
    record = extract_clips(path, tmp_path / "clips.h5", SETTINGS | PLAIN, "1")
    assert record["warning"].startswith("is interlaced")


def test_a_video_that_is_interlaced_and_turned_is_not_tracked_and_has_a_remedy(tmp_path):
    frames = [np.uint8(weave(n)) for n in range(30)]
    path = write_raw(tmp_path / "woven.mkv", frames, "gray", "-c:v", "ffv1")
    turned, new = str(tmp_path / "turned.mkv"), str(tmp_path / "new.mkv")
    run_ffmpeg(["-display_rotation", "90", "-i", path, "-c", "copy"], turned)
    video = probe_video(turned)
    assert video.is_turned and not probe_video(path).is_turned
    with pytest.raises(DamagedVideo, match="is interlaced and turned: ffmpeg ") as refused:
        choose_setup(turned, video, HeadDetector(), 30, 50.0)
    command = str(refused.value).partition("ffmpeg ")[2].replace("OLD", turned)
    run_ffmpeg(command.split()[:-1], new)
    assert interlacing_of(new) is None
    assert find_upright_size(new, probe_video(new))[:2] == (240, 320)


def test_a_video_that_says_it_is_interlaced_has_a_warning(tmp_path):
    path = str(make_recording(find_recording("h264 interlaced.mp4"), tmp_path))
    assert "(the file says)" in interlacing_of(path)


def test_what_ffmpeg_takes_for_the_rate_is_not_the_files(tmp_path):
    jpeg = make_recording(Recording("1", ".mjpg", "-c:v mjpeg -f mjpeg", "yuvj420p"), tmp_path)
    avi = make_recording(find_recording("mpeg4.avi"), tmp_path)
    data = bytearray(avi.read_bytes())
    at = data.index(b"strh") + 28
    data[at : at + 8] = bytes(8)
    avi.write_bytes(data)
    y4m = make_recording(Recording("2", ".y4m", "-f yuv4mpegpipe"), tmp_path)
    y4m.write_bytes(y4m.read_bytes().replace(b" F50:1", b"", 1))
    for path in (jpeg, avi, y4m):
        assert np.isnan(probe_video(str(path)).frame_rate) and probe_video(str(path)).frames == 120
        clips = tmp_path / "clips.h5"
        assert_refused(
            "does not say when its frames", extract_clips, str(path), clips, SETTINGS, "1"
        )
        record = extract_clips(str(path), clips, SETTINGS, "1", {"frame_rate": 50.0})
        assert record["video_frame_rate"] == 50 and "file_frame_rate" not in record
    own = make_recording(find_recording("h264.h264"), tmp_path)
    assert probe_video(str(own)).frame_rate == pytest.approx(50)


@pytest.mark.parametrize("name", ["mjpeg yuvj420p.avi", "raw gray.avi", "mpeg4 sound.avi"])
def test_a_part_of_an_avi_file_of_several_is_missing(tmp_path, name):
    path = make_recording(find_recording(name), tmp_path)
    data = bytearray(path.read_bytes())
    at = data.index(b"odmldmlh") + 12
    data[at : at + 4] = (1020).to_bytes(4, "little")
    path.write_bytes(data)
    assert_refused("holds 120 of 1020 frames by its own index", probe_video, str(path))


@pytest.mark.parametrize("name", ["raw gray.avi", "mjpeg yuvj420p.avi", "mpeg4 sound.avi"])
def test_frames_that_an_avi_file_has_lost_in_the_middle_are_noticed(tmp_path, name):
    path = make_recording(find_recording(name), tmp_path)
    data = bytearray(path.read_bytes())
    at = data.index(b"00d", data.index(b"movi") + len(data) // 3)
    data[at : at + 8] = bytes(8)  # the header of one frame, as on a bad sector
    path.write_bytes(data)
    with pytest.raises(DamagedVideo):
        list(FrameReader(str(path), 32, levels=find_gray_levels(str(path), probe_video(str(path)))))


def test_times_that_go_back_are_refused(tmp_path, monkeypatch):
    path = make_recording(find_recording("mpeg4.mkv"), tmp_path)

    def parse_joined(text):
        header, packets = parse_framecrc(text)
        return header, packets.assign(pts=[*range(60), *range(40, 100)])

    monkeypatch.setattr(decode_module, "parse_framecrc", parse_joined)
    assert_refused("its times go back after frame 59", list, FrameReader(str(path), 32))


@pytest.mark.parametrize("name", ["h264.mkv", "vp9.webm", "h264.flv", "wmv2.wmv", "raw gray.mkv"])
def test_a_file_that_is_cut_between_two_packets_is_noticed(tmp_path, name):
    path = make_recording(find_recording(name), tmp_path)
    data = path.read_bytes()
    for share in np.linspace(0.1, 0.95, 12):
        path.write_bytes(data[: int(len(data) * share)])
        assert_refused("lacks the last", probe_video, str(path))
