"""Heads of any polarity and size are found, debris and empty fields are not cells."""

import subprocess

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

from motilens.core.labels import HEAD_MICRONS
from motilens.simulation.recording import Recording
from motilens.tracking import detector, frame_setup
from motilens.tracking.tracker import smooth_tracks, track_first_seconds, track_video
from motilens.tracking.trajectories import TRACKING_WIDTH
from motilens.video.encode import encode_video
from motilens.video.probe import probe_video
from support.errors import assert_refused
from support.looks import FRAMES, LOOKS, RATE

SETTINGS = {"detector": "network", "min_score": 0.5, "min_track_duration": 0.4, "duration": 10}


def convert_video(path, target, *options):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", path, *options]
    subprocess.run([*command, "-c:v", "ffv1", str(target)], check=True)
    return str(target)


def score_heads(tracks, truth, near=12.0):
    """Return precision and recall of heads within `near` pixels."""
    hits = 0
    for frame, rows in truth.groupby("frame"):
        ours = tracks.loc[tracks["frame"] == frame, ["x", "y"]].to_numpy()
        distance = np.linalg.norm(ours[:, None] - rows[["x_px", "y_px"]].to_numpy(), axis=2)
        pairs = linear_sum_assignment(np.minimum(distance, 4 * near))
        hits += (distance[pairs] <= near).sum()
    return hits / max(len(tracks), 1), hits / len(truth)


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_heads_of_either_polarity_are_found(videos, look):
    path, truth = videos[look]
    tracked = track_video(path, SETTINGS)
    precision, recall = score_heads(tracked.tracks, truth)
    assert tracked.polarity == look == tracked.quality["polarity"]
    assert precision > 0.85 and recall > 0.7
    assert (tracked.width, tracked.height, tracked.frames) == (640, 480, FRAMES)
    assert tracked.drift.shape == (FRAMES, 2)
    assert list(tracked.tracks) == ["cell", "frame", "x", "y"]
    for _, track in tracked.tracks.groupby("cell"):
        assert (np.diff(track["frame"]) == 1).all()
    again = track_video(path, SETTINGS)
    pd.testing.assert_frame_equal(again.tracks, tracked.tracks)


@pytest.mark.slow
@pytest.mark.parametrize("change, factor", [
    (("-vf", "scale=1280:960:flags=bicubic"), 2.0),
    (("-vf", "scale=400:300:flags=area"), 0.625),
])  # fmt: skip
def test_heads_of_any_size_are_found(videos, tmp_path, change, factor):
    path, truth = videos["bright"]
    other = convert_video(path, tmp_path / "scaled.mkv", *change)
    tracked = track_video(other, SETTINGS)
    scaled = truth.assign(x_px=truth["x_px"] * factor, y_px=truth["y_px"] * factor)
    precision, recall = score_heads(tracked.tracks, scaled, 12 * factor)
    assert precision > 0.8 and recall > 0.65
    assert tracked.head_length == pytest.approx(13 * factor, rel=0.5)
    given = track_video(other, SETTINGS, microns_per_pixel=0.48 / factor)
    assert given.head_length == pytest.approx(12.9 * factor, rel=0.01)


@pytest.mark.slow
def test_a_turned_video_is_tracked_as_it_is_shown(videos, tmp_path):
    path, truth = videos["bright"]
    turned = convert_video(
        path, tmp_path / "turned.mkv", "-vf", "transpose=clock", "-frames:v", "25"
    )
    tracked = track_video(turned, SETTINGS)
    assert (tracked.width, tracked.height) == (480, 640)
    truth = truth[truth["frame"] < 25]
    upright = truth.assign(x_px=479 - truth["y_px"], y_px=truth["x_px"])
    assert score_heads(tracked.tracks, upright)[1] > 0.65


@pytest.mark.slow
def test_baselines_get_long_tracks_at_their_own_scale(videos, tmp_path):
    path, _ = videos["bright"]
    large = convert_video(path, tmp_path / "large.mkv", "-vf", "scale=1280:960:flags=bicubic")
    tracks, first, quality, problems = track_first_seconds(large, SETTINGS)
    assert first.shape == (480, 640) and tracks["x"].max() < TRACKING_WIDTH
    assert tracks.groupby("cell").size().min() >= 20
    assert tracks["cell"].nunique() >= 3 and quality["cells"] >= 3
    assert isinstance(problems, list)


@pytest.mark.parametrize("what", ["black", "noise", "constant", "beads"])
def test_what_is_no_field_of_cells_has_none_and_says_so(tmp_path, what):
    rng = np.random.default_rng(0)
    frames = np.zeros((12, 240, 320, 3), np.uint8)
    if what == "noise":
        frames = rng.integers(90, 110, frames.shape).astype(np.uint8)
    elif what == "constant":
        frames += 120
    elif what == "beads":
        rows, columns = np.mgrid[:240, :320]
        image = np.full((240, 320), 100.0)
        for x, y in rng.uniform(10, 230, (15, 2)):
            image += 80 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4)
        frames = np.repeat(np.repeat(image.clip(0, 255)[None], 12, 0)[..., None], 3, 3)
    path = str(tmp_path / "odd.mkv")
    encode_video(path, frames.astype(np.uint8), RATE)
    tracked = track_video(path, SETTINGS)
    assert tracked.tracks["cell"].nunique() <= (3 if what == "beads" else 0)
    if tracked.tracks.empty:
        [reason] = tracked.warnings
        assert "Nothing stands out" in reason or what in ("beads", "noise")
        assert tracked.polarity == "unknown" and tracked.head_length == 0.0


