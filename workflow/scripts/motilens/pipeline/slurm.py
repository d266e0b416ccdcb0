"""What SLURM says: of GPUs, and of jobs that a killed run has left in its queue."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable

from motilens.core.errors import InputError


def partition_has_gpus(partition: str | None) -> bool:
    """Does a node of `partition`, or any, have a GPU? What cannot be asked may.

    Raises:
        InputError: there is no such partition.
    """
    listed = _gpus_of(partition)
    if listed is None:
        return True
    if partition and not listed.strip():
        raise InputError(f"SLURM knows no partition {partition} (`sinfo` lists them)")
    return "gpu" in listed


def check_site_names(site: dict, gpus: bool, warn: Callable = print) -> None:
    """Would SLURM take jobs with the site's names? Asked before any result is touched.

    Snakemake takes a step's old results away before it submits the new job: one that is refused
    would cost them.

    Args:
        site: the configuration's section `slurm`.
        gpus: whether trainings will ask for a GPU.
        warn: is told when no node could run a job now (drained, for one), which may pass.

    Raises:
        InputError: a name is wrong; with SLURM's own message.
    """
    common = [f"--{name}={site[name]}" for name in ("account", "qos", "constraint") if name in site]
    common += shlex.split(site.get("extra", ""))
    asked, model = [("partition", [])], site.get("gpu_model")
    if gpus:
        asked.append((gpu_partition_key(site), [f"--gpus={model}:1" if model else "--gpus=1"]))
    for key, wanted in asked:
        partition = [f"--partition={site[key]}"] if key in site else []
        options = [*partition, *common, *wanted]
        try:
            done = subprocess.run(
                ["sbatch", "--test-only", *options, "--wrap=true"],
                capture_output=True, text=True, timeout=60,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            break  # the first job will say it
        said = " ".join(done.stderr.split())
        if done.returncode and "configuration is not available" in said:
            warn(f"no node could run a job with {' '.join(options) or 'no options'} now: {said}")
        elif done.returncode:
            raise InputError(
                f"slurm: SLURM refuses jobs with {' '.join(options) or 'no options'} ({said}): "
                "correct the section `slurm`"
            )
    # To SLURM an unknown model looks like a drained node.
    if gpus and model:
        listed = _gpus_of(site.get(gpu_partition_key(site)))
        if listed is not None and f"gpu:{model}:" not in listed and f"gpu:{model}(" not in listed:
            raise InputError(f"slurm.gpu_model: no node has {model} (`sinfo -o %G` lists them)")


def gpu_partition_key(site: dict) -> str:
    """The key of the site's partition for trainings: its own, or that of all jobs."""
    return "gpu_partition" if "gpu_partition" in site else "partition"


def _gpus_of(partition: str | None) -> str | None:
    """What `sinfo` says of the GPUs of a partition's nodes, or of all; None if it says nothing."""
    chosen = ["-p", partition] if partition else []
    try:
        return _ask("sinfo", "--noheader", "--format=%G", *chosen)
    except FileNotFoundError:
        return None


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


def list_leftover_jobs(folder: str) -> list[str] | None:
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


def wait_for_leftover_jobs(folder: str, tell: Callable = print, seconds: float = 10) -> None:
    """Wait until they have ended: they make what would otherwise be made twice at a time."""
    told: list[str] | None = []
    while (numbers := list_leftover_jobs(folder)) != []:
        if numbers != told and numbers is None:
            tell("squeue does not answer: waiting, for jobs of an earlier run may be going on")
        elif numbers != told:
            tell(
                f"{len(numbers)} jobs of an earlier run are still in SLURM's queue: waiting for "
                f"them. To have their work done anew instead: scancel {' '.join(numbers)}"
            )
        told = numbers
        time.sleep(seconds)
