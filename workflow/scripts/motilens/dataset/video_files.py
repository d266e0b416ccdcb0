"""Video files: whose they are, whether two are the same, whether one has changed."""

import difflib
import filecmp
import hashlib
import os
import posixpath
import re
import time
import unicodedata
from collections import defaultdict
from collections.abc import Container, Sequence
from datetime import datetime
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.text import shorten_list

VIDEO_SUFFIXES = (
    ".avi", ".mp4", ".m4v", ".mov", ".mkv", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv",
    ".asf", ".webm", ".dv", ".flv", ".3gp", ".ogv",
)  # fmt: skip


def is_storage_url(folder: str | Path | None) -> bool:
    """Whether a folder is one of an object store, as s3://films/2026."""
    return bool(re.match("[a-z][a-z0-9+.-]*://", str(folder)))


def is_video_file(name: str) -> bool:
    """Whether a file of a folder is one, by its name's ending; those of other systems are not."""
    return Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith(".")


def list_numbered_videos(
    folder: str, problems: list[str], stored: Container[str] | None = None
) -> list[dict]:
    """The videos in a folder, each of the participant whose number begins its name, as in VISEM.

    Args:
        stored: names of all files, if the folder is one of an object store.

    Returns:
        One dict a video: participant, video (name), place (for messages).

    Raises:
        InputError: no such folder.
    """
    if stored is None and not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder of videos: correct dataset.videos")
    found = []
    for name in sorted(os.listdir(folder) if stored is None else stored):
        if not is_video_file(name) or "/" in name:
            continue
        if digits := re.match("[0-9]*", name)[0]:
            place = f"{folder}: participant {int(digits)}"
            found.append({"participant": digits, "video": name, "place": place})
        else:
            problems.append(
                f"{os.path.join(folder, name)}: its name does not begin with a participant's ID: "
                "rename it, or say whose it is in a CSV `ID;video` (dataset.video_list)"
            )
    return found


def resolve_video_path(
    row: dict, folder: str | Path, problems: list[str], stored: Container[str] | None = None
) -> bool:
    """Complete the path of a row's video; False, and a problem told, if it is no file.

    `stored` as for `named`.
    """
    if not row["video"]:
        problems.append(f"{row['place']}: names no video: correct it")
        return False
    name = row["video"]
    row["video"] = path = os.path.join(folder, name)
    if set(path) & set("{}<>"):
        problems.append(
            f"{row['place']}: {path}: {{ }} < > have a meaning for Snakemake: rename it"
        )
    elif stored is not None:
        if set(name) & set("#?"):
            problems.append(f"{row['place']}: {path}: # and ? end an address: rename it")
        elif posixpath.normpath(name) in stored:
            return True
        else:
            problems.append(
                f"{row['place']}: {path} is not in the store: correct it (names begin in "
                "dataset.videos, upper and lower case differ)"
            )
    elif os.path.islink(path) and not os.path.exists(path):
        problems.append(f"{row['place']}: {path} is a dead link: mend or remove it")
    elif not os.path.isfile(path):
        problems.append(f"{row['place']}: {path} is no file: correct it{_suggest_file(path)}")
    elif told := describe_future_mtime(path):
        problems.append(f"{row['place']}: {path} {told}")
    else:
        return True
    return False


def describe_future_mtime(path: str | Path) -> str:
    """What to say of a file that is newer than now, else nothing.

    Snakemake would take what is made of it for older, and remove it.
    """
    changed = os.path.getmtime(path)
    if changed <= time.time() + 1:
        return ""
    when = f"{datetime.fromtimestamp(changed):%Y-%m-%d %H:%M:%S}"
    return f"has a time in the future ({when}): `touch` it"


def find_unlisted_videos(folder: str | Path, paths: Sequence[str], table: str) -> list[str]:
    """Lines on videos that are in no row of a table: forgotten, maybe.

    Args:
        folder: where to look; of the disk, nothing is said of one of an object store.
        paths: of the videos that are in a row. Their folders are looked into, too.
    """
    known, lines = {os.path.realpath(path) for path in paths}, []
    for place in sorted({str(folder), *map(os.path.dirname, paths)}):
        found = [
            name
            for name in sorted(os.listdir(place) if os.path.isdir(place) else [])
            if is_video_file(name) and os.path.realpath(os.path.join(place, name)) not in known
        ]
        if found:
            lines.append(
                f"{place}: no row of {table} names these videos, unused: {shorten_list(found)}"
            )
    return lines


def _suggest_file(path: str) -> str:
    """A hint at what is there, if anything like it."""
    folder, name = os.path.split(path)
    if os.path.exists(path):  # a folder, for one
        return ""
    if "\\" in path:
        return " (write / where Windows has \\)"
    there = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
    # macOS writes ü as two characters, which look the same.
    composed = unicodedata.normalize("NFC", name)
    if alike := [one for one in there if unicodedata.normalize("NFC", one) == composed]:
        return f" (the file's name is written in other characters, {ascii(alike[0])}: rename it)"
    close = [one for one in there if one.casefold() == name.casefold()]
    close += difflib.get_close_matches(name, there, 1)
    return f" (is it {close[0]!r}?)" if close else ""


def find_repeated_addresses(videos: Sequence[tuple[str, str]]) -> list[str]:
    """Problems of addresses that mean the same: all that can be told of videos in a store.

    Args:
        videos: place (for messages) and address of each.
    """
    problems, owners = [], {}
    for place, path in videos:
        if (owner := owners.setdefault(posixpath.normpath(path), place)) != place:
            problems.append(f"{place}: {path} is the video of {owner}, too: keep one")
    return problems


def find_identical_files(videos: Sequence[tuple[str, str]]) -> list[str]:
    """Problems of videos that are the same file or have the same content.

    One of two such would be held out and the other seen in training: nobody would notice.

    Args:
        videos: place (for messages) and path of each.
    """
    problems, alike = [], defaultdict(list)
    for place, path in videos:
        try:
            if os.path.getsize(path):  # empty files are alike, and told when they are decoded
                alike[fingerprint_file(path)].append((place, path))
        except InputError as error:
            problems.append(str(error))
    for group in alike.values():
        place, path = group[0]
        problems += [
            f"{other_place}: {other} has the same content as {path} ({place}): keep one"
            for other_place, other in group[1:]
            if filecmp.cmp(path, other, shallow=False)
        ]
    return problems


def fingerprint_file(path: str) -> str:
    """What tells whether a video is still the same: its size and 32 pieces spread over it.

    Neither its name nor its times; a film of many GB costs 1 MB of reading. A changed frame
    changes the sizes in a container's index or, uncompressed, the pieces of any edit that is
    not confined to a fraction of a second.

    Returns:
        The first 16 hex digits of a SHA-256.

    Raises:
        InputError: it cannot be read.
    """
    pieces, length = 32, 2**15
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            digest = hashlib.sha256(str(size).encode())
            for piece in range(pieces):
                file.seek(max(size - length, 0) * piece // (pieces - 1))
                digest.update(file.read(length))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): allow it") from error
    return digest.hexdigest()[:16]


def matches_plan(path: str, identity: str | dict | None) -> bool:
    """Whether a video is what the plan saw: its fingerprint or, fetched from a store, its size.

    None is said of simulated videos.
    """
    if isinstance(identity, dict):
        return os.path.getsize(path) == identity["size"]
    return identity is None or fingerprint_file(path) == identity
