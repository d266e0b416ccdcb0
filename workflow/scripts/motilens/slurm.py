"""What SLURM says: of GPUs, and of jobs that a run which was killed has left in its queue."""

import os
import subprocess
import time
from collections.abc import Callable

from motilens import InputError


def has_gpus(partition: str | None) -> bool:
    """Does a node of `partition`, or any, have a GPU? What cannot be asked may.

    Raises:
        InputError: there is no such partition.
    """
    chosen = ["-p", partition] if partition else []
    try:
        listed = _ask("sinfo", "--noheader", "--format=%G", *chosen)
    except FileNotFoundError:
        listed = None
    if listed is None:
        return True
    if partition and not listed.strip():
        raise InputError(f"SLURM knows no partition {partition} (`sinfo` lists them)")
    return "gpu" in listed


def _ask(*command: str) -> str | None:
    """The answer, or None if there is none.

    Raises:
        FileNotFoundError: there is no SLURM here.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        raise
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def left(folder: str) -> list[str] | None:
    """Numbers of this user's jobs that Snakemake has submitted from `folder` and that go on.

    None if SLURM does not answer.
    """
    # What a name may contain comes last.
    try:
        listed = _ask("squeue", "--me", "--noheader", "--array", "--format=%i|%k|%Z")
    except FileNotFoundError:
        return []  # another scheduler's cluster
    if listed is None:
        return None
    lines = [line.strip().split("|", 2) for line in listed.splitlines()]
    return [
        number
        for number, comment, place in (line for line in lines if len(line) == 3)
        if comment.startswith("rule_") and os.path.realpath(place) == os.path.realpath(folder)
    ]


def wait_for_left(folder: str, tell: Callable = print, seconds: float = 10) -> None:
    """Wait until they have ended: they make what would otherwise be made twice at a time."""
    told: list[str] | None = []
    while (numbers := left(folder)) != []:
        if numbers != told and numbers is None:
            tell("squeue does not answer: waiting, for jobs of an earlier run may be going on")
        elif numbers != told:
            tell(
                f"{len(numbers)} jobs of an earlier run are still in SLURM's queue: waiting for "
                f"them. To have their work done anew instead: scancel {' '.join(numbers)}"
            )
        told = numbers
        time.sleep(seconds)
