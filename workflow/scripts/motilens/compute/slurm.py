"""What SLURM says of GPUs, and of jobs that a killed run has left in its queue."""

import os
import subprocess


def cluster_has_gpus() -> bool:
    """Return whether a node of the cluster has a GPU; True as well if SLURM cannot be queried."""
    gpus = _query("sinfo", "--noheader", "--format=%G")
    return gpus is None or "gpu" in gpus


def list_leftover_jobs(folder: str) -> list[str]:
    """Return the numbers of this user's jobs that an earlier Snakemake submitted from a folder.

    They would write the same files as the jobs of a new run.
    """
    # What a name may contain comes last.
    listing = _query("squeue", "--me", "--noheader", "--array", "--format=%i|%k|%Z") or ""
    lines = [line.strip().split("|", 2) for line in listing.splitlines()]
    return [
        number
        for number, comment, place in (line for line in lines if len(line) == 3)
        if comment.startswith("rule_") and os.path.realpath(place) == os.path.realpath(folder)
    ]


def _query(*command: str) -> str | None:
    """Return what a command of SLURM prints; None if it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
