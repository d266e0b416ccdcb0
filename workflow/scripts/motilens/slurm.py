"""Jobs that a run which was killed has left in SLURM's queue."""

import os
import subprocess
import time
from collections.abc import Callable


def left(folder: str) -> list[str] | None:
    """Numbers of this user's jobs that Snakemake has submitted from `folder` and that go on.

    None if SLURM does not answer.
    """
    # What a name may contain comes last.
    command = ["squeue", "--me", "--noheader", "--array", "--format=%i|%k|%Z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        return []  # another scheduler's cluster
    except (OSError, subprocess.TimeoutExpired):
        return None
    if listed.returncode:
        return None
    lines = [line.strip().split("|", 2) for line in listed.stdout.splitlines()]
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
