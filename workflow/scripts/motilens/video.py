"""Reading and writing videos with ffmpeg, one frame in memory at a time."""

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import imageio_ffmpeg
import numpy as np

from motilens import InputError

# Area averaging and bit-exact arithmetic: the same grey levels on every processor.
FLAGS = "flags=area+accurate_rnd+bitexact"
# From a video's own frames to ours; dar is the shape that a frame is shown in, with pixels of
# whatever shape. ffmpeg has turned it upright before.
FILTERS = {
    "squeeze": f"scale={{size}}:{{size}}:{FLAGS},format=gray",
    "pad": "scale=w='ceil({size}*min(1,dar))':h='ceil({size}*min(1,1/dar))'"
    f":{FLAGS},format=gray,pad={{size}}:{{size}}:-1:-1",
    "crop": "scale=w='ceil({size}*max(1,dar))':h='ceil({size}*max(1,1/dar))'"
    f":{FLAGS},format=gray,crop={{size}}:{{size}}",
}
STREAM = "0:V:0"  # the first video that is no cover picture
NO_TIME = -(2**63)


class Damaged(InputError):
    """A video that cannot be read as it is; other videos may well be."""


@dataclass(frozen=True)
class Video:
    """What ffmpeg finds in a file's first video stream."""

    codec: str
    width: int
    height: int
    pixel_aspect: float  # width of a pixel over its height
    times: np.ndarray  # of the frames as they are shown, s, ascending; counted, not believed
    key: np.ndarray  # bool: frames that can be decoded without any other

    @property
    def frames(self) -> int:
        return len(self.times)


def probe(path: str) -> Video:
    """Count the frames of the video at `path` and read their times, without decoding any.

    Raises:
        Damaged: not a video that ffmpeg can read, or one that has lost its end.
    """
    if missing := _missing_bytes(path):
        raise Damaged(
            f"{path}: its header promises {missing} bytes more than the file has, the end is "
            "missing: copy it again, or if that is all there is: ffmpeg -i OLD -c copy NEW"
        )
    return _listed(path, c="copy")


def probe_decoded(path: str) -> Video:
    """The same by decoding each frame: for files whose packets are not one a frame."""
    return _listed(path, vf="scale=16:16", fps_mode="passthrough")


def _listed(path: str, **options) -> Video:
    stream = _input(path).output("pipe:", map=STREAM, f="framecrc", **options)
    with tempfile.TemporaryFile() as listing:
        with _running(stream, path, stdin=subprocess.DEVNULL, stdout=listing):
            pass
        listing.seek(0)
        lines = listing.read().decode().splitlines()
    header = dict(line[1:].split(" 0: ") for line in lines if line[0] == "#" and " 0: " in line)
    # stream, time of decoding, time of showing, duration, bytes, checksum, then flags if not key
    packets = [line.split(",") for line in lines if line[0] != "#"]
    if not packets:
        raise Damaged(f"{path}: holds no frame: replace the file")
    shown = np.array([int(packet[2]) for packet in packets])
    if NO_TIME in shown:  # AVI has no place for it; those of decoding are as evenly spaced
        shown = np.array([int(packet[1]) for packet in packets])
    order = np.argsort(shown, kind="stable")
    key = np.array([not any("F=" in part for part in packet[6:]) for packet in packets])
    width, height = header["dimensions"].split("x")
    return Video(
        header["codec_id"],
        int(width),
        int(height),
        _ratio(header.get("sar", "1/1")) or 1.0,
        shown[order] * _ratio(header["tb"]),
        key[order],
    )


def _ratio(text: str) -> float:
    above, below = map(int, text.split("/"))
    return above / below if below else 0.0


