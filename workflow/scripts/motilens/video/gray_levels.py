"""From a video's own pixels to 8 bits of gray, where ffmpeg alone would lose what they hold."""

import subprocess
from dataclasses import dataclass, field

import numpy as np

from motilens.video.ffmpeg import RunningFFmpeg, ffmpeg_input
from motilens.video.probe import RAW_FRAMES, VideoInfo

# Formats with 16 bits for each value, and others of gray, of which a camera may use fewer.
SIXTEEN_BITS = ("gray16", "ya16", "rgb48", "bgr48", "rgba64", "bgra64", "gbrp16", "gbrap16",
                "bayer_bggr16", "bayer_rggb16", "bayer_gbrg16", "bayer_grbg16", "yuv420p16",
                "yuv422p16", "yuv444p16", "p016", "p216", "p416", "ayuv64")  # fmt: skip
GRAY_BITS = {"gray10": 10, "gray12": 12, "gray14": 14}
CAMERA_BITS = (8, 10, 12, 14, 16)
MAX_BRIGHTER = 1e-5  # share of pixels, hot ones for example, that may be above the bits in use


@dataclass(frozen=True)
class GrayLevels:
    """How the pixels of a video become gray levels.

    Args:
        decoding: options of ffmpeg's input.
        filters: of ffmpeg, before all others; they end in a comma.
        bits: of the video's values that are in use, if that was measured.
    """

    decoding: dict[str, str] = field(default_factory=dict)
    filters: str = ""
    bits: int | None = None


AS_THEY_ARE = GrayLevels()


def find_gray_levels(path: str, video: VideoInfo) -> GrayLevels:
    """Find out how the pixels of a video become gray levels.

    Of values with 16 bits, the bits in use count, by the greatest values of all frames: the upper
    8 of them would hold next to nothing of a camera's 10 or 12.

    Raises:
        DamagedVideo: the video cannot be decoded.
    """
    depth = GRAY_BITS.get(video.pixel_format[:6])
    if not depth and not video.pixel_format.startswith(SIXTEEN_BITS):
        return GrayLevels(video.decoding)
    depth = depth or 16
    greatest = _measure_brightest(path, video) >> (16 - depth)
    # Colors become gray a little above their own greatest value.
    bits = next(bits for bits in CAMERA_BITS if greatest < 1.01 * 2**bits)
    filters = "" if bits == depth else f"format=gray16le,lut=c0=val*{2 ** (depth - bits)},"
    return GrayLevels(video.decoding, filters, bits)


def _measure_brightest(path: str, video: VideoInfo) -> int:
    """Return the gray level of 16 bits that no more than MAX_BRIGHTER of all pixels exceed."""
    source = ffmpeg_input(path, **video.decoding)
    stream = source.output("pipe:", **RAW_FRAMES, pix_fmt="gray16le", vf="setpts=N")
    counts, values = np.zeros(2**16, int), np.empty(2**20, np.uint16)
    with RunningFFmpeg(stream, path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        while n_bytes := running.stdout.readinto(values):
            counts += np.bincount(values[: n_bytes // 2], minlength=2**16)
    if 2 * counts[2**15 : -1].sum() < counts[-1]:  # white is drawn on darker pixels: a scale bar
        counts[-1] = 0
    brighter = counts[::-1].cumsum()[::-1] - counts
    return int(np.argmax(brighter <= MAX_BRIGHTER * counts.sum()))
