"""Which GPUs there are, and each for so many trainings at a time.

Snakemake counts GPUs but does not tell a job which one to use.
"""

import fcntl
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_held: list[int] = []  # open, and so locked, as long as this process lives


def list_visible_gpus() -> list[str]:
    """GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES gives them.

    Of NVIDIA's make all, of AMD's and Apple's one, unless that variable names others.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        names = [name.strip() for name in named.split(",")]
        end = next((number for number, name in enumerate(names) if name in ("", "-1")), len(names))
        return list(dict.fromkeys(names[:end]))  # CUDA looks no further, either
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return ["mps"]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ["0"] if Path("/dev/kfd").exists() else []
    gpus = re.findall(r"^GPU \d+:.*\(UUID: (GPU-[^)]+)\)", listed.stdout, re.MULTILINE)
    parts = re.findall(r"^\s+MIG .*\(UUID: +(MIG-[^)]+)\)", listed.stdout, re.MULTILINE)
    return parts or gpus


def acquire_gpu(share: int = 1, tell: Callable = print) -> str | None:
    """Keep a GPU for this process until its end; wait as long as none is free.

    A lock on a file for each place on each GPU: the operating system frees it however the process
    ends. CUDA_VISIBLE_DEVICES then names that GPU alone; call it before CUDA is first used.

    Args:
        share: how many processes may have the same GPU.
        tell: is told when there is waiting to do.

    Returns:
        Its name, or None where there is none to keep.
    """
    if not (names := list_visible_gpus()):
        return None
    waited = False
    while True:
        # Each GPU's first place before any second one.
        for place in range(share):
            for name in names:
                if _try_lock(_lock_file(name, place)):
                    if name != "mps":
                        os.environ["CUDA_VISIBLE_DEVICES"] = name
                    return name
        if not waited:
            tell(f"All GPUs ({', '.join(names)}) are in use by other trainings: waiting")
            waited = True
        time.sleep(0.5)


def _lock_file(name: str, place: int) -> Path:
    # Jobs of one cluster's node may each call another GPU 0: theirs are told apart by the job.
    job = os.environ.get("SLURM_JOB_ID", "")
    plain = re.sub(r"[^\w-]", "_", name)
    return Path(tempfile.gettempdir(), f"motilens-gpu-{job}-{plain}-{place}.lock")


def _try_lock(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:  # another user's, which some systems let nobody else write
        file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _held.append(file)
    return True
