"""Videos that are named on the command line: found, named, and reported if they cannot be used."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from motilens.core.command_line import output_path, positive_number
from motilens.core.errors import InputError
from motilens.core.faults import is_machine_fault
from motilens.core.plugins import describe_plugin_error
from motilens.core.text import to_printable
from motilens.dataset.video_files import VIDEO_SUFFIXES, is_video_file
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.fingerprints import fingerprint_file

MAX_FOLDERS = 3  # that a line names
MAX_NAME_BYTES = 200  # file systems allow 255, and the temporary name of a file is longer


def add_video_options(parser: argparse.ArgumentParser, out: str, about_out: str) -> None:
    """Add the videos, the folder to write to (`out` if none is named), and the frame rate."""
    parser.add_argument("videos", nargs="+", type=Path, help="files, or folders of them")
    help_text = f"{about_out} (default: {out})"
    parser.add_argument("--out", type=output_path, default=out, help=help_text)
    help_text = "of the videos (1/s), if files are wrong"
    parser.add_argument("--frame-rate", type=positive_number, help=help_text)


def list_videos(paths: Sequence[Path]) -> list[Path]:
    """Return the videos themselves, each once, those of a folder by their names' endings.

    Raises:
        InputError: a path is missing, or a folder holds no video.
    """
    videos = []
    for path in paths:
        if path.is_dir():
            inside = [file for file in path.iterdir() if is_video_file(file.name)]
            if not inside:
                kinds = ", ".join(sorted(VIDEO_SUFFIXES))
                raise InputError(f"{to_printable(path)} holds no videos ({kinds})")
            videos += sorted(inside)
        elif path.exists():
            videos.append(path)
        else:
            quotes = " (put quotes around a name that has spaces)" if len(paths) > 1 else ""
            raise InputError(f"{to_printable(path)}: no such file or folder{quotes}")
    places = {}  # one file may be named in several ways; two links to a file stay two videos
    for video in videos:
        places.setdefault(os.path.join(os.path.realpath(video.parent), video.name), video)
    return list(places.values())


def describe_unread(paths: Sequence[Path]) -> list[str]:
    """Return a line for each folder that has videos in folders within, which are not read.

    Hidden folders are left out, and the overlays of `make track`.
    """
    named, lines = {os.path.realpath(path) for path in paths}, []
    for path in filter(Path.is_dir, paths):
        counts = {}
        for place, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            if os.path.realpath(place) not in named:
                videos = [name for name in files if is_video_file(name)]
                count = sum(f"{Path(name).stem}.tracks.csv" not in files for name in videos)
                counts |= {os.path.relpath(place, path): count} if count else {}
        texts = [f"{to_printable(place)}: {count}" for place, count in counts.items()]
        if len(texts) > MAX_FOLDERS:
            texts[MAX_FOLDERS:] = [f"and {len(texts) - MAX_FOLDERS} more folders"]
        if texts:
            where = to_printable(path)
            lines.append(f"not read: videos in folders within {where} ({', '.join(texts)})")
    return lines


def shorten_name(name: str) -> str:
    """Return a file's name as text that any file system takes, with a suffix behind it."""
    return to_printable(name).encode()[:MAX_NAME_BYTES].decode(errors="ignore")


def check_video_file(path: str | Path) -> None:
    """Check that a path is a file that may be read, and that its name can be written down.

    Raises:
        DamagedVideo: it is no such file.
        PermissionError: it may not be read.
    """
    name = to_printable(path)
    if not Path(path).is_file():
        raise DamagedVideo(f"{name} is no file")
    if name != str(path):
        raise DamagedVideo(f"{name}: its name holds a line break, or is no UTF-8 text: rename it")
    with open(str(path), "rb"):  # raises PermissionError if it may not be read
        pass


def is_changed(path: str | Path, fingerprint: str) -> bool:
    """Return whether a video is another than that of a fingerprint.

    One that cannot be read is not: whoever uses it will say so.
    """
    try:
        check_video_file(path)
        return fingerprint_file(str(path)) != fingerprint
    except (DamagedVideo, InputError, OSError):
        return False


def explain_failure(path: str | Path, error: Exception) -> str:
    """Return why one video cannot be used: the others should not be lost by it.

    Raises:
        InputError, OSError, MemoryError, RuntimeError: `error` itself, if the machine is at fault.
    """
    name = to_printable(path)
    if isinstance(error, DamagedVideo):
        return to_printable(error)
    if isinstance(error, PermissionError) and error.filename == str(path):
        return f"{name}: {error.strerror}: allow it to be read"  # others may well be readable
    if isinstance(error, InputError) or is_machine_fault(error) or describe_plugin_error(error):
        raise error
    text = f"{type(error).__name__}: {to_printable(error)}"
    return f"{name}: unexpected error, please report it: {text}"
