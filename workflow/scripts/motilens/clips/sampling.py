"""Where clips lie in a video: positions, frame rate and resampling."""

from dataclasses import replace

import numpy as np

from motilens.core.errors import InputError
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.probe import VideoInfo

RATE_TOLERANCE = 0.02  # of the frame rate: 49 to 51 frames/s are 50


def override_frame_rate(found: VideoInfo, rate: float | None) -> VideoInfo:
    """The same with evenly spaced frames at the rate that the user says, if so."""
    return replace(found, times=np.arange(found.frames) / rate) if rate else found


def frame_rate_issue(found: VideoInfo, wanted: float) -> str | None:
    """What is wrong with the times of a video's frames, if anything."""
    rate = found.frame_rate
    if np.isnan(rate):
        return "does not say when its frames were taken"
    if found.uneven:
        return f"its frames are not evenly spaced in time ({rate:.5g} a second on average)"
    if abs(rate - wanted) > RATE_TOLERANCE * wanted:
        return f"has {rate:.5g} frames a second, not {wanted:g} (frames.frame_rate)"
    return None


def build_timeline(source: str, found: VideoInfo, settings: dict) -> np.ndarray:
    """Numbers of the video's frames, one for each frame that the method is shown.

    Resampled by time, it is the frame nearest to each instant: some are shown twice, or never.

    Raises:
        Damaged: the frame rate is another than the method assumes, and nothing is to be done.
    """
    wanted, times = settings["frame_rate"], found.times
    complaint, then = frame_rate_issue(found, wanted), settings["other_frame_rate"]
    if complaint and (then == "stop" or np.isnan(found.frame_rate)):
        raise DamagedVideo(
            f"{source}: {complaint}: if the file is wrong, say the true rate (a column "
            "`frame_rate` beside the video's name; of new videos --frame-rate); if not, choose "
            "frames.other_frame_rate: resample (or frames.frame_rate for all)"
        )
    if not complaint or then == "warn":
        return np.arange(len(times))
    instants = times[0] + np.arange(int((times[-1] - times[0]) * wanted + 1e-6) + 1) / wanted
    # Rounded, for two frames may be equally near: then the earlier one, on every processor.
    return np.searchsorted(np.round((times[1:] + times[:-1]) / 2, 6), np.round(instants, 6))


def clip_frame_numbers(source: str, found: VideoInfo, frames: int, settings: dict) -> np.ndarray:
    """Numbers on the timeline, int (clips, clip length)."""
    length = settings["clip_length"]
    try:
        first = clip_positions(frames, settings["clips_per_video"], length)
    except VideoTooShort as error:
        shown = f" ({found.frames} at {found.frame_rate:g} a second, resampled: is that its rate?)"
        raise DamagedVideo(f"{source}: {error}{shown if frames != found.frames else ''}") from error
    return first[:, None] + np.arange(length)


class VideoTooShort(InputError):
    """A video has fewer frames than its clips need."""


def clip_positions(frames: int, clips: int, clip_length: int) -> np.ndarray:
    """First frames of `clips` clips spread evenly over a video of `frames` frames, int64.

    The paper (its code) steps by frames / 250; here the last clip must end inside the video,
    so the step is (frames - clip_length + 1) / clips.

    Raises:
        TooShort: the video has fewer different positions than clips.
    """
    room = frames - clip_length + 1
    if room < clips:
        raise VideoTooShort(
            f"{frames} frames are too few for {clips} clips of {clip_length} frames, which need "
            f"at least {clips + clip_length - 1}: lower frames.clips_per_video, shorten the "
            "longest input type, or leave this participant out (video and labels)"
        )
    return np.arange(clips) * room // clips
