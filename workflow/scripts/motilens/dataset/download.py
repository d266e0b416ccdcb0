"""Downloading and unpacking a data set's archive; what an interrupted call has done is kept."""

import hashlib
import os
import shutil
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import requests
from tqdm import tqdm

from motilens.core.errors import InputError
from motilens.core.files import atomic_write

TIMEOUT = (15, 60)  # seconds to connect, and without a byte
PAUSES = (2, 5, 15, 60, 120)  # seconds before each new attempt; any progress starts them again
CHUNK_BYTES = 2**16  # read at once; less than that is lost when a connection drops


def download_archive(
    url: str, path: Path, size: int | None, md5: str | None, sleep=time.sleep
) -> None:
    """Download a file, or check the one that is there; continue an interrupted download.

    Until it is complete and checked for size (bytes; None: what the server says) and MD5 (32 hex
    digits; None: it is printed), it is PATH.part.

    Raises:
        InputError: it cannot be downloaded, or is not the expected file.
    """
    part = path.with_name(f"{path.name}.part")
    if path.exists():
        _check_content(path, size, md5)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    failures = 0
    while size is None or part.stat().st_size < size:
        problem, before = "the connection was lost", part.stat().st_size
        try:
            size = size or _ask_size(url)
            check_free_space(path.parent, size - before)
            _receive(url, part, size)
        except requests.RequestException as error:
            problem = " ".join(str(error).split())
        if part.stat().st_size > before:
            failures = 0
        elif failures == len(PAUSES):
            raise InputError(
                f"{url}: cannot be downloaded ({problem}): run again when the network is back, "
                f"which continues {part}, or download it by hand to {path}"
            )
        if size is None or part.stat().st_size < size:
            sleep(PAUSES[failures])
            failures += 1
    _check_content(part, size, md5)
    os.replace(part, path)


def _ask_size(url: str) -> int:
    """Return how many bytes a server has; errors are those of `_receive`."""
    headers = {"Accept-Encoding": "identity"}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code in (408, 429) or response.status_code >= 500:
            response.raise_for_status()
        length, kind = response.headers.get("Content-Length"), response.headers.get("Content-Type")
    if response.status_code != 200 or not length or str(kind).startswith("text/html"):
        raise InputError(
            f"{url}: the server answers {response.status_code} {response.reason}, "
            f"{length or 'some'} bytes ({kind}): correct dataset.archive.url, or set "
            "dataset.archive.size"
        )
    return int(length)


def _receive(url: str, part: Path, size: int) -> None:
    """Append to a file what one connection brings.

    Raises:
        InputError: the server offers another file.
        requests.RequestException: asking again later may help.
    """
    done = part.stat().st_size
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code in (408, 429) or response.status_code >= 500:
            response.raise_for_status()
        if response.status_code == 200:
            done = 0  # a server that cannot continue sends all of it again
        total, kind = size, response.headers.get("Content-Type", "of unknown type")
        if length := response.headers.get("Content-Length"):
            total = done + int(length)
        elif kind.startswith("text/html"):  # the login page of a network, for example
            total = "some"
        if response.status_code not in (200, 206) or total != size:
            raise InputError(
                f"{url}: the server answers {response.status_code} {response.reason}, {total} "
                f"bytes ({kind}) instead of {size}: correct dataset.archive.url or "
                "dataset.archive.size"
            )
        with open(part, "r+b") as file, _progress_bar(part.stem, size, done) as bar:
            file.truncate(done)
            file.seek(done)
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))


def _check_content(path: Path, size: int | None, md5: str | None) -> None:
    """Raise an InputError if a file has another size or MD5; print the MD5 if none is expected."""
    found = path.stat().st_size
    if size and found != size:
        raise InputError(
            f"{path}: it has {found} bytes instead of {size}: delete it and run again, or correct "
            "dataset.archive.size"
        )
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file, _progress_bar(f"checking {path.name}", found) as bar:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            bar.update(len(chunk))
    if md5 is None:
        print(
            f"{path.name} has {found} bytes and the MD5 {digest.hexdigest()}: compare them with "
            "the publisher's page (dataset.archive has none)"
        )
    elif digest.hexdigest() != md5.lower():
        raise InputError(
            f"{path}: its MD5 is {digest.hexdigest()} instead of {md5.lower()}: delete it and run "
            "again, or correct dataset.archive.md5"
        )


def extract_files(
    archive: Path, target_of: Callable[[str], Path | None], sought: str
) -> list[Path]:
    """Unpack files of a zip archive, except those that are there, and return all their paths.

    `target_of` returns where the file with this name in the archive goes; None: nowhere. `sought`
    says in messages what they are.

    Raises:
        InputError: the archive is damaged, holds none of them, or the disk is too full.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            wanted = {path: m for m in members if (path := target_of(m.filename))}
            if not wanted:
                names = ", ".join(repr(member.filename) for member in members[:5])
                raise InputError(
                    f"{archive}: none of its {len(members)} files is {sought}; the first are "
                    f"{names or 'none'}: correct dataset.archive.url or what is sought"
                )
            missing = {
                path: member
                for path, member in wanted.items()
                if not path.is_file() or path.stat().st_size != member.file_size
            }
            total = sum(member.file_size for member in missing.values())
            for folder in {path.parent for path in missing}:
                folder.mkdir(parents=True, exist_ok=True)
                check_free_space(folder, total)
            with _progress_bar(f"unpacking {archive.name}", total) as bar:
                for path, member in missing.items():
                    with (
                        opened.open(member) as source,
                        atomic_write(path) as temporary,
                        open(temporary, "wb") as file,
                    ):
                        shutil.copyfileobj(source, file, CHUNK_BYTES)
                    bar.update(member.file_size)
            return list(wanted)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise InputError(
            f"{archive}: cannot be unpacked ({error}): delete it and download it again, or unpack "
            "it by hand"
        ) from error


def check_free_space(folder: Path, needed: int) -> None:
    """Raise an InputError if `needed` bytes do not fit into a folder."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder}: {needed / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free: free some "
            "space and run again"
        )


def _progress_bar(title: str, total: int, done: int = 0) -> tqdm:
    return tqdm(
        desc=title, total=total, initial=done, unit="B", unit_scale=True, mininterval=1,
        dynamic_ncols=True,
    )  # fmt: skip
