"""Decoding: from a video's own frames to gray squares, one in memory at a time."""

import contextlib
import itertools
import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import ffmpeg
import numpy as np

from motilens.video.ffmpeg import DamagedVideo, RunningFFmpeg, check_ffmpeg, ffmpeg_input
from motilens.video.gray_levels import AS_THEY_ARE, GrayLevels
from motilens.video.probe import EVERY_FRAME, RAW_FRAMES, parse_framecrc, parse_ratio

# The same bits on every processor.
BITEXACT = {"flags": "bitexact", "idct": "simple"}
TIMES = EVERY_FRAME | {"pix_fmt": "gray", "f": "framecrc", "enc_time_base": "demux"}
JUMP_FILTER = "format=gray,scdet=threshold=3"  # percent of white that most pixels change by
MAX_RUNS = 1000  # of consecutive frames that one filter selects
CHANGE = "Reconfiguring filter graph"  # what ffmpeg says if the size or pixels of frames change
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

    After the last frame, `times` holds when each frame of the video is shown, seconds, and `jumps`
    the numbers of the frames that look quite unlike the ones before them. Real videos change by up
    to 2.5 % of white from frame to frame, other fields and garbage by 3 to 40 %.

    Args:
        resize_mode: a key of RESIZE_FILTERS; `stretch` is the paper's.
        selected: numbers of the frames wanted, ascending; None: all.
        levels: how the video's pixels become gray levels, see `find_gray_levels`.

    Raises:
        DamagedVideo: while iterating; all frames before the damage have been yielded.
    """

    def __init__(
        self,
        path: str,
        size: int,
        resize_mode: str = "stretch",
        selected: np.ndarray | None = None,
        levels: GrayLevels = AS_THEY_ARE,
    ):
        self.path, self.size, self.levels = path, size, levels
        self.wanted, self.passing = None, itertools.count()
        chain = resize_filter(size, resize_mode, levels)
        if selected is not None:  # ffmpeg drops other frames before they are resized
            runs = np.split(selected, np.flatnonzero(np.diff(selected) > 1) + 1)
            if len(runs) > MAX_RUNS:  # the filter would be too long: all between, too
                runs = [np.arange(selected[0], selected[-1] + 1)]
            self.wanted, self.passing = set(selected.tolist()), np.concatenate(runs).tolist()
            terms = [f"between(n,{run[0]},{run[-1]})" for run in runs]
            chain = f"select='{_nested_sum(terms)}',{chain}"
        self.chain = chain

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        source = ffmpeg_input(self.path, **BITEXACT, **self.levels.decoding)
        read_end, write_end = os.pipe()
        with (
            open(read_end) as times,
            open(write_end, "wb") as times_end,
            ThreadPoolExecutor(1) as thread,
        ):
            outputs = ffmpeg.merge_outputs(
                source.output("pipe:", **RAW_FRAMES, pix_fmt="gray", vf=f"{self.chain},setpts=N"),
                source.output(f"pipe:{write_end}", **TIMES, vf=f"{JUMP_FILTER},crop=2:2:0:0"),
            )
            running = RunningFFmpeg(outputs, self.path, pass_fds=(write_end,), **PIPE_OPTIONS)
            try:
                with running:
                    times_end.close()  # ffmpeg has its own
                    listing = thread.submit(times.read)
                    frames = _iter_frames(running.stdout, self.size)
                    for number, frame in zip(self.passing, frames, strict=False):
                        if self.wanted is None or number in self.wanted:
                            yield number, frame
                    for _ in frames:  # more than expected: the number of times will show it
                        pass
            except DamagedVideo:
                if CHANGE not in running.report:
                    raise
            if CHANGE in running.report:
                raise DamagedVideo(_describe_change(self.path))
            header, packets = parse_framecrc(listing.result())
        if packets.empty:
            check_ffmpeg()
            raise DamagedVideo(f"{self.path}: no frame of it can be decoded: replace it")
        self.times = packets["pts"].to_numpy() * parse_ratio(header["tb"])
        if len(back := np.flatnonzero(np.diff(self.times) < 0)):
            raise DamagedVideo(
                f"{self.path}: its times go back after frame {back[0]}: two recordings in one? "
                "Write each to a file of its own"
            )
        changes = re.findall(r"lavfi\.scd\.time: ([\d.]+)", running.report)
        jumps = (int(np.abs(self.times - float(time)).argmin()) for time in changes)
        # The filter knows only from the second change on how much frames change anyway.
        self.jumps = [number for number in jumps if number > 1]


def _describe_change(path: str) -> str:
    """Return the error of a video whose frames change their size or pixels."""
    stream = ffmpeg_input(path).output("-", **EVERY_FRAME, f="null", vf="showinfo")
    running = RunningFFmpeg(stream, path, stdin=subprocess.DEVNULL)
    with contextlib.suppress(DamagedVideo), running:
        pass
    pattern = r" fmt:(\S+) .*? s:(\d+x\d+) |\] color_range:(\S+) "
    kinds = []
    for pixel_format, size, color_range in re.findall(pattern, running.report):
        if size:
            kinds.append(f"{size} {pixel_format}")
        elif kinds and color_range != "unknown":
            kinds[-1] += f" {color_range}"
    at = next((n for n, kind in enumerate(kinds) if kind != kinds[0]), None)
    if at is None:
        return f"{path}: its frames change in mid-video (turned?): ffmpeg -i OLD -c:v ffv1 NEW.mkv"
    size = kinds[0].split()[0]
    return (
        f"{path}: its frames change at frame {at} (from {kinds[0]} to {kinds[at]}): write them "
        f"alike: ffmpeg -i OLD -vf scale={size.replace('x', ':')},format=gray -c:v ffv1 NEW.mkv"
    )


def resize_filter(size: int, resize_mode: str = "stretch", levels: GrayLevels = AS_THEY_ARE) -> str:
    """Return the ffmpeg filters from a video's own frames to squares of `size` pixels."""
    return levels.filters + RESIZE_FILTERS[resize_mode].format(size=size)


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
