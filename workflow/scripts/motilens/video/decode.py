"""Decoding: from a video's own frames to gray squares, one in memory at a time."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ffmpeg
import numpy as np

from motilens.video.ffmpeg import ffmpeg_input, running_ffmpeg
from motilens.video.probe import FIRST_VIDEO_STREAM, parse_framecrc, parse_ratio

# The same bits on every processor, and every frame once.
BITEXACT = {"flags": "bitexact", "idct": "simple"}
GREY = {"map": FIRST_VIDEO_STREAM, "pix_fmt": "gray", "fps_mode": "passthrough"}
TIMES = GREY | {"f": "framecrc", "enc_time_base": "demux"}
# With numbers for times, or ffmpeg complains of frames that come closer than their rate says.
GREY |= {"f": "rawvideo", "enc_time_base": "filter"}
MAX_RUNS = 1000  # in a filter's text
PIPE_OPTIONS = {
    "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "bufsize": 0, "pipesize": 2**20,
}  # fmt: skip
SCALE_FLAGS = "flags=area+accurate_rnd+bitexact"
# From a video's own frames to ours; dar is the shape that a frame is shown in, with pixels of
# whatever shape. ffmpeg has turned it upright before.
RESIZE_FILTERS = {
    "squeeze": f"scale={{size}}:{{size}}:{SCALE_FLAGS},format=gray",
    "pad": "scale=w='ceil({size}*min(1,dar))':h='ceil({size}*min(1,1/dar))'"
    f":{SCALE_FLAGS},format=gray,pad={{size}}:{{size}}:-1:-1",
    "crop": "scale=w='ceil({size}*max(1,dar))':h='ceil({size}*max(1,1/dar))'"
    f":{SCALE_FLAGS},format=gray,crop={{size}}:{{size}}",
}


class FrameReader:
    """Frames of a video as pairs of number and grey levels, uint8 (size, size); iterate once.

    Args:
        aspect: a key of FILTERS; `squeeze` makes a square of whatever shape, as the paper does.
        needed: numbers of the frames wanted, ascending; all unless told otherwise.
        part: the first and the last frame to decode for that, and times shortly before the first
            and after the last one, s; from beginning to end unless told otherwise.

    After the last frame, `times` are those of all frames decoded, s after that time, and of a part
    `packets` are those that were read for it, as listing.parsed gives them, and their unit of time.

    Raises:
        Damaged: while iterating; all frames before the damage have been given.
    """

    def __init__(
        self,
        path: str,
        size: int,
        aspect: str = "squeeze",
        needed: np.ndarray | None = None,
        part: tuple[int, int, float, float] | None = None,
    ):
        self.path, self.size, self.needed = path, size, needed
        self.first = part[0] if part else 0
        self.passing = None if needed is None else _frames_to_select(needed)
        chain = f"{self._select()}{resize_filter(size, aspect)},setpts=N"
        grey, listed, seek, copied = {"vf": chain}, {"vf": "crop=2:2:0:0"}, {}, {}
        if part:
            first, last, begin, end = part
            seek = {"ss": f"{begin:.6f}"} if first else {}
            grey["vframes"], listed["vframes"] = len(self.passing), last - first + 1
            copied = {
                "map": FIRST_VIDEO_STREAM,
                "c": "copy",
                "f": "framecrc",
                "t": f"{end - begin:.6f}",
            }
        opened = ffmpeg_input(path, **BITEXACT, **seek)
        self._outputs = lambda folder: ffmpeg.merge_outputs(
            opened.output("pipe:", **GREY, **grey),
            opened.output(f"{folder}/frames", **TIMES, **listed),
            *([opened.output(f"{folder}/packets", **copied)] if copied else []),
        )

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        with tempfile.TemporaryDirectory() as folder:
            with running_ffmpeg(self._outputs(folder), self.path, **PIPE_OPTIONS) as process:
                frames = _frames(process.stdout, self.size)
                if self.needed is None:
                    yield from enumerate(frames)
                else:
                    wanted = set(self.needed.tolist())
                    numbered = zip(self.passing.tolist(), frames, strict=False)
                    yield from (pair for pair in numbered if pair[0] in wanted)
                for _ in frames:  # none, unless there are more than meant: then the count tells
                    pass
            header, came = parse_framecrc(Path(folder, "frames").read_text())
            self.times = came["shown"].to_numpy() * parse_ratio(header["tb"])
            if Path(folder, "packets").exists():
                self.packets = parse_framecrc(Path(folder, "packets").read_text())

    def _select(self) -> str:
        """A filter that lets only frames that are needed pass, before they cost anything."""
        if self.needed is None:
            return ""
        runs = _runs(self.passing - self.first)
        return f"select='{_nested_sum([f'between(n,{run[0]},{run[-1]})' for run in runs])}',"


def _nested_sum(terms: list[str]) -> str:
    """Terms added in pairs, and pairs of these: ffmpeg adds no more than a hundred in a row."""
    half = len(terms) // 2
    return f"({_nested_sum(terms[:half])}+{_nested_sum(terms[half:])})" if half else terms[0]


def _frames_to_select(needed: np.ndarray) -> np.ndarray:
    """Frames to let pass: those needed, or all between if that would take too many words."""
    few = len(_runs(needed)) <= MAX_RUNS
    return needed if few else np.arange(needed[0], needed[-1] + 1)


def _runs(numbers: np.ndarray) -> list[np.ndarray]:
    return np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)


def _frames(stream, size: int) -> Iterator[np.ndarray]:
    """The frames of raw grey levels in a stream, uint8 (size, size)."""
    whole = at_once = 16
    while whole == at_once:
        frames = np.empty((at_once, size, size), np.uint8)
        # Less than a frame is the end, or the end of a damaged file: ffmpeg's exit code tells.
        whole = _read_fully(stream, memoryview(frames).cast("B")) // (size * size)
        yield from frames[:whole]


def _read_fully(stream, memory: memoryview) -> int:
    """Read until `memory` is full or the stream ends; the number of bytes."""
    count = 0
    while count < len(memory) and (added := stream.readinto(memory[count:])):
        count += added
    return count


def resize_filter(size: int, aspect: str = "squeeze") -> str:
    """The ffmpeg filters between a video's own frames and ours; recorded with the frames."""
    return RESIZE_FILTERS[aspect].format(size=size)
