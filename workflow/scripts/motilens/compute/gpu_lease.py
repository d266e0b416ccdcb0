"""Which GPUs there are, and each for so many trainings at a time.

Snakemake counts GPUs but does not tell a job which one to use.
"""

import fcntl
import itertools
import logging
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

logger = logging.getLogger(__name__)

_locks: list[int] = []  # open, and so locked, as long as this process lives


def list_visible_gpus() -> list[str]:
    """List the GPUs that this process may use, by the names of CUDA_VISIBLE_DEVICES.

    All of NVIDIA's, one of AMD's or Apple's, unless that variable names others.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = map(str.strip, visible.split(","))
        # CUDA looks no further, either.
        return list(dict.fromkeys(itertools.takewhile(lambda name: name not in ("", "-1"), names)))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return ["mps"]
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ["0"] if Path("/dev/kfd").exists() else []
    gpus = re.findall(r"^GPU \d+:.*\(UUID: (GPU-[^)]+)\)", listing.stdout, re.MULTILINE)
    parts = re.findall(r"^\s+MIG .*\(UUID: +(MIG-[^)]+)\)", listing.stdout, re.MULTILINE)
    return parts or gpus


def acquire_gpu(slots_per_gpu: int = 1) -> str | None:
    """Keep a GPU for this process until its end; wait as long as none is free.

    There is a locked file for each slot of each GPU: the operating system unlocks it however the
    process ends. CUDA_VISIBLE_DEVICES then names that GPU alone; call this before CUDA is used.

    Returns:
        Its name, or None if there is none.
    """
    if not (names := list_visible_gpus()):
        return None
    for attempt in itertools.count():
        # Each GPU's first slot before any second one.
        for slot, name in itertools.product(range(slots_per_gpu), names):
            if _try_lock(_lock_file(name, slot)):
                if name != "mps":
                    os.environ["CUDA_VISIBLE_DEVICES"] = name
                return name
        if attempt == 0:
            logger.warning(f"all GPUs ({', '.join(names)}) are in use by other trainings: waiting")
        time.sleep(0.5)


def _lock_file(name: str, slot: int) -> Path:
    # Jobs on one node of a cluster may each call another GPU 0: their numbers distinguish them.
    job = os.environ.get("SLURM_JOB_ID", "")
    plain = re.sub(r"[^\w-]", "_", name)
    return Path(tempfile.gettempdir(), f"motilens-gpu-{job}-{plain}-{slot}.lock")


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
    _locks.append(file)
    return True
