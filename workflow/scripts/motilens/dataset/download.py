"""Downloading a data set's archive; an interrupted download is continued."""

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from motilens.core.errors import InputError
from motilens.dataset.archive import PIECE, check_space, disk_errors
from motilens.dataset.progress import ProgressReport

TIMEOUT = (15, 60)  # seconds to connect and without a byte, then a connection is given up
PAUSES = (2, 5, 15, 60, 120)  # seconds before each new attempt in a row: a router may restart
LOST = "the connection was lost"
LONGEST_PAUSE = 600  # seconds, should the server ask for more


@dataclass(frozen=True)
class _Archive:
    url: str
    path: Path
    size: int
    md5: str

    @property
    def part(self) -> Path:
        return Path(f"{self.path}.part")

    @property
    def version(self) -> Path:
        """A file with the server's mark (ETag) of what `part` is the beginning of."""
        return Path(f"{self.part}.version")


def download_archive(
    url: str, path: Path, size: int, md5: str, report: ProgressReport, wait=time.sleep
) -> None:
    """Download `url` to `path`, or only check what is there; continues PATH.part.

    A lost connection is taken up again after each of PAUSES, and any progress begins these anew.

    Args:
        size: bytes of the whole file.
        md5: of the whole file, 32 hex digits.
        wait: called with the seconds of a pause.

    Raises:
        InputError: it cannot be had, or is not what it should be. What has come stays in PATH.part.
    """
    archive = _Archive(url, path, size, md5.lower())
    with disk_errors(archive.part):
        if path.exists():
            _check(path, archive, report)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        archive.part.touch()
        check_space(path.parent, size - archive.part.stat().st_size)
        _receive_all(archive, report, wait)
        _check(archive.part, archive, report)
        with open(archive.part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(archive.part, path)
        archive.version.unlink(missing_ok=True)


def _receive_all(archive: _Archive, report: ProgressReport, wait: Callable) -> None:
    failures = 0
    while (before := archive.part.stat().st_size) < archive.size:
        problem, asked = LOST, ""
        try:
            _receive(archive, before, report)
        except requests.RequestException as error:
            problem = _cause(error)
            if error.response is not None:
                asked = error.response.headers.get("Retry-After", "")
            if isinstance(error, ValueError):  # as requests calls an impossible URL
                raise InputError(
                    f"{archive.url}: {problem}: correct dataset.archive.url"
                ) from error
        have = archive.part.stat().st_size
        failures = 0 if have > before else failures
        if failures == len(PAUSES):
            raise InputError(
                f"{archive.url}: cannot be downloaded ({problem}): run again when the network is "
                f"back, which continues {archive.part}, or download it by hand to {archive.path}"
            )
        if have < archive.size:
            pause = max(PAUSES[failures], min(int(asked), LONGEST_PAUSE) if asked.isdigit() else 0)
            report(f"waiting {pause} s ({problem})", have, archive.size)
            wait(pause)
        failures += 1


def _receive(archive: _Archive, have: int, report: ProgressReport) -> None:
    """Add to the `have` bytes that are there what one connection brings."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with (
        requests.get(archive.url, headers=headers, stream=True, timeout=TIMEOUT) as response,
        open(archive.part, "r+b") as file,
    ):
        place = _first_byte(response, archive, have)
        file.seek(have)
        for piece in response.iter_content(PIECE):
            if place + len(piece) > archive.size:
                raise InputError(
                    f"{archive.url}: the server sends more than {archive.size} bytes: correct "
                    "dataset.archive.url or dataset.archive.size"
                )
            file.write(piece[max(have - place, 0) :])
            file.flush()
            place += len(piece)
            doing = "downloading" if place > have else "passing over what is there of"
            report(f"{doing} {archive.path.name}", place, archive.size)


def _first_byte(response: requests.Response, archive: _Archive, have: int) -> int:
    """Where in the archive the answer to a request for all after `have` bytes begins.

    Raises:
        InputError: it is no part of this archive.
        requests.HTTPError: asking again later may help.
    """
    status, headers = response.status_code, response.headers
    if status in (408, 429) or status >= 500:
        response.raise_for_status()
    found = re.match(r"bytes (?:(\d+)-\d+|\*)/(\d+)?", headers.get("Content-Range", ""))
    length = headers.get("Content-Length") if status == 200 else found and found[2]
    kind = headers.get("Content-Type", "unknown type")
    page = status == 200 and kind.startswith("text/html")  # of a hotel's network, of a record
    if (length or page) and length != str(archive.size):
        raise InputError(
            f"{archive.url}: the server offers {length or 'some'} bytes ({kind}) instead of "
            f"{archive.size}: correct dataset.archive.url or dataset.archive.size"
        )
    begin = 0 if status == 200 else found and found[1] and int(found[1])
    if status not in (200, 206) or begin not in (0, have):
        raise InputError(
            f"{archive.url}: the server answers {status} {response.reason}: correct "
            f"dataset.archive.url, or download it by hand to {archive.path}"
        )
    _check_version(headers.get("ETag") or headers.get("Last-Modified") or "", archive, have)
    return begin


def _check_version(mark: str, archive: _Archive, have: int) -> None:
    """Hours before the MD5 would tell, notice another file than expected or than was begun."""
    md5 = re.search(r"md5:([0-9a-f]{32})", mark)  # Zenodo's form
    if md5 and md5[1] != archive.md5:
        raise InputError(
            f"{archive.url}: the server says that its MD5 is {md5[1]} instead of {archive.md5}: "
            "correct dataset.archive.md5 or dataset.archive.url"
        )
    noted = archive.version.read_text("utf-8") if have and archive.version.exists() else ""
    if noted and mark and noted != mark:
        raise InputError(
            f"{archive.url}: the file has changed since {archive.part} was begun ({noted}, now "
            f"{mark}): delete {archive.part} and run again, or only {archive.version} if you know "
            "that it is the same"
        )
    if not noted:
        archive.version.write_text(mark, "utf-8")


def _check(file: Path, archive: _Archive, report: ProgressReport) -> None:
    """Compare size and MD5 of `file`, which is the archive or its part."""
    size = file.stat().st_size
    if size != archive.size:
        unfinished = f", or rename it to {archive.part} to have it continued"
        raise InputError(
            f"{file}: it has {size} bytes instead of {archive.size}: delete it and run again"
            f"{unfinished if size < archive.size else ''}, or correct dataset.archive.size"
        )
    digest = hashlib.md5(usedforsecurity=False)
    with open(file, "rb") as opened:
        while piece := opened.read(PIECE):
            digest.update(piece)
            report(f"checking {file.name}", opened.tell(), size)
    if digest.hexdigest() != archive.md5:
        raise InputError(
            f"{file}: its MD5 is {digest.hexdigest()} instead of {archive.md5}: delete it and run "
            "again, or correct dataset.archive.md5"
        )


def _cause(error: BaseException) -> str:
    """What lies under the many layers of a network error."""
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return LOST
    while error.__context__:
        error = error.__context__
    return str(error) or type(error).__name__
