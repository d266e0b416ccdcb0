"""The folder of `make track`: files of each video, found again when a call goes on."""

import contextlib
import fcntl
import itertools
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from motilens.core.errors import InputError
from motilens.core.files import hash_file, write_table
from motilens.core.records import Record, read_record, to_plain, write_record
from motilens.core.text import to_printable
from motilens.inference.new_videos import is_changed, shorten_name
from motilens.tracking.trajectories import TRACK_COLUMNS

OVERLAY = ".mp4"
SUFFIXES = (".tracks.csv", ".cells.csv", OVERLAY, ".json")
SUMMARY = "videos.csv"
SUMMARY_COLUMNS = [
    "video", "name", "cells", "rapid_progressive", "slow_progressive", "nonprogressive", "immotile",
    "unclassified", "frames", "frame_rate", "width", "height", "polarity", "head_length", "drift",
    "microns_per_pixel", "scale", "median_vcl", "median_vsl", "median_vap", "unit",
]  # fmt: skip
OTHER_FOLDER = "name another folder (--out; OUT= with make)"
RECORD_START = b'{\n "code": {'  # as `write_record` begins one


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other calls out of a folder while the block lasts; it is made if it is missing.

    Raises:
        InputError: another call is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot lock a folder
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(
                    f"{folder}: another call writes to it: wait for its end, or {OTHER_FOLDER}"
                ) from error
        yield
    finally:
        os.close(descriptor)


class TrackFolder:
    """The files NAME + SUFFIXES of each video, and a table of all.

    The record, NAME.json, is written first, without a summary, and again when all else is written.
    So it tells which files are this program's, and whether they are complete. With the SHA-256 of
    the others, it tells whether they were changed since. A damaged one has no `content`.

    Args:
        folder: is there; see `lock_folder`.
        provenance: see `make_provenance`; all videos of a folder have the same settings and code.
        with_overlay: whether a video without its overlay is not complete.
    """

    def __init__(self, folder: Path, provenance: dict, with_overlay: bool = True):
        self.folder, self.provenance = folder, to_plain(provenance)
        self.needed = [suffix for suffix in SUFFIXES if with_overlay or suffix != OVERLAY]
        self.records, self.taken, self.rows = {}, set(), {}
        names = _read_names(folder / SUMMARY)
        for file in sorted(folder.glob("*.json")):
            is_temporary = file.name.startswith(".") and ".part" in file.name
            record = None if is_temporary else _read_own(file, names)
            if record is not None:
                self.records[_fold_name(file.stem)] = record | {"name": file.stem}
                if "summary" in record:
                    self.rows[file.stem] = record["summary"]

    def check_use(self, videos: Sequence[Path]) -> None:
        """Check that this call would have made what is there, and overwrites nothing else.

        Raises:
            InputError: it would not, or the videos themselves are there.
        """
        here = os.path.realpath(self.folder)
        for video in videos:
            if os.path.dirname(os.path.realpath(video)) == here:
                raise InputError(f"{self.folder} holds {to_printable(video)}: {OTHER_FOLDER}")
        for record in (record for record in self.records.values() if "summary" in record):
            if lines := _list_differences(record["settings"], self.provenance["settings"]):
                raise InputError(
                    f"{self.folder} holds tracks of other settings ({', '.join(lines)}): "
                    f"{OTHER_FOLDER}"
                )
            if record["code"] != self.provenance["code"]:
                raise InputError(
                    f"{self.folder} holds tracks of another version of the code: {OTHER_FOLDER}"
                )
            for video in videos:
                is_named = record["summary"]["video"] == str(video)
                is_named |= record["path"] == os.path.realpath(video)
                if is_named and is_changed(video, record["content"]):
                    raise InputError(
                        f"{to_printable(video)} is not the video that {self.folder} holds tracks "
                        f"of: {OTHER_FOLDER}"
                    )
        found = [] if _is_own_summary(self.folder / SUMMARY) else [self.folder / SUMMARY]
        for video in videos:
            found += self._list_foreign(shorten_name(video.stem))
        if found:
            raise InputError(f"{found[0]} is there, and is none of ours: {OTHER_FOLDER}")

    def list_files(self, name: str) -> dict[str, Path]:
        """Return the files of a video by SUFFIXES."""
        return {suffix: self.folder / f"{name}{suffix}" for suffix in SUFFIXES}

    def _list_foreign(self, name: str) -> list[Path]:
        """Return the files of a name that are there, unless a record says that they are ours."""
        own = ()
        if (record := self.records.get(_fold_name(name))) is not None:
            own = (".json", *record.get("sha256", SUFFIXES))
        files = self.list_files(name).items()
        return [file for suffix, file in files if suffix not in own and file.exists()]

    def take_name(self, path: Path, content: str) -> str:
        """Return the name of a video's files; the same one when a call goes on.

        It is the video's own without its ending. Others of that name get a number.

        Args:
            content: see `fingerprint_file`.
        """
        stem, place = shorten_name(path.stem), os.path.realpath(path)
        pattern = re.compile(re.escape(_fold_name(stem)) + r"(\.\d+)?")

        def rate_match(name: str) -> int:
            record = self.records[name]
            return 2 * (record["content"] == content) + (record["path"] in (place, None))

        open_names = [n for n in self.records if pattern.fullmatch(n) and n not in self.taken]
        best = max(open_names, key=rate_match, default=None)
        if best is not None and rate_match(best):
            name = self.records[best]["name"]
        else:
            used = self.taken | self.records.keys()
            names = itertools.chain([stem], (f"{stem}.{number}" for number in itertools.count(2)))
            name = next(n for n in names if _fold_name(n) not in used and not self._list_foreign(n))
        self.taken.add(_fold_name(name))
        return name

    def find_summary(self, name: str, content: str) -> dict | None:
        """Return what is known of a video whose files are complete; say what was changed."""
        record = self.records.get(_fold_name(name))
        change = self._find_change(name, record) if record else None
        if change:
            print(f"{change}: tracking again", flush=True)
        is_same = record and record["content"] == content and "summary" in record
        return record["summary"] if is_same and not change else None

    def _find_change(self, name: str, record: dict) -> str | None:
        """Return which file is not as this program wrote it, in words; None: all are."""
        files = self.list_files(name)
        if record["content"] is None:
            return f"{files['.json'].name} was changed"
        if "summary" not in record:
            return None  # a call was stopped
        for suffix in SUFFIXES[:-1]:
            if not files[suffix].exists():
                if suffix in self.needed:
                    return f"{files[suffix].name} is missing"
            elif record.get("sha256", {}).get(suffix) != hash_file(files[suffix]):
                return f"{files[suffix].name} was changed"
        return None

    def start_video(self, name: str, path: Path, content: str) -> dict[str, Path]:
        """Say that a video's files are ours and not complete; return them."""
        files = self.list_files(name)
        record = {"name": name, "content": content, "path": os.path.realpath(path)}
        record |= self.provenance
        write_record(str(files[".json"]), record)
        for suffix in SUFFIXES[:-1]:  # of another video, or of a call that was stopped
            files[suffix].unlink(missing_ok=True)
        self.records[_fold_name(name)] = record
        return files

    def drop_video(self, name: str) -> None:
        """Remove the files of a video that turned out to be unusable."""
        for file in self.list_files(name).values():
            file.unlink(missing_ok=True)
        self.records.pop(_fold_name(name), None)
        self.rows.pop(name, None)

    def end_video(self, name: str, summary: dict, details: dict) -> None:
        """Write the record of a video whose other files are there."""
        files = self.list_files(name)
        digests = {suffix: hash_file(files[suffix]) for suffix in self.needed if suffix != ".json"}
        record = self.records[_fold_name(name)] | details | {"sha256": digests, "summary": summary}
        write_record(str(files[".json"]), record)

    def write_summary(self, rows: Sequence[dict]) -> None:
        """Write the table: complete videos of earlier calls, then `rows`, those of this call."""
        named = {row.get("name") for row in rows}
        earlier = [row for name, row in self.rows.items() if name not in named]
        rows = [row | {"warnings": " | ".join(row["warnings"])} for row in (*earlier, *rows)]
        table = pd.DataFrame(rows)
        quality = sorted(name for name in table if name.startswith("quality_"))
        table = table.reindex(columns=[*SUMMARY_COLUMNS, *quality, "warnings", "error"])
        write_table(self.folder / SUMMARY, table, float_format="%.6g")


