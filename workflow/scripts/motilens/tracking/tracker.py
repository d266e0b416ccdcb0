"""Cells of a video: tracked, with a report on how far the tracks can be trusted."""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.signal import savgol_filter

from motilens.tracking.blobs import track_blobs
from motilens.tracking.common_motion import (
    measure_common_motion,
    measure_shake,
)
from motilens.tracking.cuts import find_cuts, measure_speeds, share_skipped
from motilens.tracking.detector import (
    HEAD_LENGTH,
    HeadDetector,
    detect_heads,
    load_detector,
)
from motilens.tracking.drift import DriftMeter, subtract_drift
from motilens.tracking.frame_setup import FrameSetup, choose_setup
from motilens.tracking.linking import link_heads
from motilens.tracking.lookalikes import SAMPLED_FRAMES, WEAK_SHARE, find_lookalikes
from motilens.tracking.quality import (
    describe_problems,
    measure_clutter,
    measure_focus,
    measure_paths,
    measure_quality,
    measure_roundness,
)
from motilens.tracking.trajectories import TRACKING_WIDTH, count_first_frames, fill_gaps
from motilens.video.probe import VideoInfo, probe_video
from motilens.video.repeats import share_repeated

MIN_SECONDS = 0.2  # shorter tracks are left out, unless the video is as short
EDGE = HEAD_LENGTH / 3  # of a head that stays nearer to the edge, only a part is ever seen
MAX_SKIPPED = 0.03  # of the frames; in videos without gaps, none
SMOOTHING_SECONDS = 0.05  # swings of up to 15 Hz pass, what changes faster is noise
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrackedVideo:
    """The cells of a video.

    Args:
        tracks: cell (from 0), frame (from 0), x, y (pixels of the video's own frames, y downward);
            frames in which a cell was lost are interpolated.
        frame_rate: 1/s.
        frames: how many were searched.
        width, height: of the video's own frames, upright (pixels).
        pixel_aspect: width of a pixel over its height.
        head_length: of a typical head (pixels), 0 if none was found.
        polarity: of heads against the background: "bright", "dark", or "unknown" if none was found.
        drift: of the stage since the first frame, (frames, 2), pixels.
        quality: numbers that say how far to trust the tracks.
        warnings: whole sentences, without the video's name.
    """

    tracks: pd.DataFrame
    frame_rate: float
    frames: int
    width: int
    height: int
    pixel_aspect: float
    head_length: float
    polarity: str
    drift: np.ndarray
    quality: dict[str, float | str | bool] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def track_video(
    path: str,
    settings: dict,
    duration: float | None = None,
    frame_rate: float | None = None,
    microns_per_pixel: float | None = None,
    detector: HeadDetector | None = None,
) -> TrackedVideo:
    """Track the cells of a video.

    Args:
        settings: min_score, of a track's heads in the mean; a lower one finds more cells, and more
            debris. For what looks like the video's swimmers, WEAK_SHARE of it is enough.
        duration: how much of it to search (s); None: all.
        frame_rate: 1/s, if it is known better than by the file.
        microns_per_pixel: of the video's own frames; without it, the size of heads is estimated.
        detector: None: the one that ships.

    Raises:
        DamagedVideo: the video cannot be decoded.
    """
    video = probe_video(path)
    rate = frame_rate or video.frame_rate
    frames = count_first_frames(path, duration or 1e9, frame_rate, video)
    detector = detector or load_detector()
    setup = choose_setup(path, video, detector, frames, rate, microns_per_pixel)
    meter = DriftMeter(rate)
    sampled: dict[int, np.ndarray] = {}
    numbers = set(np.linspace(0, frames - 1, SAMPLED_FRAMES).astype(int).tolist())

    def read_frames() -> Iterator[np.ndarray]:
        for number, frame in enumerate(setup.read_frames(path, np.arange(frames))):
            meter.add_frame(frame)
            if number in numbers:
                sampled[number] = frame
            if (number + 1) % 500 == 0:
                logger.info(f"{number + 1} of {frames} frames")
            yield frame

    heads = detect_heads(detector, read_frames(), rate, setup.contrast, setup.invert)
    linked = link_heads(heads, rate, HEAD_LENGTH)
    meter.compare_last()
    moved = meter.positions()
    speeds = measure_speeds(linked, moved, rate, HEAD_LENGTH)
    jumps = find_cuts(linked, meter.locate_jumps(), speeds)
    linked = split_tracks(linked, jumps)
    alike = find_lookalikes(linked, sampled, moved, rate, setup.contrast, setup.invert)
    size = np.array(setup.shape[::-1])
    scored = select_tracks(linked, settings["min_score"], rate, frames, size, alike)
    quality = measure_quality(scored, rate, frames, HEAD_LENGTH)
    factor = setup.longer_side / setup.side
    polarity, head_length = ("dark" if setup.invert else "bright"), HEAD_LENGTH * factor
    if scored.empty:  # nobody knows how heads would look
        polarity, head_length = "unknown", 0.0
    tracks = fill_gaps(scored)
    moved = moved + measure_shake(tracks, moved, rate)
    drift = moved / setup.scale
    skipped = share_skipped(tracks, moved, measure_speeds(tracks, moved, rate, HEAD_LENGTH))
    quality |= {
        "polarity": polarity,
        "head_length": head_length,
        "seen_head_length": HEAD_LENGTH * setup.longer_side / (setup.seen_side or np.inf),
        "contrast": setup.contrast if np.isfinite(setup.contrast) else 0.0,
        "drift": float(np.hypot(*np.diff(drift, axis=0).T).sum() * rate / frames),
        "scene_changes": len(jumps),
        "interlaced": setup.interlaced,
        "uneven_times": frame_rate is None and video.is_uneven or skipped > MAX_SKIPPED,
        "common_motion": measure_common_motion(tracks, moved, rate, HEAD_LENGTH),
        "repeated_share": share_repeated(meter.select_still()),
    }
    quality |= measure_paths(scored, moved, rate, HEAD_LENGTH)
    quality |= _measure_heads(path, setup, scored)
    still = tracks.assign(**subtract_drift(tracks, moved))  # a jerk is not to be smoothed
    still = smooth_tracks(still, rate)
    tracks = still.assign(**subtract_drift(still, -moved))
    # Middles of pixels are whole numbers in both.
    tracks[["x", "y"]] = (tracks[["x", "y"]] + 0.5) / setup.scale - 0.5
    return TrackedVideo(
        tracks=tracks.round({"x": 2, "y": 2}),
        frame_rate=rate,
        frames=frames,
        width=setup.width,
        height=setup.height,
        pixel_aspect=setup.pixel_aspect,
        head_length=head_length,
        polarity=polarity,
        drift=drift,
        quality=quality,
        warnings=[
            *_describe_streams(video),
            *describe_problems(quality, head_length, [jump / rate for jump in jumps]),
        ],
    )


