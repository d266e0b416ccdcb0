"""Interlaced videos: every other line of a frame was taken at another moment."""

import subprocess

import numpy as np

from motilens.video.ffmpeg import RunningFFmpeg, ffmpeg_input
from motilens.video.gray_levels import GrayLevels
from motilens.video.probe import RAW_FRAMES, VideoInfo

N_FRAMES = 50  # the first ones
MOVING_SHARE = 0.01  # of the pixels: those that change most,
MIN_CHANGE = 4  # and by as many gray levels: less may come from rounding
# Where something moves, the mean square difference of neighboring lines is 0.3 to 0.5 of that of
# lines two apart in real and simulated videos, 1 in noise, and 1.4 to 5 in interlaced videos. It is
# 0.3 and more of the change between two frames; much less comes from coding.
MIN_COMBING, MIN_DIFFERENCE = 1.2, 0.05


def describe_interlacing(path: str, video: VideoInfo, levels: GrayLevels) -> str | None:
    """Return a warning if a video is interlaced, by its own word or by what its frames show.

    Raises:
        DamagedVideo: its first frames cannot be decoded.
    """
    if video.is_marked_interlaced:
        sign = "the file says"
    elif measure_combing(path, video, levels) > MIN_COMBING:
        sign = "edges of what moves look like combs"
    else:
        return None
    return (
        f"is interlaced ({sign}), two moments in each frame: "
        "ffmpeg -i OLD -vf bwdif=mode=send_frame -c:v ffv1 NEW.mkv"
    )


def measure_combing(path: str, video: VideoInfo, levels: GrayLevels) -> float:
    """Return how much more lines next to each other differ than lines two apart, where it moves.

    The ratio of the mean squares, in the first frames; 0 if nothing moves, or lines hardly differ.
    """
    shape = video.height, video.width
    stream = ffmpeg_input(path, noautorotate=None, **levels.decoding).output(
        "pipe:", **RAW_FRAMES, pix_fmt="gray", vframes=N_FRAMES,
        vf=f"{levels.filters}scale={video.width}:{video.height},setpts=N",
    )  # fmt: skip
    if video.height < 3:
        return 0.0
    # Mean squares of the differences of neighboring lines, of lines two apart, and of frames.
    sums, previous = np.zeros(3), None
    with RunningFFmpeg(stream, path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        while len(data := running.stdout.read(video.width * video.height)) == np.prod(shape):
            frame = np.frombuffer(data, np.uint8).reshape(shape).astype(np.int16)
            if previous is not None:
                change = np.abs(frame - previous)[:-2]
                moving = change >= max(np.quantile(change, 1 - MOVING_SHARE), MIN_CHANGE)
                differences = frame[1:-1] - frame[:-2], frame[2:] - frame[:-2], change
                sums += [np.square(values[moving], dtype=float).sum() for values in differences]
            previous = frame
    neighboring, two_apart, frames = sums
    return float(neighboring / two_apart) if neighboring > MIN_DIFFERENCE * frames else 0.0
