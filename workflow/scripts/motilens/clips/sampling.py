"""Where clips lie in a video: positions, frame rate and resampling."""

from dataclasses import replace

import numpy as np

from motilens.core.errors import InputError
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.probe import VideoInfo

# Of the frame rate: 49 to 51 frames/s are 50, also where a file rounds times to milliseconds.
RATE_TOLERANCE = 0.0205


class VideoTooShort(InputError):
    """A video has fewer frames than its clips need."""


def clip_positions(frames: int, clips: int, clip_length: int) -> np.ndarray:
    """Return the first frames of clips spread evenly over a video, int64 (clips,).

    The paper (its code) steps by frames / 250; here the last clip must end inside the video,
    so the step is (frames - clip_length + 1) / clips.

    Raises:
        VideoTooShort: the video has fewer different positions than clips.
    """
    positions = frames - clip_length + 1
    if positions < clips:
        raise VideoTooShort(
            f"{frames} frames are too few for {clips} clips of {clip_length} frames, which need "
            f"at least {clips + clip_length - 1}: lower frames.clips_per_video, shorten the "
            "longest input type, or leave this participant out (video and labels)"
        )
    return np.arange(clips) * positions // clips


def clip_frame_numbers(path: str, video: VideoInfo, settings: dict) -> np.ndarray:
    """Return which frame of a video each frame of each clip is, int (clips, clip length).

    Args:
        video: with the frame times that are trusted (`override_frame_rate`).
        settings: clips_per_video, clip_length (frames), frame_rate (1/s),
            on_frame_rate_mismatch ("error", "warn" or "resample").

    Raises:
        DamagedVideo: too few frames; or the frame rate differs, and the settings say "error".
    """
    length = settings["clip_length"]
    is_single = video.frames == 1 < settings["clips_per_video"] + length - 1  # has no rate at all
    timeline = np.zeros(1, int) if is_single else _make_timeline(path, video, settings)
    try:
        first = clip_positions(len(timeline), settings["clips_per_video"], length)
    except VideoTooShort as error:
        resampled = f" ({video.frames} frames at {video.frame_rate:g} per second, resampled)"
        hint = resampled if len(timeline) != video.frames else ""
        raise DamagedVideo(f"{path}: {error}{hint}") from error
    return timeline[first[:, None] + np.arange(length)]


def _make_timeline(path: str, video: VideoInfo, settings: dict) -> np.ndarray:
    """Return numbers of the video's frames, one for each frame that the method is shown.

    When a video is resampled, this is the frame nearest to each instant: some frames are repeated
    or skipped.
    """
    rate, times = settings["frame_rate"], video.times
    issue, action = frame_rate_issue(video, rate), settings["on_frame_rate_mismatch"]
    if issue and (action == "error" or np.isnan(video.frame_rate)):
        remedy = (
            "give the true rate (a column `frame_rate` beside the video's name; FRAME_RATE=... of "
            "make predict)"
        )
        if not np.isnan(video.frame_rate):
            remedy = (
                f"if the file is wrong, {remedy}; if not, choose frames.on_frame_rate_mismatch: "
                "resample (or frames.frame_rate for all)"
            )
        raise DamagedVideo(f"{path}: {issue}: {remedy}")
    if not issue or action == "warn":
        return np.arange(len(times))
    instants = times[0] + np.arange(int((times[-1] - times[0]) * rate + 1e-6) + 1) / rate
    # Rounded, since two frames may be equally near: then the earlier one, on every processor.
    return np.searchsorted(np.round((times[1:] + times[:-1]) / 2, 6), np.round(instants, 6))


def override_frame_rate(video: VideoInfo, frame_rate: float | None) -> VideoInfo:
    """Return the same video with evenly spaced frames at the rate that the user gives, if any."""
    if not frame_rate:
        return video
    return replace(video, times=np.arange(video.frames) / frame_rate)


def frame_rate_issue(video: VideoInfo, frame_rate: float) -> str | None:
    """Return how the times of a video's frames differ from a rate (1/s); None if they do not."""
    measured = video.frame_rate
    if np.isnan(measured):
        return "does not say when its frames were taken"
    if video.is_uneven:
        gap = np.diff(video.times).max()
        return (
            f"its frames are not evenly spaced in time ({measured:.5g} a second on average, up to "
            f"{gap:.2g} s apart)"
        )
    if abs(measured - frame_rate) > RATE_TOLERANCE * frame_rate:
        return f"has {measured:.5g} frames a second, not {frame_rate:g} (frames.frame_rate)"
    return None
