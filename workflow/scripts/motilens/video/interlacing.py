"""Interlaced videos: every other line of a frame was taken at another moment."""

import subprocess
from collections.abc import Iterator

import numpy as np

from motilens.video.ffmpeg import RunningFFmpeg, ffmpeg_input
from motilens.video.gray_levels import GrayLevels
from motilens.video.probe import RAW_FRAMES, VideoInfo

N_FRAMES = 50  # the first ones
MOVING_SHARE = 0.02  # of the pixels: those that change most,
MIN_CHANGE = 4  # and by as many gray levels: less may come from rounding
# Lines taken half a frame later differ from those of the next frame as from those of their own: by
# 0.66 (strongly compressed) to 1.0 times as much in interlaced videos, 0.0 to 0.6 in others, and
# 1.5 in noise. And more from those of the frame before than of the next one: by a share of 0.21 to
# 0.48; most others, and noise, are symmetric.
MIN_LIKENESS, MIN_ASYMMETRY = 0.63, 0.15
# Lines of a frame that was turned first are no longer those of a moment: the new file turns it.
REMEDY = "ffmpeg -noautorotate -i OLD -vf bwdif=mode=send_frame -c:v ffv1 NEW.mkv"


def describe_interlacing(path: str, video: VideoInfo, levels: GrayLevels) -> str | None:
    """Return a warning if a video is interlaced, by its own word or by what its frames show.

    Raises:
        DamagedVideo: its first frames cannot be decoded.
    """
    if video.is_marked_interlaced:
        sign = "the file says"
    elif is_woven(path, video, levels):
        sign = "odd and even lines of its frames show different moments"
    else:
        return None
    return f"is interlaced ({sign}): {REMEDY}"


def is_woven(path: str, video: VideoInfo, levels: GrayLevels) -> bool:
    """Return whether odd and even lines of the first frames were taken at different moments."""
    if video.height < 8:
        return False
    # Of even lines from what the odd ones around them show in the frame before, the same, the next.
    sums, frames = np.zeros(3), []
    for frame in _read_frames(path, video, levels):
        frames = [*frames[-2:], frame[: len(frame) // 2 * 2].astype(np.float32)]
        if len(frames) < 3:
            continue
        before, even, after = (frame[2::2] for frame in frames)
        between = (frames[1][1:-1:2] + frames[1][3::2]) / 2
        change = np.maximum(np.abs(after - even), np.abs(even - before))
        moving = change >= max(np.quantile(change, 1 - MOVING_SHARE), MIN_CHANGE)
        sums += [np.square(between - lines)[moving].sum() for lines in (before, even, after)]
    before, same, after = sums
    likeness = same / max(min(before, after), 1)
    return bool(likeness > MIN_LIKENESS and abs(before - after) > MIN_ASYMMETRY * (before + after))


def _read_frames(path: str, video: VideoInfo, levels: GrayLevels) -> Iterator[np.ndarray]:
    """Yield the first frames as they are stored, uint8 (height, width)."""
    stream = ffmpeg_input(path, noautorotate=None, **levels.decoding).output(
        "pipe:", **RAW_FRAMES, pix_fmt="gray", vframes=N_FRAMES,
        vf=f"{levels.filters}scale={video.width}:{video.height},setpts=N",
    )  # fmt: skip
    size = video.width * video.height
    with RunningFFmpeg(stream, path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        while len(data := running.stdout.read(size)) == size:
            yield np.frombuffer(data, np.uint8).reshape(video.height, video.width)
