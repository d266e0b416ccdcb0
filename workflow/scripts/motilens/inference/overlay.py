"""A video with its tracks drawn over it, which every browser plays."""

import math
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import ffmpeg
import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from motilens.core.errors import InputError
from motilens.core.faults import REMEDIES
from motilens.tracking.frame_setup import FrameSetup
from motilens.tracking.tracker import TrackedVideo
from motilens.video.ffmpeg import REMEDY, RunningFFmpeg
from motilens.video.gray_levels import find_gray_levels
from motilens.video.probe import probe_video

# Of Okabe and Ito's, which color-blind people can tell apart.
COLORS = {
    "rapid_progressive": (0, 200, 140), "slow_progressive": (86, 180, 233),
    "nonprogressive": (240, 228, 66), "immotile": (235, 94, 0),
}  # fmt: skip
UNCLASSIFIED = (220, 220, 220)
MIN_SIDE, MAX_SIDE = 640, 1280  # pixels of the longer side: small ones are enlarged for the legend
TRAIL_SECONDS, TRAIL_POINTS = 1.0, 25
HEAD_RADIUS = 0.8  # head lengths, of the circle
H264 = {
    "vcodec": "libx264", "preset": "ultrafast", "crf": 25, "pix_fmt": "yuv420p",
    "movflags": "+faststart", "fflags": "bitexact", "threads": 1,
}  # fmt: skip


def write_overlay(target: Path, path: str, tracked: TrackedVideo, cells: pd.DataFrame) -> None:
    """Write the frames that were searched, with a circle and a trail of a second at each head.

    Args:
        target: an MP4 file, H.264, at the video's frame rate; its longer side has MIN_SIDE to
            MAX_SIDE pixels. One frame is in memory at a time.
        path: of the video.
        cells: with `cell` and `class`, whose names and colors are in the legend.

    Raises:
        DamagedVideo: the video cannot be decoded.
        InputError: ffmpeg cannot encode H.264.
        OSError: the file cannot be written.
    """
    frames = _draw_frames(path, tracked, cells)
    first = next(frames)
    size = f"{first.width}x{first.height}"
    source = ffmpeg.input("pipe:", f="rawvideo", pix_fmt="rgb24", s=size, r=tracked.frame_rate)
    running = RunningFFmpeg(source.output(f"file:{target}", **H264), target, stdin=subprocess.PIPE)
    try:
        with running:
            running.stdin.write(first.tobytes())
            for frame in frames:
                running.stdin.write(frame.tobytes())
            running.stdin.close()
    except (InputError, OSError) as error:
        if "Unknown encoder" in running.report:
            raise InputError(f"this ffmpeg cannot write H.264: {REMEDY}") from error
        for number in REMEDIES:  # not the video's fault, and no reason to replace it
            if os.strerror(number) in running.report:
                raise OSError(number, os.strerror(number), str(target)) from error
        raise


def _draw_frames(path: str, tracked: TrackedVideo, cells: pd.DataFrame) -> Iterator[Image.Image]:
    """Yield the frames of an overlay, RGB."""
    size = tracked.width, tracked.height, tracked.pixel_aspect
    longer = max(tracked.width * tracked.pixel_aspect, tracked.height)
    side = round(min(max(longer, MIN_SIDE), MAX_SIDE))
    setup = FrameSetup(*size, side, find_gray_levels(path, probe_video(path)))
    trails = _Trails(tracked, cells, setup.scale)
    legend = _draw_legend(cells)
    for number, gray in enumerate(setup.read_frames(path, np.arange(tracked.frames))):
        even = np.pad(gray, [(0, length % 2) for length in gray.shape], "edge")  # for H.264
        frame = Image.fromarray(even).convert("RGB")
        trails.draw_heads(ImageDraw.Draw(frame), number)
        frame.paste(legend, (4, 4))
        yield frame


class _Trails:
    """Where heads are and were: their places in the medium, as the stage shows it now."""

    def __init__(self, tracked: TrackedVideo, cells: pd.DataFrame, scale: np.ndarray):
        classes = dict(zip(cells["cell"], cells["class"], strict=True))
        self.drift = tracked.drift * scale
        middle = (scale - 1) / 2  # of the first pixel
        self.radius = max(3.0, HEAD_RADIUS * tracked.head_length * scale[1])
        self.length = max(1, round(TRAIL_SECONDS * tracked.frame_rate))
        self.step = max(1, self.length // TRAIL_POINTS)
        self.paths, self.colors, starts, ends = [], [], [], []
        for cell, track in tracked.tracks.groupby("cell"):
            numbers = track["frame"].to_numpy(int)
            places = track[["x", "y"]].to_numpy(float) * scale + middle
            self.paths.append(places - self.drift[numbers])
            self.colors.append(COLORS.get(classes[cell], UNCLASSIFIED))
            starts.append(numbers[0])
            ends.append(numbers[-1])
        self.starts, self.ends = np.array(starts, int), np.array(ends, int)

    def draw_heads(self, draw: ImageDraw.ImageDraw, number: int) -> None:
        """Draw all heads of a frame with their trails."""
        for index in np.flatnonzero((self.starts <= number) & (number <= self.ends)):
            last = number - self.starts[index]
            points = self.paths[index][last - min(last, self.length) : last + 1]
            points = points[:: -self.step] + self.drift[number]
            color, (x, y) = self.colors[index], points[0]
            box = x - self.radius, y - self.radius, x + self.radius, y + self.radius
            draw.ellipse(box, outline=color)
            if len(points) > 1:
                draw.line(points.ravel().tolist(), fill=color)


def _draw_legend(cells: pd.DataFrame) -> Image.Image:
    """Return a box with the name, the color and the number of cells of each category."""
    rows = [(name, color, (cells["class"] == name).sum()) for name, color in COLORS.items()]
    if without := cells["class"].isna().sum():
        rows.append(("too short to tell", UNCLASSIFIED, without))
    font = ImageFont.load_default(13)
    texts = [f"{name.replace('_', ' ')}: {count}" for name, _, count in rows]
    width = 26 + max(math.ceil(font.getlength(text)) for text in texts)
    legend = Image.new("RGB", (width, 17 * len(rows) + 6))
    draw = ImageDraw.Draw(legend)
    for row, ((_, color, _), text) in enumerate(zip(rows, texts, strict=True)):
        draw.rectangle((5, 17 * row + 6, 15, 17 * row + 16), fill=color)
        draw.text((20, 17 * row + 3), text, fill=(255, 255, 255), font=font)
    return legend
