"""Which runs of Snakemake are alive, here and in a folder of results."""

import fcntl
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TextIO

_held: list[TextIO] = []  # open, and so locked, as long as this process lives
RUN_VARIABLE = "MOTILENS_RUN"  # in the environment of steps: which process runs Snakemake


def acquire_workdir_lock(folder: Path = Path(".snakemake")) -> bool:
    """Count this process among the living; remove Snakemake's locks if there is nobody else.

    The operating system releases the lock of a process that dies, however it dies. Locks of a
    run on another host are left alone: not every file system tells hosts of each other.

    Returns:
        Whether nobody else is alive, as far as one can know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / "alive", "a+", encoding="utf-8")  # noqa: SIM115
    _held.append(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except BlockingIOError:
        alone = False
    except OSError:  # a file system without locks
        return False
    if alone:
        file.seek(0)
        locks, host = folder / "locks", socket.gethostname()
        if file.read() == host and locks.is_dir() and any(locks.iterdir()):
            shutil.rmtree(locks)
            print("An earlier run was killed; its lock has been removed.", file=sys.stderr)
        file.truncate(0)
        file.write(host)
        file.flush()
    fcntl.flock(file, fcntl.LOCK_SH)
    return alone


def acquire_results_lock(results: str) -> str | None:
    """Make a folder of results this clone's as long as this process lives.

    Snakemake's locks know of the runs of one clone only.

    Returns:
        Where another clone is running on the same results: `host:folder`; None if none is, as far
        as one can know.
    """
    path, here = Path(results, ".metadata", ".running"), f"{socket.gethostname()}:{os.getcwd()}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
        _held.append(file)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(0)
        file.write(here)
        file.flush()
    except BlockingIOError:
        file.seek(0)
        if (other := file.read()) != here:
            return other or "which is beginning"
    except OSError:  # another user's, or a file system without locks
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    return None
