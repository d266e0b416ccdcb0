"""Decoding: from a video's own frames to gray squares, one in memory at a time."""

import itertools
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ffmpeg
import numpy as np

from motilens.video.ffmpeg import ffmpeg_input, running_ffmpeg
from motilens.video.probe import FIRST_VIDEO_STREAM, parse_framecrc, parse_ratio

# The same bits on every processor.
BITEXACT = {"flags": "bitexact", "idct": "simple"}
# Every frame once.
GRAY = {"map": FIRST_VIDEO_STREAM, "pix_fmt": "gray", "fps_mode": "passthrough"}
TIMES = GRAY | {"f": "framecrc", "enc_time_base": "demux"}
# Numbered instead of timed: ffmpeg complains of frames that come closer than their rate says.
PIXELS = GRAY | {"f": "rawvideo", "enc_time_base": "filter"}
MAX_RUNS = 1000  # of consecutive frames that one filter selects
PIPE_OPTIONS = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "pipesize": 2**20}
SCALE_FLAGS = "flags=area+accurate_rnd+bitexact"
# From a video's frames, which ffmpeg has turned upright, to squares. dar: display aspect ratio.
RESIZE_FILTERS = {
    "stretch": f"scale={{size}}:{{size}}:{SCALE_FLAGS},format=gray",
    "pad": "scale=w='ceil({size}*min(1,dar))':h='ceil({size}*min(1,1/dar))'"
    f":{SCALE_FLAGS},format=gray,pad={{size}}:{{size}}:-1:-1",
    "crop": "scale=w='ceil({size}*max(1,dar))':h='ceil({size}*max(1,1/dar))'"
    f":{SCALE_FLAGS},format=gray,crop={{size}}:{{size}}",
}


class FrameReader:
    """Iterate once over a video's frames: pairs of number and gray levels, uint8 (size, size).

    After the last frame, `times` holds when each frame of the video is shown, seconds.

    Args:
        resize_mode: a key of RESIZE_FILTERS; `stretch` is the paper's.
        selected: numbers of the frames wanted, ascending; None: all.

    Raises:
        DamagedVideo: while iterating; all frames before the damage have been yielded.
    """

    def __init__(
        self, path: str, size: int, resize_mode: str = "stretch", selected: np.ndarray | None = None
    ):
        self.path, self.size = path, size
        self.wanted, self.passing = None, itertools.count()
        chain = resize_filter(size, resize_mode)
        if selected is not None:  # ffmpeg drops other frames before they are resized
            runs = np.split(selected, np.flatnonzero(np.diff(selected) > 1) + 1)
            if len(runs) > MAX_RUNS:  # the filter would be too long: all between, too
                runs = [np.arange(selected[0], selected[-1] + 1)]
            self.wanted, self.passing = set(selected.tolist()), np.concatenate(runs).tolist()
            terms = [f"between(n,{run[0]},{run[-1]})" for run in runs]
            chain = f"select='{_nested_sum(terms)}',{chain}"
        self.chain = f"{chain},setpts=N"

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        source = ffmpeg_input(self.path, **BITEXACT)
        with tempfile.TemporaryDirectory() as folder:
            outputs = ffmpeg.merge_outputs(
                source.output("pipe:", **PIXELS, vf=self.chain),
                source.output(f"{folder}/times", **TIMES, vf="crop=2:2:0:0"),
            )
            with running_ffmpeg(outputs, self.path, **PIPE_OPTIONS) as process:
                frames = _iter_frames(process.stdout, self.size)
                for number, frame in zip(self.passing, frames, strict=False):
                    if self.wanted is None or number in self.wanted:
                        yield number, frame
                for _ in frames:  # more than expected: the number of times will show it
                    pass
            header, packets = parse_framecrc(Path(folder, "times").read_text())
            self.times = packets["pts"].to_numpy() * parse_ratio(header["tb"])


def resize_filter(size: int, resize_mode: str = "stretch") -> str:
    """Return the ffmpeg filters from a video's own frames to squares of `size` pixels."""
    return RESIZE_FILTERS[resize_mode].format(size=size)


def _nested_sum(terms: list[str]) -> str:
    """Add terms in pairs, and pairs of pairs: ffmpeg adds no more than a hundred in a row."""
    half = len(terms) // 2
    return f"({_nested_sum(terms[:half])}+{_nested_sum(terms[half:])})" if half else terms[0]


def _iter_frames(stream, size: int) -> Iterator[np.ndarray]:
    """Yield the frames of a stream of raw gray levels, uint8 (size, size)."""
    complete = batch = 16
    while complete == batch:
        frames = np.empty((batch, size, size), np.uint8)
        # Less than a frame is the end, or the end of a damaged file: ffmpeg's exit code tells.
        complete = stream.readinto(frames) // (size * size)
        yield from frames[:complete]
