"""Running ffmpeg: every failure is reported, in plain words."""

import contextlib
import mimetypes
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ffmpeg
import imageio_ffmpeg

from motilens.core.errors import InputError

# Messages of ffmpeg, and what they mean to a user.
KNOWN_REASONS = {
    "moov atom not found": "the recording was not ended, or not copied whole",
    "Invalid data found when processing input": "it is no video that ffmpeg knows",
    "does not contain any stream": "it is no video",
    "matches no streams": "it holds no video",
}
PLAYLIST_SIGNATURES = (b"ffconcat", b"#EXTM3U")


class DamagedVideo(InputError):
    """A video that cannot be read as it is; other videos may well be readable."""


def ffmpeg_input(path: str, **options):
    """Return the ffmpeg input of exactly this file, whatever characters its name has.

    Files that it refers to are not opened: raise a DamagedVideo if it is a list of other files, or
    an image whose name ffmpeg reads as a pattern of other names.
    """
    if Path(path).is_file():  # a missing file is reported by ffmpeg itself
        kind, _ = mimetypes.guess_type(Path(path).name)
        if "%" in Path(path).name and (kind or "").startswith("image/"):
            raise DamagedVideo(f"{path}: % in an image's name stands for other files: rename it")
        with open(path, "rb") as file:
            if file.read(16).lstrip(b"\xef\xbb\xbf \r\n").startswith(PLAYLIST_SIGNATURES):
                raise DamagedVideo(f"{path}: it is a list of other files, no video: replace it")
    return ffmpeg.input(f"file:{path}", protocol_whitelist="file", **options)


@contextlib.contextmanager
def running_ffmpeg(stream, path: str | Path, **popen) -> Iterator[subprocess.Popen]:
    """Run an output of ffmpeg-python while the block lasts; kill ffmpeg if the block fails.

    Raise a DamagedVideo if ffmpeg fails or complains.
    """
    options = ["-hide_banner", "-y", "-xerror", "-loglevel", "error"]
    command = stream.global_args(*options).compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(command, stderr=messages, **popen)
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
        # ffmpeg may guess what is missing, complain, and still exit with 0.
        if code or report.strip():
            raise DamagedVideo(_describe_damage(path, report))


def _describe_damage(path: str | Path, report: str) -> str:
    reason = (report.strip().splitlines() or ["no reason given"])[0]
    reason = re.sub(r"(\[[^]]* @ 0x\w+\] )+", "", reason).strip()
    reason += next((f", {words}" for text, words in KNOWN_REASONS.items() if text in reason), "")
    remedy = "replace it"
    if not any(text in report for text in KNOWN_REASONS):
        remedy += ", or write its readable part to a new file: ffmpeg -i OLD -c:v ffv1 NEW.mkv"
    return f"{path}: ffmpeg cannot read it without error ({reason}): {remedy}"


def ffmpeg_version() -> str:
    """Return the version of the ffmpeg in use: imageio-ffmpeg's, or IMAGEIO_FFMPEG_EXE's."""
    return imageio_ffmpeg.get_ffmpeg_version()
