"""Video files: which are there, and whose they are."""

import fnmatch
import os
import posixpath
import re
import time
import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.suggestions import ask_whether, suggest_names
from motilens.core.text import CONTROL, shorten_list, to_printable
from motilens.dataset.issues import Issues

VIDEO_SUFFIXES = (
    ".avi", ".mp4", ".m4v", ".mov", ".mkv", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv",
    ".asf", ".webm", ".dv", ".flv", ".3gp", ".ogv",
)  # fmt: skip
# What follows the number that begins a name. Of 01.05.2026, 1.5 or `1 (Copy)`, it would be a guess.
NUMBER_END = r"(?=\Z|_|[ -][^\W\d_])"
NO_DATE = r"(?!\d{1,2}_\d{1,2}_(19|20)\d\d(?!\d))"  # 01_05_2026
# A number that says it is a patient's, in 1_P3.
SAYS_PATIENT = re.compile(
    r"(?<![^\W\d_])(?:p|pat|patient|proband|subject|donor|spender|participant|id)[ _-]?(\d+)(?!\d)",
    re.IGNORECASE,
)


def is_storage_url(folder: str | Path | None) -> bool:
    """Return whether a folder is in an object store, such as s3://videos/2026."""
    return bool(re.match("[a-z][a-z0-9+.-]*://", str(folder)))


def is_video_file(name: str) -> bool:
    """Return whether a file is a video, by its name's ending; hidden files are not."""
    return Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith(".")


def list_numbered_videos(
    folder: str,
    issues: Issues,
    stored: Iterable[str] | None,
    patterns: Sequence[str] | None = None,
) -> list[dict]:
    """List the videos in a folder; the number that begins a name is its participant, as in VISEM.

    Args:
        stored: the names of all files, if the folder is in an object store.
        patterns: of paths from the folder, whose videos are listed. Without them, it is those in
            the folder itself.

    Returns:
        participant, video (path from the folder) and place (for messages) of each.

    Raises:
        InputError: there is no such folder.
    """
    if stored is None and not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder of videos: correct dataset.videos")
    if stored is None:
        stored = walk_folder(folder) if patterns else os.listdir(folder)
    names = sorted(name for name in stored if is_wanted_video(name, patterns))
    issues.errors += [
        f"dataset.video_names: no video in {folder} is called {pattern}: correct it"
        for pattern in patterns or ()
        if not any(is_wanted_video(name, [pattern]) for name in names)
    ]
    videos, digits_of, doubtful = [], {}, []
    for name in names:
        path = os.path.join(folder, name)
        if digits := read_leading_number(name):
            participant = str(int(digits))
            folders = Path(name).parent.parts
            others = [*SAYS_PATIENT.findall(Path(name).stem), *filter(str.isdecimal, folders)]
            if {int(other) for other in others if len(other) < 4} - {int(digits)}:
                doubtful.append(name)
            place = f"{folder}: participant {participant}"
            videos.append({"participant": participant, "video": name, "place": place})
            if (first := digits_of.setdefault(participant, digits)) != digits:
                issues.errors.append(
                    f"{path}: another name begins with {first}, which is the same number: one "
                    "person? Write both alike"
                )
        else:
            issues.errors.append(
                f"{path}: its name does not begin with a participant's number, alone or before _ "
                "(or a space or - and a letter): rename it, or name its participant in a column "
                "`video` or in a CSV `ID;video` (dataset.video_list)"
            )
    if doubtful:
        issues.warnings.append(
            f"{folder}: two numbers may be the participant; the first one of the file's own name "
            f"is taken: {to_printable(shorten_list(doubtful))}"
        )
    return videos


def read_leading_number(path: str) -> str:
    """Return the digits that begin a video's name and are a participant's ID; else nothing."""
    number = re.match(f"{NO_DATE}[0-9]+{NUMBER_END}", Path(path).stem)
    return number[0] if number else ""


def is_wanted_video(name: str, patterns: Sequence[str] | None) -> bool:
    """Return whether a path from the folder of videos is a video that `patterns` name.

    In a pattern, * stands for any characters, / among them. Without patterns, it is wanted if it
    is in no folder within.
    """
    if not is_video_file(posixpath.basename(name)):
        return False
    if not patterns:
        return "/" not in name
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def walk_folder(folder: str) -> Iterator[str]:
    """Yield the paths from a folder of all files in it and in the folders within, also linked ones.

    Raises:
        OSError: a folder cannot be read.
    """

    def fail(error: OSError):
        raise error

    seen = set()
    for place, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        if (real := os.path.realpath(place)) in seen:  # a link to a folder around it, for example
            folders.clear()
            continue
        seen.add(real)
        inside = os.path.relpath(place, folder)
        yield from names if inside == "." else (f"{inside}/{name}" for name in names)