def _missing_bytes(path: str) -> int:
    """By how much an AVI file is shorter than its RIFF headers say; ffmpeg does not mind."""
    try:
        with open(path, "rb") as file:
            size, position = file.seek(0, 2), 0
            while position < size:
                file.seek(position)
                header = file.read(12)
                if header[:4] != b"RIFF" or header[8:11] != b"AVI":
                    return 0
                length = int.from_bytes(header[4:8], "little")
                if length in (0, 0xFFFFFFFF):  # of a recorder that could not go back
                    return 0
                position += 8 + length + length % 2
    except OSError as error:
        raise Damaged(f"{path}: cannot be read ({error.strerror}): mend or replace it") from error
    return max(position - size - 1, 0)  # many writers leave out the last padding byte


def decode(path: str, size: int, aspect: str = "squeeze") -> Iterator[np.ndarray]:
    """Yield each frame of the video at `path` as grey levels, uint8 (size, size).

    Args:
        aspect: a key of FILTERS; `squeeze` makes a square of whatever shape, as the paper does.

    Raises:
        Damaged: all frames before the damage have been yielded.
    """
    stream = _input(path, flags="bitexact", idct="simple").output(
        "pipe:",
        map=STREAM,
        vf=filter_chain(size, aspect),
        f="rawvideo",
        pix_fmt="gray",
        fps_mode="passthrough",
    )
    with _running(
        stream, path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=64 * size * size
    ) as process:
        # Less than a frame is the end, or the end of a damaged file: ffmpeg's exit code tells.
        while len(frame := process.stdout.read(size * size)) == size * size:
            yield np.frombuffer(frame, np.uint8).reshape(size, size)


def _input(path: str, **options):
    """Of the file of that name, whatever its characters, and of nothing that it refers to."""
    return ffmpeg.input(f"file:{path}", protocol_whitelist="file", **options)


def filter_chain(size: int, aspect: str = "squeeze") -> str:
    """The ffmpeg filters between a video's own frames and ours; recorded with the frames."""
    return FILTERS[aspect].format(size=size)


def encode(path: str | Path, frames: Iterable[np.ndarray], frame_rate: float) -> None:
    """Write `frames`, uint8 RGB (height, width, 3), as H.264; the same frames give the same file.

    Raises:
        Damaged: ffmpeg cannot write there.
    """
    frames = iter(frames)
    first = next(frames)
    height, width, _ = first.shape
    # No B-frames: an AVI file has no place for their order.
    stream = ffmpeg.input(
        "pipe:", f="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=frame_rate
    ).output(
        f"file:{path}",
        vcodec="libx264",
        preset="veryfast",
        crf=20,
        pix_fmt="yuv420p",
        bf=0,
        threads=1,
        fflags="bitexact",
    )
    with _running(stream, path, stdin=subprocess.PIPE) as process:
        process.stdin.write(first.tobytes())
        for frame in frames:
            process.stdin.write(frame.tobytes())
        process.stdin.close()


def ffmpeg_version() -> str:
    """Version of the ffmpeg in use: imageio-ffmpeg's, unless IMAGEIO_FFMPEG_EXE names another."""
    return imageio_ffmpeg.get_ffmpeg_version()


@contextlib.contextmanager
def _running(stream, path: str | Path, **popen) -> Iterator[subprocess.Popen]:
    """An ffmpeg process that does not outlive its block and whose failure is never silent."""
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(_command(stream, "error"), stderr=messages, **popen)
        try:
            yield process
        except BrokenPipeError:
            pass  # ffmpeg has died; its exit code and last words follow
        except BaseException:
            process.kill()
            process.wait()
            raise
        code = process.wait()
        messages.seek(0)
        report = messages.read().decode(errors="replace")
        # ffmpeg may guess what is missing, complain, and end well.
        if code or report.strip():
            raise Damaged(_damaged(path, report))


def _command(stream, level: str) -> list[str]:
    options = ["-hide_banner", "-y", "-xerror", "-loglevel", level]
    return stream.global_args(*options).compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())


def _damaged(path: str | Path, report: str) -> str:
    reason = (report.strip().splitlines() or ["no reason given"])[0]
    reason = re.sub(r"(\[[^]]* @ 0x\w+\] )+", "", reason).strip()
    return f"{path}: ffmpeg cannot read or write it without error ({reason}): replace the file"
