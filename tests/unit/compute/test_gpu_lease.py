"""GPUs on one workstation: pretend devices, real locks."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motilens.compute.gpu_lease import acquire_gpu, list_visible_gpus

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
HOLD = """
import os, sys, time
from motilens.compute.gpu_lease import acquire_gpu
from pathlib import Path
folder = Path(os.environ["TMPDIR"])
(folder / f"ready{os.getpid()}").touch()
while len(list(folder.glob("ready*"))) < int(sys.argv[2]):
    time.sleep(0.01)
name = acquire_gpu(int(sys.argv[1]), lambda message: print(message, flush=True))
began = time.time()
time.sleep(1.5)
print(name, os.environ["CUDA_VISIBLE_DEVICES"], began, time.time())
"""


def holders(number, share, tmp_path, devices="0,1"):
    """So many processes that each want a GPU for a while."""
    env = os.environ | {
        "CUDA_VISIBLE_DEVICES": devices, "PYTHONPATH": str(SCRIPTS), "TMPDIR": str(tmp_path),
    }  # fmt: skip
    return [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(share), str(number)],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]


def at_once(spans):
    """The most of these (beginning, end) that there are at a time."""
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


@pytest.mark.parametrize("share", [1, 2])
def test_two_gpus_and_eight_trainings(tmp_path, share):
    told = [process.communicate()[0] for process in holders(8, share, tmp_path)]
    rows = [text.splitlines()[-1].split() for text in told]
    assert all(name == seen for name, seen, *_ in rows), "each sees its own GPU only"
    for gpu in ("0", "1"):
        spans = [(float(start), float(end)) for name, _, start, end in rows if name == gpu]
        assert spans and at_once(spans) == share
    assert sum("All GPUs (0, 1) are in use" in text for text in told) >= 8 - 2 * share


def test_a_killed_training_frees_its_gpu(tmp_path):
    [first] = holders(1, 1, tmp_path, devices="3")
    while not list(tmp_path.glob("motilens-gpu-*")):
        time.sleep(0.01)
    first.kill()
    first.wait()
    [second] = holders(1, 1, tmp_path, devices="3")
    assert second.communicate(timeout=20)[0].startswith("3 3 ")


@pytest.mark.parametrize(
    "named, names",
    [
        ("", []),
        ("-1", []),
        ("0", ["0"]),
        ("2, 0", ["2", "0"]),
        ("1,-1,0", ["1"]),
        ("GPU-a", ["GPU-a"]),
    ],
)
def test_what_cuda_visible_devices_says_is_honoured(monkeypatch, named, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert list_visible_gpus() == names


LISTED = """GPU 0: NVIDIA A100 (UUID: GPU-0a)
GPU 1: NVIDIA A100 (UUID: GPU-1b)
"""
PARTS = """GPU 0: NVIDIA A100 (UUID: GPU-0a)
  MIG 3g.20gb     Device  0: (UUID: MIG-11)
  MIG 3g.20gb     Device  1: (UUID: MIG-22)
"""


@pytest.mark.parametrize(
    "listed, names",
    [(LISTED, ["GPU-0a", "GPU-1b"]), (PARTS, ["MIG-11", "MIG-22"]), ("No devices found", [])],
)
def test_what_the_driver_lists(monkeypatch, tmp_path, listed, names):
    smi = tmp_path / "nvidia-smi"
    smi.write_text(f"#!/bin/sh\ncat <<'END'\n{listed}END\n")
    smi.chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert list_visible_gpus() == names


def test_nothing_is_leased_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert acquire_gpu() is None