def _read_own(file: Path, names: set[str]) -> Record | None:
    """Return a record that this program wrote, one without values if it is damaged; else None.

    A damaged one is ours if it begins like one, if tracks are beside it, or if `names` hold it.
    """
    try:
        record = read_record(str(file))
        return record if {"content", "path", "settings", "code"} <= record.keys() else None
    except InputError:
        tracks, header = file.with_suffix(".tracks.csv"), f"{','.join(TRACK_COLUMNS)}\n".encode()
        is_own = _starts_with(file, RECORD_START) or _starts_with(tracks, header)
        damaged = Record({"content": None, "path": None}, str(file))
        return damaged if is_own or file.stem in names else None


def _starts_with(file: Path, start: bytes) -> bool:
    """Return whether a file is there and its content starts so."""
    return file.is_file() and file.read_bytes()[: len(start)] == start


def _read_names(summary: Path) -> set[str]:
    """Return the names in the table that this program writes; none of another one."""
    with contextlib.suppress(OSError, ValueError):
        if _is_own_summary(summary):
            return set(pd.read_csv(summary, dtype=str, keep_default_na=False)["name"])
    return set()


def _is_own_summary(file: Path) -> bool:
    """Return whether a file is missing, or is the table that this program writes."""
    return not file.exists() or _starts_with(file, ",".join(SUMMARY_COLUMNS).encode())


def _fold_name(name: str) -> str:
    """Return the same for names that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _list_differences(made: dict, wanted: dict, place: str = "") -> list[str]:
    """Return what differs between two dicts of plain values, with both values."""
    lines = []
    for key in sorted({*made, *wanted}):
        then, now = made.get(key), wanted.get(key)
        if isinstance(then, dict) and isinstance(now, dict):
            lines += _list_differences(then, now, f"{place}{key}.")
        elif then != now:
            lines.append(f"{place}{key} was {then} and is {now}")
    return lines