def _describe_streams(video: VideoInfo) -> list[str]:
    return [f"The file {video.stream_warning}"] if video.stream_warning else []


def split_tracks(tracks: pd.DataFrame, cuts: Sequence[int]) -> pd.DataFrame:
    """Return tracks of which none goes on after a cut: the first frame of another field."""
    parts = np.searchsorted(cuts, tracks["frame"], side="right")
    codes = tracks.groupby(["cell", parts], sort=False).ngroup()
    return tracks.assign(cell=codes) if len(cuts) else tracks


def select_tracks(
    tracks: pd.DataFrame,
    min_score: float,
    frame_rate: float,
    frames: int,
    size: np.ndarray,
    lookalikes: Collection[int] = (),
) -> pd.DataFrame:
    """Return the tracks whose heads are clear in the mean, whole, and seen for long enough.

    Args:
        size: width and height of the frames (pixels).
        lookalikes: cells whose heads may be weaker, see `find_lookalikes`.
    """
    tracks = tracks.assign(
        edge=np.minimum(tracks[["x", "y"]], size - tracks[["x", "y"]]).min(axis=1)
    )
    groups = tracks.groupby("cell")
    span = groups["frame"].transform("max") - groups["frame"].transform("min") + 1
    shortest = min(max(2, round(MIN_SECONDS * frame_rate)), frames)
    needed = np.where(tracks["cell"].isin(lookalikes), WEAK_SHARE * min_score, min_score)
    is_clear = groups["score"].transform("mean") >= needed
    is_whole = groups["edge"].transform("median") >= EDGE
    return tracks[is_clear & is_whole & (span >= shortest)].drop(columns="edge")


