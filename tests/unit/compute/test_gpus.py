"""GPUs of a workstation and of SLURM: real locks, stand-ins for programs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motilens.compute.gpu_lease import acquire_gpu, list_visible_gpus
from motilens.compute.slurm import cluster_has_gpus, list_leftover_jobs

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
TRAINING = """
import logging, os, sys, time
from motilens.compute.gpu_lease import acquire_gpu
from pathlib import Path
logging.basicConfig(stream=sys.stdout, format="%(message)s")
folder = Path(os.environ["TMPDIR"])
(folder / f"ready{os.getpid()}").touch()
while len(list(folder.glob("ready*"))) < int(sys.argv[2]):
    time.sleep(0.01)
name = acquire_gpu(int(sys.argv[1]))
start = time.time()
time.sleep(1.5)
print(name, os.environ["CUDA_VISIBLE_DEVICES"], start, time.time())
"""


def start_trainings(number, slots, tmp_path, devices="0,1"):
    """So many processes that each want a GPU for a while."""
    env = os.environ | {"CUDA_VISIBLE_DEVICES": devices, "TMPDIR": str(tmp_path)}
    options = {"env": env | {"PYTHONPATH": str(SCRIPTS)}, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", TRAINING, str(slots), str(number)]
    return [subprocess.Popen(command, **options) for _ in range(number)]


def most_at_a_time(spans):
    """The most of these (start, end) that overlap."""
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


@pytest.mark.slow
@pytest.mark.parametrize("slots", [1, 2])
def test_eight_trainings_share_two_gpus(tmp_path, slots):
    outputs = [process.communicate()[0] for process in start_trainings(8, slots, tmp_path)]
    rows = [text.splitlines()[-1].split() for text in outputs]
    assert all(name == visible for name, visible, *_ in rows), "each sees its own GPU only"
    for gpu in ("0", "1"):
        spans = [(float(start), float(end)) for name, _, start, end in rows if name == gpu]
        assert spans and most_at_a_time(spans) == slots
    assert sum("all GPUs (0, 1) are in use" in text for text in outputs) >= 8 - 2 * slots


def test_killed_training_frees_its_gpu(tmp_path):
    [first] = start_trainings(1, 1, tmp_path, devices="3")
    while not list(tmp_path.glob("motilens-gpu-*")):
        time.sleep(0.01)
    first.kill()
    first.communicate()
    [second] = start_trainings(1, 1, tmp_path, devices="3")
    assert second.communicate(timeout=20)[0].startswith("3 3 ")


@pytest.mark.parametrize("visible, names", [
    ("", []), ("-1", []), ("0", ["0"]), ("2, 0", ["2", "0"]), ("1,-1,0", ["1"]),
    ("GPU-a", ["GPU-a"]),
])  # fmt: skip
def test_cuda_visible_devices_is_respected(monkeypatch, visible, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert list_visible_gpus() == names
    assert names or acquire_gpu() is None


GPU, MIG = "GPU 0: NVIDIA A100 (UUID: GPU-0a)\n", "  MIG 3g.20gb  Device 0: (UUID: MIG-11)\n"
MORE_GPUS, MORE_MIG = GPU + GPU.replace("0a", "1b"), GPU + MIG + MIG.replace("11", "22")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a program with this output; None: it fails."""

    def write(name, output):
        (tmp_path / "output").write_text(output or "")
        program = tmp_path / name
        program.write_text("#!/bin/sh\n" + ("exit 1" if output is None else "cat output"))
        program.chmod(0o755)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return write


@pytest.mark.parametrize("listing, names", [
    (MORE_GPUS, ["GPU-0a", "GPU-1b"]), (MORE_MIG, ["MIG-11", "MIG-22"]), ("No devices found", []),
])  # fmt: skip
def test_gpus_are_those_that_the_driver_lists(monkeypatch, install, listing, names):
    install("nvidia-smi", listing)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert list_visible_gpus() == names


def test_only_jobs_of_snakemake_in_this_folder_count(install, tmp_path):
    ours = f"7|rule_train_autoencoder_wildcards_I1|{tmp_path}\n8_1|rule_videos|{tmp_path}/.\n"
    install("squeue", f"{ours}9|rule_videos|{tmp_path}/elsewhere\n10|(null)|{tmp_path}\n")
    assert list_leftover_jobs(str(tmp_path)) == ["7", "8_1"]


@pytest.mark.parametrize(
    "partitions, has_gpus", [("gpu:a100:4\n(null)", True), ("(null)", False), (None, True)]
)
def test_gpus_are_assumed_unless_slurm_lists_none(install, monkeypatch, partitions, has_gpus):
    install("sinfo", partitions)
    assert cluster_has_gpus() == has_gpus
    monkeypatch.setenv("PATH", "/nowhere")
    assert list_leftover_jobs("/nowhere") == [] and cluster_has_gpus()
