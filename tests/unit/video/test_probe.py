"""Decoding: every kind of recording frame by frame, and damage in one clear line."""

import struct
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import h5py
import imageio_ffmpeg
import matrix
import numpy as np
import pytest
from matrix import DAMAGES, ROOT, SETTINGS, recording
from recordings import ALL, ROWS, bars_in, make, number_in, picture

from motilens.clips.extract import extract_clips
from motilens.core.errors import InputError
from motilens.video import decode, seek
from motilens.video.decode import RESIZE_FILTERS, FrameReader
from motilens.video.encode import encode_video
from motilens.video.probe import VideoInfo, probe_video
from motilens.video.seek import SeekError, decode_segments, plan_segments

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "3_09.03.10 a note_XY.avi"
    encode_video(path, map(picture, ALL), 50.0)
    return path


@pytest.fixture(scope="module")
def outcomes():
    return matrix.outcomes()


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.name + row.suffix for row in ROWS])
def test_clips_hold_exactly_their_frames(outcomes, number):
    """The comparison frame by frame is in `outcome`."""
    refused = ("h264 gop.mkv", "h264 gop.ts", "h264 twice.ts")
    row = ROWS[number]
    meant = "refused" if row.name + row.suffix in refused else matrix.EXACT
    assert outcomes[number].startswith(meant)
    evenly = row.rate == "50" and list(row.numbers) == list(ALL) and row.packets is None
    if evenly:
        assert outcomes[number] == matrix.EXACT


def test_the_docs_show_what_happens(outcomes):
    page = (ROOT / "docs/recordings.md").read_text(encoding="utf-8")
    rendered = matrix.rendered(page, outcomes, matrix.all_messages())
    assert matrix.essential(page) == matrix.essential(rendered), "make recordings"
    for aspect, chain in RESIZE_FILTERS.items():
        assert f"| `{aspect}` | `{chain.format(size=256)}` |" in page


@pytest.mark.parametrize("number", range(len(DAMAGES)), ids=[damage.what for damage in DAMAGES])
def test_damage_is_told_in_one_line_that_names_the_file(tmp_path, number):
    told = matrix.message(DAMAGES[number], tmp_path)
    assert "FILE" in told and "\n" not in told


def decoded(path, size, aspect="squeeze"):
    """All frames, in order."""
    numbers, frames = zip(*FrameReader(str(path), size, aspect), strict=True)
    assert list(numbers) == list(range(len(numbers)))
    return frames


@pytest.mark.parametrize("most", [1, 1000])
def test_only_what_is_needed_comes_and_all_is_counted(source, monkeypatch, most):
    monkeypatch.setattr(decode, "MAX_RUNS", most)
    needed = np.array([3, 4, 5, 40, 77, 78, 118])
    part = FrameReader(str(source), 32, "squeeze", needed)
    found = {number: number_in(frame) for number, frame in part}
    assert found == {n: n for n in needed.tolist()} and len(part.times) == 120


def test_many_single_frames(tmp_path):
    """ffmpeg itself does not take a sum of more than a hundred terms."""
    path = tmp_path / "long.avi"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=50", "-frames:v", "2100"]
    subprocess.run([*FFMPEG, *picture, "-c:v", "mjpeg", path], check=True)
    needed = np.arange(0, 2100, 2)
    for some in (needed[:999], needed):
        assert [number for number, _ in FrameReader(str(path), 16, needed=some)] == list(some)


def test_a_video_is_counted_and_timed(source):
    found = probe_video(str(source))
    assert (found.codec, found.width, found.height, found.pixel_aspect) == ("h264", 64, 48, 1)
    assert found.frames == 120 and found.frame_rate == pytest.approx(50) and not found.uneven
    assert found.times == pytest.approx(np.arange(120) / 50)


def test_every_frame_is_decoded_once_in_order(source):
    assert [number_in(f) for f in decoded(source, 32)] == list(ALL)


def test_limited_range_is_spread_over_all_grey_levels(source):
    levels = [level for frame in decoded(source, 32) for level in bars_in(frame)]
    assert min(levels) < 15  # 10 was drawn; 16 + is what the file's own Y plane holds
    assert max(levels) > 240


def circle(path, size, aspect, turned=False):
    """A white disc on grey, two thirds of the shorter side when it is shown: 20 frames."""
    width, height = size
    wide = f"{width}x{height}"
    y, x = np.mgrid[:height, :width] + 0.5
    radius = min(width * aspect, height) / 3
    round_ = ((x - width / 2) * aspect) ** 2 + (y - height / 2) ** 2 < radius**2
    frame = np.where(round_, 255, 100).astype(np.uint8).tobytes()
    command = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", wide, "-r", "50", "-i", "pipe:"]
    options = ["-vf", f"setsar={aspect}", "-c:v", "libx264", "-qp", "1", path]
    subprocess.run([*FFMPEG, *command, *options], input=frame * 20, check=True)
    if turned:
        other = path.with_name("turned.mp4")
        command = [*FFMPEG, "-display_rotation", "90", "-i", path, "-c", "copy", other]
        subprocess.run(command, check=True)
        other.replace(path)