def smooth_tracks(tracks: pd.DataFrame, frame_rate: float) -> pd.DataFrame:
    """Remove the noise of positions (Savitzky and Golay 1964), of tracks without gaps."""
    window = 2 * int(SMOOTHING_SECONDS * frame_rate / 2) + 1
    lengths = tracks.groupby("cell")["frame"].transform("size")
    if window < 5 or not (lengths >= window).any():
        return tracks
    smooth = tracks.copy()
    for _, track in tracks[lengths >= window].groupby("cell"):
        places = track[["x", "y"]].to_numpy(float)
        smooth.loc[track.index, ["x", "y"]] = savgol_filter(places, window, 2, axis=0)
    return smooth


def _measure_heads(path: str, setup: FrameSetup, scored: pd.DataFrame) -> dict[str, float]:
    """Return focus, roundness and clutter of the fullest of the first frames."""
    if scored.empty:
        return {"focus": 0.0, "roundness": 0.0, "clutter": 0.0}
    fullest = int(scored["frame"].value_counts().sort_index().iloc[:100].idxmax())
    [frame] = setup.read_sample(path, np.array([fullest]))
    heads = scored.loc[scored["frame"] == fullest, ["x", "y"]].to_numpy()
    return {
        "focus": measure_focus(frame, heads, HEAD_LENGTH),
        "roundness": measure_roundness(frame, heads, HEAD_LENGTH, setup.invert),
        "clutter": measure_clutter(frame, heads, setup.contrast, HEAD_LENGTH),
    }


def track_first_seconds(
    path: str,
    settings: dict,
    frame_rate: float | None = None,
    detector: HeadDetector | None = None,
) -> tuple[pd.DataFrame, np.ndarray, dict, list[str]]:
    """Track the cells in the first seconds of a video, for the baselines.

    Args:
        settings: of the configuration, `tracking`.
        frame_rate: 1/s, if it is known better than by the file.
        detector: None: the one that ships.

    Returns:
        Tracks of at least min_track_duration, in square pixels of an image whose longer side has
        TRACKING_WIDTH, without the movement of the stage; the first frame of that size, uint8
        (height, width); the quality report, empty for blobs; and what makes tracks doubtful, in
        whole sentences.

    Raises:
        DamagedVideo: the video cannot be decoded, or its frame rate is not known.
    """
    if settings["detector"] == "blobs":
        video = probe_video(path)
        frames = count_first_frames(path, settings["duration"], frame_rate, video)
        shortest = shortest_track(settings, frame_rate or video.frame_rate)
        return *track_blobs(path, frames, shortest, settings), {}, []
    tracked = track_video(path, settings, settings["duration"], frame_rate, detector=detector)
    tracks = tracked.tracks
    setup = FrameSetup(tracked.width, tracked.height, tracked.pixel_aspect, TRACKING_WIDTH)
    still = subtract_drift(tracks, tracked.drift)
    tracks = tracks.assign(**((still + 0.5) * setup.scale - 0.5).round(2))
    lengths = tracks.groupby("cell")["frame"].transform("size")
    [first] = setup.read_sample(path, np.array([0]))
    tracks = fill_gaps(tracks[lengths >= shortest_track(settings, tracked.frame_rate)])
    return tracks, first, tracked.quality, tracked.warnings


def shortest_track(settings: dict, frame_rate: float) -> int:
    """Return the frames of the shortest track that baselines use."""
    return max(2, round(settings["min_track_duration"] * frame_rate))


def explain_no_tracks(frames: int, frame_rate: float, settings: dict) -> str:
    """Return why no track was found in so many frames, the first ones of a video."""
    shortest = shortest_track(settings, frame_rate)
    searched = f"{frames} frames in the first {settings['duration']:g} s"
    if frames < shortest:
        return (
            f"too short to track cells: a track has {shortest} frames or more "
            f"(tracking.min_track_duration), and there are {searched}"
        )
    return f"no cell is seen in {shortest} frames (tracking.min_track_duration) of {searched}"
