"""Running ffmpeg: every failure is reported, and whether it is the video's or the machine's."""

import errno
import mimetypes
import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ffmpeg
import imageio_ffmpeg

from motilens.core.errors import InputError, MachineFault

# Messages of ffmpeg, and what they mean to a user.
KNOWN_REASONS = {
    "moov atom not found": "the recording was not ended, or not copied whole",
    "Error opening input: Invalid data found": "it is no video that ffmpeg knows",
    "does not contain any stream": "it is no video",
    "matches no streams": "it holds no video",
    "no decoder found": "its codec is unknown to ffmpeg: save it in another one where it was made",
}
# Faults of the machine, in ffmpeg's words: it may be another one when the step runs again.
MACHINE_ERRORS = [
    os.strerror(number)
    for number in (
        errno.EIO, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE,
        errno.ESTALE, errno.EROFS, errno.ENOTCONN, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY,
    )
]  # fmt: skip
# What ffmpeg says, too, where only the beginning of a file is there.
CUT_OFF = f"Error opening input: {os.strerror(errno.EIO)}"
SERIOUS = r"^(\[[^]]* @ 0x\w+\] )*\[(error|fatal|panic)\] "  # a message of ffmpeg that counts
REMEDY = "correct IMAGEIO_FFMPEG_EXE, or unset it and delete .venv/ready to set up again"
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


class RunningFFmpeg:
    """Run an output of ffmpeg-python while a block lasts; kill ffmpeg if the block fails.

    After the block, `report` holds all that ffmpeg said, one message in a line. Nothing is written
    to temporary files: a full disk cannot be taken for a damaged video.

    Args:
        path: the video, for messages.
        popen: arguments of subprocess.Popen; `stdin` and `stdout` are then attributes.

    Raises:
        DamagedVideo: ffmpeg fails or complains, and it is not the machine's fault.
        MachineFault: ffmpeg cannot be started, was killed, or failed by a fault of the machine.
        OSError: the video cannot be read.
    """

    def __init__(self, stream, path: str | Path, **popen):
        options = ["-hide_banner", "-nostats", "-y", "-xerror", "-loglevel", "level+verbose"]
        self.path, self.popen, self.report = path, popen, ""
        self.command = stream.global_args(*options).compile(cmd=find_ffmpeg())

    def __enter__(self):
        self.process = start_ffmpeg(self.command, stderr=subprocess.PIPE, **self.popen)
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.thread = ThreadPoolExecutor(1)
        self.messages = self.thread.submit(self.process.stderr.read)
        return self

    def __exit__(self, kind, error, traceback) -> bool:
        has_died = isinstance(error, BrokenPipeError)  # its exit code and last words follow
        if error and not has_died:
            self.process.kill()
        code = self.process.wait()
        self.report = self.messages.result().decode(errors="replace")
        self.thread.shutdown()
        for pipe in filter(None, (self.stdout, self.process.stderr)):
            pipe.close()
        # ffmpeg may guess what is missing, complain, and still exit with 0.
        complaints = [line for line in self.report.splitlines() if re.search(SERIOUS, line)]
        if (has_died or not error) and (code or complaints):
            raise _explain_failure(self.path, code, complaints, self.report) from None
        return has_died


def find_ffmpeg() -> str:
    """Return the path of ffmpeg: imageio-ffmpeg's, or IMAGEIO_FFMPEG_EXE's."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise MachineFault(f"ffmpeg cannot be found: {REMEDY}") from error


def start_ffmpeg(command: list[str], **popen) -> subprocess.Popen:
    """Start a process; raise a MachineFault if its program cannot be run."""
    try:
        return subprocess.Popen(command, **popen)
    except OSError as error:
        raise MachineFault(
            f"{command[0]}: ffmpeg cannot be started ({error.strerror}): {REMEDY}"
        ) from error


def _explain_failure(path: str | Path, code: int, complaints: list[str], report: str) -> Exception:
    """Return the error of a run: a DamagedVideo if nothing shows a fault of the machine."""
    again = "run again: nothing is lost"
    if code < 0:
        name = signal.Signals(-code).name
        hint = "out of memory? Free some, or give the job more; then " * (name == "SIGKILL")
        return MachineFault(f"{path}: ffmpeg was killed by signal {-code} ({name}): {hint}{again}")
    lines = complaints or report.splitlines()[-1:]
    text = "\n".join(lines)
    for message in MACHINE_ERRORS:
        if message in text and not (CUT_OFF in text and _fails_again(path)):
            return MachineFault(
                f"{path}: ffmpeg failed ({message}), as it does where the machine is at fault: "
                f"mend that, and {again}; if it stays so, the video is damaged: replace it"
            )
    try:
        with open(path, "rb") as file:
            while file.read(2**24):
                pass
    except OSError as error:
        return OSError(error.errno, error.strerror, str(path))
    check_ffmpeg()
    # A program that cannot be loaded, for example, says so in its own words, or not at all.
    if not complaints:
        said = f": {lines[0]}" if lines else ""
        return MachineFault(
            f"{path}: ffmpeg ended without saying why (exit code {code}{said}): see that it works "
            f"({find_ffmpeg()} -version), and {again}"
        )
    return DamagedVideo(_describe_damage(path, lines))


def check_ffmpeg() -> None:
    """Check ffmpeg by a picture that it draws itself.

    Raises:
        MachineFault: it fails, complains, or returns something else.
    """
    options = "-loglevel level+error -f lavfi -i color=size=16x16 -frames:v 1 -f framecrc -"
    command = [find_ffmpeg(), *options.split()]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    listed = re.search(rb"\A#.*^0, .*\Z", done.stdout, re.DOTALL | re.MULTILINE)
    if done.returncode or done.stderr.strip() or not listed:
        said = " ".join(done.stderr.decode(errors="replace").split())[:200]
        raise MachineFault(
            f"{command[0]}: this ffmpeg does not work (exit code {done.returncode}; {said or 'no'} "
            f"message): {REMEDY}"
        )


def _fails_again(path: str | Path) -> bool:
    """Return whether ffmpeg says CUT_OFF again of a file that the system can read."""
    command = [find_ffmpeg(), "-i", f"file:{path}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    return CUT_OFF in done.stderr.decode(errors="replace")


def _describe_damage(path: str | Path, complaints: list[str]) -> str:
    reason = re.sub(SERIOUS, "", complaints[0]).strip()
    report = "\n".join(complaints)
    reason += next((f", {words}" for text, words in KNOWN_REASONS.items() if text in report), "")
    remedy = "replace it"
    if not any(text in report for text in KNOWN_REASONS):
        remedy += ", or write its readable part to a new file: ffmpeg -i OLD -c:v ffv1 NEW.mkv"
    return f"{path}: ffmpeg cannot read it without error ({reason}): {remedy}"


def ffmpeg_version() -> str:
    """Return the version of the ffmpeg in use: imageio-ffmpeg's, or IMAGEIO_FFMPEG_EXE's."""
    return imageio_ffmpeg.get_ffmpeg_version()
