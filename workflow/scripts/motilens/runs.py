"""Which runs of Snakemake are alive here, so that the lock of a killed one does not stay."""

import shutil
import socket
import sys
from pathlib import Path

import psutil


def enter(folder: Path = Path(".snakemake")) -> None:
    """Note down this run; remove Snakemake's locks if all who may hold them are dead.

    Runs on other hosts (a shared file system) cannot be looked at and count as alive.
    """
    notes, locks = folder / "runs", folder / "locks"
    notes.mkdir(parents=True, exist_ok=True)
    this = notes / f"{socket.gethostname()}-{psutil.Process().pid}"
    others = [note for note in notes.iterdir() if note != this]
    dead = [note for note in others if _is_dead(note)]
    if dead and len(dead) == len(others) and locks.is_dir() and any(locks.iterdir()):
        shutil.rmtree(locks)
        print("An earlier run was killed; its lock has been removed.", file=sys.stderr)
    for note in dead:
        note.unlink(missing_ok=True)
    this.write_text(str(psutil.Process().create_time()))


def _is_dead(note: Path) -> bool:
    host, _, pid = note.name.rpartition("-")
    if host != socket.gethostname():
        return False
    try:
        # A number may be given again to another process, but not at the same time.
        return str(psutil.Process(int(pid)).create_time()) != note.read_text()
    except psutil.NoSuchProcess:
        return True
    except FileNotFoundError:  # another run has just cleared it away
        return True
