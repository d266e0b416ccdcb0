"""Decoding only the parts of a video that are needed.

ffmpeg's seeking is exact for most files and silently wrong for some. So single frames are looked
for only in kinds of files where that is known to be right (`probe`), and the time of every frame
and the checksum of its packet are compared with those that were listed; at the first doubt all is
decoded from the beginning.
"""

from collections.abc import Iterator

import numpy as np

from motilens.video.decode import FrameReader
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.probe import VideoInfo, parse_ratio

SEEK_COST_FRAMES = 40  # frames that could be decoded while an ffmpeg starts and seeks (30 to 70 ms)
MAX_COST_RATIO = 0.7  # of the frames of the video; for less gain all is decoded, and so checked


class SeekError(Exception):
    """A frame does not come when it should."""


def plan_segments(found: VideoInfo, needed: np.ndarray) -> list[tuple[int, int]] | None:
    """Runs of frames, first and last, that cover the needed ones at the lowest cost.

    Args:
        needed: numbers of frames, ascending.

    Returns:
        None if the video had better be decoded as a whole.
    """
    if found.key is None:
        return None
    keys = np.flatnonzero(found.key)
    before = keys[np.maximum(np.searchsorted(keys, needed, side="right") - 1, 0)]
    runs: list[list[int]] = []
    cost = 0
    for frame, key in zip(needed.tolist(), before.tolist(), strict=True):
        on, anew = frame - runs[-1][1] if runs else np.inf, SEEK_COST_FRAMES + frame - key + 1
        cost += min(on, anew)
        if on <= anew:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return [(first, last) for first, last in runs] if cost < MAX_COST_RATIO * found.frames else None


def decode_segments(
    path: str,
    found: VideoInfo,
    needed: np.ndarray,
    runs: list[tuple[int, int]],
    size: int,
    aspect: str,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the needed frames with their numbers, as a Decoding of the whole would.

    Raises:
        Unsure: they may not be the right ones.
    """
    for first, last in runs:
        times = found.times[first : last + 1]
        step = np.diff(found.times).min()
        # Nearer to the frame than to the one before: some containers round to whole frames.
        begin = found.times[first - 1] / 4 + times[0] * 3 / 4 if first else 0.0
        inside = needed[(needed >= first) & (needed <= last)]
        part = FrameReader(path, size, aspect, inside, (first, last, begin, times[-1] + step / 2))
        try:
            yield from part
        except DamagedVideo as error:
            raise SeekError(str(error)) from error
        # A time may be rounded to a whole frame, and `begin` is a quarter of one away from it.
        close = step * 0.45
        if len(part.times) != len(times) or not np.allclose(
            part.times, times - begin, rtol=0, atol=close
        ):
            raise SeekError(f"{path}: frame {first} is not found where it should be")
        header, packets = part.packets
        packets = packets.assign(seconds=packets["shown"] * parse_ratio(header["tb"]))
        packets = packets[packets["seconds"] > times[0] - begin - close].sort_values("shown")
        meant = found.checksums[first : last + 1]
        if packets["checksum"].tolist()[: len(meant)] != meant.tolist():
            raise SeekError(f"{path}: at frame {first} stands another: its index is wrong")