@pytest.mark.parametrize("size, pixel", [((160, 96), 1), ((96, 160), 1), ((120, 96), 1.5)])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("aspect", ["pad", "crop"])
def test_round_stays_round(tmp_path, size, pixel, turned, aspect):
    circle(tmp_path / "a.mp4", size, pixel, turned)
    frame = decoded(tmp_path / "a.mp4", 96, aspect)[0]
    y, x = np.nonzero(frame > 180)
    shape = size[0] * pixel / size[1]
    shorter = 96 if aspect == "crop" else 96 * min(shape, 1 / shape)
    assert (np.ptp(x), np.ptp(y)) == pytest.approx((shorter * 2 / 3,) * 2, abs=3)
    assert (x.mean(), y.mean()) == pytest.approx((47.5, 47.5), abs=1)
    assert (frame < 20).mean() == pytest.approx(1 - shorter / 96, abs=0.02)


def test_squeezing_fills_the_square(tmp_path):
    circle(tmp_path / "a.mp4", (160, 80), 1)
    frame = decoded(tmp_path / "a.mp4", 80)[0]
    y, x = np.nonzero(frame > 180)
    assert 2 * np.ptp(x) == pytest.approx(np.ptp(y), abs=3) and (frame > 50).all()


def test_what_ffmpeg_complains_of_is_damage_even_if_it_ends_well(tmp_path):
    rng = np.random.default_rng(0)
    whole, path = tmp_path / "whole.avi", tmp_path / "flipped.avi"
    encode_video(whole, rng.integers(0, 255, (40, 48, 64, 3), np.uint8), 50.0)
    ffmpeg = [*FFMPEG, "-xerror"]
    command = [*ffmpeg, "-i", whole, "-c:v", "mjpeg", "-q:v", "2", path]
    subprocess.run(command, check=True)
    data = bytearray(path.read_bytes())
    frame = data.index(b"00dc", len(data) // 3) + 8
    for place in (450, 1350, 1500):
        data[frame + place] ^= 0x10
    path.write_bytes(data)
    subprocess.run([*ffmpeg, "-i", path, "-f", "null", "-"], check=True, stderr=subprocess.DEVNULL)
    with pytest.raises(InputError, match=r"flipped\.avi: ffmpeg cannot read"):
        extract_clips(str(path), tmp_path / "a.h5", SETTINGS, "1")


@pytest.mark.parametrize("name", ["1_10 fps.avi", "1%03d:x.avi", "frame= 9.avi", "-1.avi"])
def test_names_are_only_names(source, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(source.read_bytes())
    assert probe_video(name).frames == len(decoded(name, 32)) == 120


@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile 1.avi\n", "#EXTM3U\n#EXTINF:3,\n1.avi\n"]
)
def test_a_list_of_other_files_is_no_video(source, tmp_path, text):
    (tmp_path / "1.avi").write_bytes(source.read_bytes())
    path = tmp_path / "list.avi"
    path.write_text(text)
    with pytest.raises(InputError, match="list.avi: it is a list of other files"):
        probe_video(str(path))


def test_an_encoder_that_cannot_write_says_where(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        encode_video(tmp_path / "nowhere" / "a.avi", map(picture, range(50)), 50.0)


def test_same_frames_same_file(tmp_path):
    for name in ("a.avi", "b.avi"):
        encode_video(tmp_path / name, map(picture, range(20)), 50.0)
    assert (tmp_path / "a.avi").read_bytes() == (tmp_path / "b.avi").read_bytes()


def test_single_frames_are_found_where_they_are_looked_for(tmp_path, monkeypatch):
    """Wherever seek is dared, it gives the same frames, or says that it is unsure."""
    monkeypatch.setattr(seek, "SEEK_COST_FRAMES", 0)
    monkeypatch.setattr(seek, "MAX_COST_RATIO", 1e9)
    needed = np.array([n for p in (0, 29, 47, 63) for n in (p, p + 1, p + 3)])
    results = {"right": [], "unsure": [], "not tried": []}

    def one(row):
        with tempfile.TemporaryDirectory() as folder:
            path = str(make(row, Path(folder)))
            try:
                found = probe_video(path)
            except InputError:
                return "not tried", row
            runs = plan_segments(found, needed)
            if not runs:
                return "not tried", row
            try:
                frames = dict(decode_segments(path, found, needed, runs, 32, "squeeze"))
            except SeekError:
                return "unsure", row
            every = decoded(path, 32)
            assert list(frames) == needed.tolist(), row
            assert all(np.array_equal(frames[n], every[n]) for n in frames), row
            return "right", row

    with ThreadPoolExecutor(2) as pool:
        for result, row in pool.map(one, ROWS):
            results[result].append(row.name + row.suffix)
    assert {"mpeg4.avi", "h264.mp4", "h264 long.mp4", "mjpeg yuvj420p.avi",
            "vp9.webm", "raw gray.avi"} <= set(results["right"])  # fmt: skip
    assert {"h264.avi", "h264.ts", "vp8.avi", "raw pal8.avi"} <= set(results["not tried"])
    assert {"mpeg4 b.mp4"} <= set(results["unsure"])
    assert len(results["right"]) > 90


def described(frames, keys=(0,)):
    key = np.isin(np.arange(frames), keys)
    return VideoInfo("h264", 64, 48, 1.0, np.arange(frames) / 50, key)


def test_parts_are_taken_only_where_it_is_cheaper():
    needed = np.array([0, 1, 2, 900, 901, 950, 951])
    every = range(1000)
    assert plan_segments(described(1000, every), needed) == [(0, 2), (900, 901), (950, 951)]
    near = np.array([0, 1, 2, 30, 31])
    assert plan_segments(described(1000, every), near) == [(0, 31)], "going on costs less"
    assert plan_segments(described(1000), needed) is None, "nothing but the first is a key frame"
    assert plan_segments(described(1000, [0, 890]), needed) == [(0, 2), (900, 951)]
    assert plan_segments(described(1000, every), np.arange(0, 1000, 10)) is None
    assert plan_segments(replace(described(1000, every), key=None), needed) is None


def test_clips_are_the_same_whether_sought_or_not(tmp_path, monkeypatch):
    path, clips = str(make(recording("mjpeg yuvj420p.avi"), tmp_path)), tmp_path / "a.h5"
    settings = SETTINGS | {"clips_per_video": 3, "clip_length": 5}
    whole = extract_clips(path, clips, settings, "1")
    monkeypatch.setattr(seek, "SEEK_COST_FRAMES", 0)
    calls = []
    monkeypatch.setattr(
        seek, "Decoding", lambda *given: calls.append(given[-1][:2]) or FrameReader(*given)
    )
    assert extract_clips(path, clips, settings, "1") == whole
    assert calls == [(0, 4), (38, 42), (77, 81)]
    with h5py.File(clips) as file:
        assert file["frame_numbers"][:, 0].tolist() == [0, 38, 77]

    def unsure(*given):
        raise SeekError("a frame is late")
        yield

    monkeypatch.setattr(seek, "decode_segments", unsure)
    assert extract_clips(path, clips, settings, "1") == whole


@pytest.mark.parametrize("said", [20.0, 50.0, 130.0])
def test_single_frames_are_looked_for_by_the_files_own_times(tmp_path, monkeypatch, capsys, said):
    monkeypatch.setattr(seek, "SEEK_COST_FRAMES", 0)
    monkeypatch.setattr(seek, "MAX_COST_RATIO", 1e9)
    row = recording("mjpeg yuvj420p.mov")
    path, clips = str(make(row, tmp_path)), tmp_path / "a.h5"
    settings = SETTINGS | {"clips_per_video": 7, "clip_length": 1, "frame_rate": said}
    extract_clips(path, clips, settings, "1", {"frame_rate": said})
    with h5py.File(clips) as file:
        shown = [number_in(frame) for frame in file["clips"][:, 0]]
        assert shown == file["frame_numbers"][:, 0].tolist() == [0, 17, 34, 51, 68, 85, 102]
    assert "all is decoded" not in capsys.readouterr().out


def with_index(data, change):
    """An MJPEG AVI file with another index: `change` gets its entries, 16 bytes each."""
    place = data.rindex(b"idx1")
    entries = [data[k : k + 16] for k in range(place + 8, len(data), 16)]
    index = b"".join(change(entries))
    data = data[:place] + b"idx1" + struct.pack("<I", len(index)) + index
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [*rows[:40], rows[41], rows[40], *rows[42:]],
        lambda rows: rows[:20] + rows[21:],
        lambda rows: rows[:20] + rows[30:],
        lambda rows: [*rows[:21], *rows[20:]],
    ],
)
@pytest.mark.parametrize("length", [1, 5])
def test_a_wrong_index_is_noticed(tmp_path, monkeypatch, change, length):
    """Whatever is done with such a file, a frame is never called by another's number."""
    monkeypatch.setattr(seek, "SEEK_COST_FRAMES", 0)
    monkeypatch.setattr(seek, "MAX_COST_RATIO", 1e9)
    path, clips = make(recording("mjpeg yuvj420p.avi"), tmp_path), tmp_path / "a.h5"
    path.write_bytes(with_index(path.read_bytes(), change))
    every = [number_in(frame) for frame in decoded(path, 32)]
    settings = SETTINGS | {"clips_per_video": 6, "clip_length": length}
    extract_clips(str(path), clips, settings, "1")
    with h5py.File(clips) as file:
        shown = [[number_in(frame) for frame in clip] for clip in file["clips"][:]]
        assert shown == [[every[n] for n in clip] for clip in file["frame_numbers"][:]]


def test_codecs_that_call_every_frame_a_key_frame_are_not_sought_in(tmp_path):
    path = tmp_path / "a.mov"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=50", "-frames:v", "40", "-c:v", "rpza"]
    subprocess.run([*FFMPEG, *picture, path], check=True)
    assert probe_video(str(path)).key is None
