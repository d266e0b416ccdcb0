"""Faults of the machine (disk, memory, network): they say nothing about the data, and pass."""

import errno
import os
import re
import shutil
import tempfile

from motilens.core.text import describe_error

MIN_FREE = 2**20  # bytes; a disk with less is full
MEMORY = "not enough memory: run fewer steps at a time (--cores), or use a larger machine"
SPACE = "free some space"
RIGHTS = "ask for the right to use it, or name another folder"
REMEDIES = {
    errno.ENOSPC: SPACE,
    errno.EDQUOT: SPACE,
    errno.EACCES: RIGHTS,
    errno.EPERM: RIGHTS,
    errno.EROFS: RIGHTS,
    errno.EIO: "the disk or the network fails: have it checked",
    errno.ESTALE: "the network folder was lost: wait until it is back",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


def is_machine_fault(error: BaseException) -> bool:
    """Return whether an error is one of the machine; damaged files raise OSErrors, too."""
    is_of_system = isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
    return is_of_system or is_out_of_memory(error)


def can_describe(error: BaseException) -> bool:
    """Return whether `describe_fault` says all that matters: nobody needs the traceback."""
    return isinstance(error, OSError) or is_out_of_memory(error)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory was lacking, of CPU or GPU; PyTorch has no class for the former."""
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    message = str(error)
    texts = "allocate memory" in message or "out of memory" in message
    return isinstance(error, MemoryError) or isinstance(error, RuntimeError) and texts


def describe_fault(error: BaseException, place: str) -> str:
    """Return what happened to which file, and the remedy, in one line.

    Args:
        error: one that `can_describe` accepts.
        place: the file that is at fault if the error names none.
    """
    if is_out_of_memory(error):
        return f"{place}: {MEMORY}"
    number = error.errno
    if not error.filename and lacks_space(error) and is_full(tempfile.gettempdir()):
        place = f"{tempfile.gettempdir()} (TMPDIR)"
    # Not the temporary name of a file that is renamed in the end.
    name = re.sub(r"\.([^/]+)\.\d+\.part[^/]*$", r"\1", os.fsdecode(error.filename or place))
    what = os.strerror(number) if number else describe_error(error)
    remedy = f": {REMEDIES[number]}, and run again" if number in REMEDIES else ""
    return f"{name}: {what}{remedy}"


def lacks_space(error: BaseException) -> bool:
    """Return whether a disk or a quota is full."""
    return isinstance(error, OSError) and REMEDIES.get(error.errno) == SPACE


def is_full(folder: str) -> bool:
    """Return whether the disk of a folder has next to no space."""
    return shutil.disk_usage(folder).free < MIN_FREE


def find_write_error(folder: str | os.PathLike) -> OSError | None:
    """Return why a folder (made if missing) takes no new file of `MIN_FREE` bytes, if so."""
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".motilens") as file:
            file.write(bytes(MIN_FREE))
    except OSError as error:
        error.filename = os.fspath(folder)
        return error
    return None
