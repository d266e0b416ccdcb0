"""Running ffmpeg: a failure is never silent, and its words are told in ours."""

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import ffmpeg
import imageio_ffmpeg
import numpy as np

from motilens import InputError

REASONS = {  # of ffmpeg's, in words
    "moov atom not found": "the recording was not ended, or not copied whole",
    "Invalid data found when processing input": "it is no video that ffmpeg knows",
    "does not contain any stream": "it is no video",
    "matches no streams": "it holds no video",
}
# How ffmpeg's lists of other files begin.
LISTS = (b"ffconcat", b"#EXTM3U")


class Damaged(InputError):
    """A video that cannot be read as it is; other videos may well be."""


def source(path: str, **options):
    """Of the file of that name, whatever its characters, and of nothing that it refers to.

    Raises:
        Damaged: it is a list of other files.
    """
    if Path(path).is_file():  # what is not there, or no file, ffmpeg tells itself
        with open(path, "rb") as file:
            if file.read(16).lstrip(b"\xef\xbb\xbf \r\n").startswith(LISTS):
                raise Damaged(f"{path}: it is a list of other files, no video: replace it")
    return ffmpeg.input(f"file:{path}", protocol_whitelist="file", **options)


@contextlib.contextmanager
def running(stream, path: str | Path, **popen) -> Iterator[subprocess.Popen]:
    """An ffmpeg process that does not outlive its block and whose failure is never silent."""
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(_command(stream), stderr=messages, **popen)
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


def _command(stream) -> list[str]:
    options = ["-hide_banner", "-y", "-xerror", "-loglevel", "error"]
    return stream.global_args(*options).compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())


def _damaged(path: str | Path, report: str) -> str:
    reason = (report.strip().splitlines() or ["no reason given"])[0]
    reason = re.sub(r"(\[[^]]* @ 0x\w+\] )+", "", reason).strip()
    reason += next((f", {words}" for told, words in REASONS.items() if told in reason), "")
    remedy = "replace it"
    if not any(told in report for told in REASONS):
        remedy += ", or have it written anew as far as it goes: ffmpeg -i OLD -c:v ffv1 NEW.mkv"
    return f"{path}: ffmpeg cannot read it without error ({reason}): {remedy}"


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
    with running(stream, path, stdin=subprocess.PIPE) as process:
        process.stdin.write(first.tobytes())
        for frame in frames:
            process.stdin.write(frame.tobytes())
        process.stdin.close()


def ffmpeg_version() -> str:
    """Version of the ffmpeg in use: imageio-ffmpeg's, unless IMAGEIO_FFMPEG_EXE names another."""
    return imageio_ffmpeg.get_ffmpeg_version()
