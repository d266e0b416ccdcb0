"""Writing videos."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import ffmpeg
import numpy as np

from motilens.video.ffmpeg import RunningFFmpeg


def encode_video(
    path: str | Path, frames: Iterable[np.ndarray], frame_rate: float, crf: int = 20
) -> None:
    """Write frames, uint8 RGB (height, width, 3), as H.264 at a rate (1/s).

    There must be at least one; the same frames give the same bytes. `crf` is the constant rate
    factor of H.264: more of it makes smaller and worse files. Raise a DamagedVideo if ffmpeg cannot
    write there.
    """
    frames = iter(frames)
    first = next(frames)
    height, width, _ = first.shape
    # No B-frames: an AVI file has no place for their order.
    stream = ffmpeg.input(
        "pipe:", f="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=frame_rate
    ).output(
        f"file:{path}", vcodec="libx264", preset="veryfast", crf=crf, pix_fmt="yuv420p", bf=0,
        threads=1, fflags="bitexact",
    )  # fmt: skip
    with RunningFFmpeg(stream, path, stdin=subprocess.PIPE) as running:
        running.stdin.write(first.tobytes())
        for frame in frames:
            running.stdin.write(frame.tobytes())
        running.stdin.close()
