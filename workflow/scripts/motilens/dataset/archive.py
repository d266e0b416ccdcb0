"""Unpacking what is wanted of a zip archive; what is there already is kept."""

import contextlib
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.dataset.progress import ProgressReport

PIECE = 2**16  # bytes read at once; less than that is lost when a connection drops
# Absolute, with a drive or backslashes, or with parts that are empty, . or ..
UNSAFE = re.compile(r"^[A-Za-z]:|\\|(^|/)(\.\.?)?(/|$)")


def extract_archive(
    archive: Path, folder: Path, wanted: Callable, report: ProgressReport
) -> list[Path]:
    """Unpack files of a zip, unless they are there.

    Args:
        wanted: gives the path below `folder` for the name of each file that is wanted, else None.

    Returns:
        Their paths, in the archive's order.

    Raises:
        InputError: the archive is damaged or unsafe, or the disk does not take its files.
    """
    with disk_errors(folder), _open_zip(archive) as opened:
        targets = {folder / path: member for path, member in _members(opened, wanted)}
        sizes = {target: member.file_size for target, member in targets.items()}
        folder.mkdir(parents=True, exist_ok=True)
        check_space(folder, sum(sizes[target] for target in targets if not target.exists()))
        done = 0
        for target, member in targets.items():
            if not _is_there(target, member):
                with atomic_write(target) as temporary, open(temporary, "wb") as file:
                    for piece in _content(opened, member):
                        file.write(piece)
            done += sizes[target]
            report(f"unpacking {archive.name}", done, sum(sizes.values()))
    return list(targets)


def _open_zip(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(
            f"{archive}: it is no whole zip archive ({error}): delete it and download it again"
        ) from error


def _members(opened: zipfile.ZipFile, wanted: Callable) -> list[tuple[str, zipfile.ZipInfo]]:
    """The wanted files of an archive and where they go, all of them safe to unpack."""
    files = [member for member in opened.infolist() if not member.is_dir()]
    members = [member for member in files if wanted(member.filename)]
    if not members:
        some = ", ".join(repr(member.filename) for member in files[:5])
        raise InputError(
            f"{opened.filename}: none of its {len(files)} files is wanted; the first are "
            f"{some or 'none'}: correct dataset.archive.url or what is wanted of it"
        )
    paths = [wanted(member.filename) for member in members]
    for member in members:
        name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
        place = f"{opened.filename}: its member {name!r}"
        if UNSAFE.search(name) or kind not in (0, stat.S_IFREG) or paths.count(wanted(name)) > 1:
            raise InputError(
                f"{place} is a link, stands twice or would leave the folder: get the archive anew "
                "from whom you trust"
            )
        if member.flag_bits & 1:
            raise InputError(f"{place} is encrypted: replace the archive by one that is not")
    return list(zip(paths, members, strict=True))


def _is_there(target: Path, member: zipfile.ZipInfo) -> bool:
    if not target.is_file() or target.stat().st_size != member.file_size:
        return False
    crc = 0
    with open(target, "rb") as file:
        while piece := file.read(PIECE):
            crc = zlib.crc32(piece, crc)
    return crc == member.CRC


def _content(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The pieces of a member, whose CRC-32 is right if no error is raised."""
    place = f"{opened.filename}: its member {member.filename!r}"
    try:
        with opened.open(member) as source:
            while piece := source.read(PIECE):
                yield piece
    except NotImplementedError as error:
        raise InputError(
            f"{place} cannot be unpacked here ({error}): unpack it by hand and run again"
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise InputError(
            f"{place} is damaged ({str(error) or 'it ends early'}): delete {opened.filename} and "
            "download it again"
        ) from error


def check_space(folder: Path, needed: int) -> None:
    """Raise an InputError where `needed` bytes do not fit."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder}: {needed / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free: make room "
            "and run again"
        )


@contextlib.contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turn what a disk refuses into an InputError; `place` if the error names none."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{error.filename or place}: cannot be used ({error.strerror or error}): make room or "
            "allow it, and run again, which continues"
        ) from error
