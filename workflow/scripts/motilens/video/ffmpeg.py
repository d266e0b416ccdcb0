"""Running ffmpeg: every failure is reported, in plain words."""

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ffmpeg
import imageio_ffmpeg

from motilens.core.errors import InputError

KNOWN_REASONS = {  # of ffmpeg's, in words
    "moov atom not found": "the recording was not ended, or not copied whole",
    "Invalid data found when processing input": "it is no video that ffmpeg knows",
    "does not contain any stream": "it is no video",
    "matches no streams": "it holds no video",
}
# How ffmpeg's lists of other files begin.
PLAYLIST_SIGNATURES = (b"ffconcat", b"#EXTM3U")


class DamagedVideo(InputError):
    """A video that cannot be read as it is; other videos may well be."""


def ffmpeg_input(path: str, **options):
    """Of the file of that name, whatever its characters, and of nothing that it refers to.

    Raises:
        Damaged: it is a list of other files.
    """
    if Path(path).is_file():  # what is not there, or no file, ffmpeg tells itself
        with open(path, "rb") as file:
            if file.read(16).lstrip(b"\xef\xbb\xbf \r\n").startswith(PLAYLIST_SIGNATURES):
                raise DamagedVideo(f"{path}: it is a list of other files, no video: replace it")
    return ffmpeg.input(f"file:{path}", protocol_whitelist="file", **options)


@contextlib.contextmanager
def running_ffmpeg(stream, path: str | Path, **popen) -> Iterator[subprocess.Popen]:
    """An ffmpeg process that does not outlive its block and whose failure is never silent."""
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(_ffmpeg_command(stream), stderr=messages, **popen)
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
            raise DamagedVideo(_describe_damage(path, report))


def _ffmpeg_command(stream) -> list[str]:
    options = ["-hide_banner", "-y", "-xerror", "-loglevel", "error"]
    return stream.global_args(*options).compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())


def _describe_damage(path: str | Path, report: str) -> str:
    reason = (report.strip().splitlines() or ["no reason given"])[0]
    reason = re.sub(r"(\[[^]]* @ 0x\w+\] )+", "", reason).strip()
    reason += next((f", {words}" for told, words in KNOWN_REASONS.items() if told in reason), "")
    remedy = "replace it"
    if not any(told in report for told in KNOWN_REASONS):
        remedy += ", or have it written anew as far as it goes: ffmpeg -i OLD -c:v ffv1 NEW.mkv"
    return f"{path}: ffmpeg cannot read it without error ({reason}): {remedy}"


def ffmpeg_version() -> str:
    """Version of the ffmpeg in use: imageio-ffmpeg's, unless IMAGEIO_FFMPEG_EXE names another."""
    return imageio_ffmpeg.get_ffmpeg_version()