def test_three_frames_are_enough_for_places(videos, tmp_path):
    path, truth = videos["bright"]
    short = convert_video(path, tmp_path / "short.mkv", "-frames:v", "3")
    tracked = track_video(short, SETTINGS)
    assert tracked.frames == 3 and tracked.tracks["frame"].max() == 2
    assert score_heads(tracked.tracks, truth[truth["frame"] < 3])[1] > 0.6


def test_damaged_weights_are_refused(tmp_path):
    path = tmp_path / "head_detector.pt"
    assert_refused("missing or damaged: restore it", detector.load_detector, path)
    path.write_bytes(detector.WEIGHTS.read_bytes()[:-1] + b"x")
    assert_refused("missing or damaged: restore it", detector.load_detector, path)
    assert detector.WEIGHTS.stat().st_size < 500_000


def test_frames_come_in_order_whatever_the_rate():
    """Each frame is seen once, with neighbors that exist."""
    network = detector.load_detector()
    frames = np.random.default_rng(0).integers(0, 255, (19, 40, 48)).astype(np.uint8)
    for frame_rate in (0.01, 10, 50, 300, 1e9):
        heads = detector.detect_heads(network, frames, frame_rate, 50.0, invert=False)
        assert len(list(heads)) == 19
    assert not list(detector.detect_heads(network, [], 50, 50.0, invert=False))


def test_a_wrong_rate_does_not_fill_the_memory():
    """A rate of 1e9/s would keep all frames of a video in memory."""
    network, taken = detector.load_detector(), []
    frames = (taken.append(n) or np.zeros((16, 16), np.uint8) for n in range(200))
    next(detector.detect_heads(network, frames, 1e9, 50.0, invert=False))
    assert len(taken) <= detector.MAX_STEP + detector.BATCH_SIZE


@pytest.mark.parametrize("side, most", [(64, 8), (1280, 1)])
def test_large_frames_are_searched_in_small_batches(monkeypatch, side, most):
    sizes = []

    def find_peaks(_, triplets):
        sizes.append(len(triplets))
        return [np.zeros((0, 3))] * len(triplets)

    monkeypatch.setattr(detector, "_find_peaks", find_peaks)
    frames = [np.zeros((side, side), np.uint8)] * 20
    assert len(list(detector.detect_heads(None, frames, 50, 50.0, False))) == 20
    assert max(sizes) == most


def test_a_dark_beginning_does_not_hide_the_cells(tmp_path):
    """The first seconds, by which frames are judged, may show nothing."""
    [field] = Recording(3, 5, 1, conditions=LOOKS["bright"]).iter_frames()
    path, rate = str(tmp_path / "late.mkv"), 4.0
    black = int(rate * frame_setup.SAMPLE_SECONDS) + 4
    encode_video(path, [np.zeros_like(field)] * black + [field] * 2 * black, rate)
    video, network = probe_video(path), detector.load_detector()
    setup = frame_setup.choose_setup(path, video, network, video.frames, rate, 0.48)
    assert np.isfinite(setup.contrast) and not setup.invert


@pytest.mark.parametrize("size", ["16:16", "2:2", "1000:4", "4:1000"])
def test_tiny_frames_show_no_cell(videos, tmp_path, size):
    tiny = convert_video(
        videos["bright"][0], tmp_path / "tiny.mkv", "-vf", f"scale={size}", "-frames:v", "3"
    )
    tracked = track_video(tiny, SETTINGS)
    assert tracked.tracks.empty and tracked.warnings


def test_uneven_times_are_reported_unless_the_rate_is_given(videos, tmp_path):
    times = "setpts='if(lt(N,10),N,3*N-20)/50/TB'"
    options = ["-vf", times, "-fps_mode", "passthrough", "-frames:v", "20"]
    uneven = convert_video(videos["bright"][0], tmp_path / "uneven.mkv", *options)
    assert any("unevenly spaced" in text for text in track_video(uneven, SETTINGS).warnings)
    known = track_video(uneven, SETTINGS, frame_rate=50.0)
    assert not any("unevenly spaced" in text for text in known.warnings)


def test_smoothing_removes_noise_and_keeps_the_swings_of_heads():
    rng, time = np.random.default_rng(0), np.arange(200) / 100
    x, y = 40 * time, 3 * np.sin(2 * np.pi * 15 * time)
    track = pd.DataFrame({"cell": 0, "frame": np.arange(200), "x": x, "y": y})
    noisy = track.assign(**{name: track[name] + rng.normal(0, 0.3, 200) for name in ("x", "y")})
    smooth = smooth_tracks(noisy, 100)
    assert (smooth["x"] - x).std() < 0.75 * (noisy["x"] - x).std()
    clean = smooth_tracks(track, 100)
    assert clean["y"].std() > 0.9 * y.std(), "a beat of 15 Hz stays"
    pd.testing.assert_frame_equal(smooth_tracks(noisy, 60), noisy)  # a beat of 10 Hz would go
    pd.testing.assert_frame_equal(smooth_tracks(noisy[:3], 100), noisy[:3])


@pytest.mark.slow
@pytest.mark.parametrize("look, factor", [("dark", 0.5), ("bright", 2.0)])
def test_a_scale_that_is_far_wrong_is_noticed(videos, look, factor):
    """Before, half of the true scale gave a tenth of the cells, without a word."""
    path, _ = videos[look]
    right = HEAD_MICRONS / track_video(path, SETTINGS).head_length
    assert track_video(path, SETTINGS, microns_per_pixel=right).quality["seen_head_length"] == 0
    wrong = track_video(path, SETTINGS, microns_per_pixel=right * factor)
    assert wrong.quality["seen_head_length"] > 0
    assert wrong.warnings[0].startswith("Heads look ") and "scale" in wrong.warnings[0]