def resolve_video_paths(
    rows: Sequence[dict],
    folder: str | Path,
    issues: Issues,
    stored: Container[str] | None = None,
) -> list[dict]:
    """Complete the paths of the rows' videos and return the rows whose video can be used.

    Args:
        rows: with place (for messages) and video: a name in the folder, which becomes a path.
        stored: as of `list_numbered_videos`.
    """
    usable, names = [], [row["video"] for row in rows]
    for row, name in zip(rows, names, strict=True):
        row["video"] = os.path.join(folder, name)
    named = {os.path.normpath(row["video"]) for row in rows}
    for row, name in zip(rows, names, strict=True):
        if not name:
            issues.errors.append(f"{row['place']}: names no video: correct it")
        elif problem := _find_problem(name, str(folder), named, stored):
            issues.errors.append(f"{row['place']}: {to_printable(row['video'])}{problem}")
        else:
            usable.append(row)
    return usable


def _find_problem(
    name: str, folder: str, named: Container[str], stored: Container[str] | None
) -> str:
    """Return what is wrong with a video's path, to be written after it; else nothing."""
    path = os.path.join(folder, name)
    if re.search(CONTROL, name):
        return ": a line break or the like is in its name: rename it"
    if set(path) & set("{}<>"):
        return ": { } < > have a meaning for Snakemake: rename it"
    if stored is not None:
        if set(name) & set("#?"):
            return ": # and ? end an address: rename it"
        if posixpath.normpath(name) not in stored:
            return (
                " is not in the store: correct it (names begin in dataset.videos, upper and lower "
                "case differ)"
            )
        return ""
    if os.path.islink(path) and not os.path.exists(path):
        return " is a broken link: correct or remove it"
    if not os.path.isfile(path):
        return f" is no file: correct it{_suggest_file(path, folder, named)}"
    issue = describe_future_mtime(path)
    return f" {issue}" if issue else ""


def describe_future_mtime(path: str | Path) -> str:
    """Describe a modification time in the future; return nothing for other files.

    Snakemake would take what is made from such a file for older than it, and remove it.
    """
    changed = os.path.getmtime(path)
    if changed <= time.time() + 1:
        return ""
    when = f"{datetime.fromtimestamp(changed):%Y-%m-%d %H:%M:%S}"
    return f"has a time in the future ({when}): `touch` it"


def find_unlisted_videos(folder: str | Path, paths: Sequence[str], table: str) -> list[str]:
    """Return a line for each folder with videos that no row of a table names.

    The folders of `paths`, which the rows name, are searched, too; those of object stores are not.
    """
    known, lines = {os.path.realpath(path) for path in paths}, []
    for place in sorted({str(folder), *map(os.path.dirname, paths)}):
        names = sorted(os.listdir(place)) if os.path.isdir(place) else []
        videos = [name for name in names if is_video_file(name)]
        unlisted = [
            to_printable(n) for n in videos if os.path.realpath(os.path.join(place, n)) not in known
        ]
        if unlisted:
            lines.append(
                f"{place}: no row of {table} names these videos, unused: {shorten_list(unlisted)}"
            )
    return lines


def _suggest_file(path: str, videos: str, named: Container[str]) -> str:
    """Return a hint at a file with a similar name, if there is one that no row names (`named`).

    Without one beside `path`, files of the same name count in the folder `videos` and in its own.
    """
    folder, name = os.path.split(path)
    if os.path.exists(path):  # a folder, for example
        return ""
    if "\\" in path:
        return " (write / where Windows has \\)"
    files = sorted(os.listdir(folder or ".")) if os.path.isdir(folder or ".") else []
    files = [f for f in files if os.path.normpath(os.path.join(folder, f)) not in named]
    # macOS writes ü as two characters, which look the same.
    composed = unicodedata.normalize("NFC", name)
    if same := [other for other in files if unicodedata.normalize("NFC", other) == composed]:
        return f" (the file's name is written in other characters, {ascii(same[0])}: rename it)"
    stems = {file: Path(file).stem for file in files if is_video_file(file)}
    stem = Path(name).stem if is_video_file(name) else name
    same = [file for file in files if file.casefold() == name.casefold()]
    same = same or [file for file, other in stems.items() if other.casefold() == stem.casefold()]
    near = suggest_names(stem, dict.fromkeys(stems.values()))
    same = same or [
        str(file.relative_to(videos))
        for pattern in ("*", "*/*")
        for file in sorted(Path(videos).glob(pattern))
        if file.name.casefold() == name.casefold() and os.path.normpath(file) not in named
    ]
    return ask_whether(same or [file for file, other in stems.items() if other in near])
