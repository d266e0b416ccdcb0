"""Jobs of an earlier run in SLURM's queue, and its GPUs, with stand-ins for its programs."""

import os

import pytest

from motilens.compute.slurm import cluster_has_gpus, list_leftover_jobs


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a program of SLURM's with this output; None: it fails."""

    def write(name, output):
        (tmp_path / "output").write_text(output or "")
        program = tmp_path / name
        program.write_text("#!/bin/sh\n" + ("exit 1" if output is None else "cat output"))
        program.chmod(0o755)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return write


def test_only_jobs_of_snakemake_in_this_folder_count(install, tmp_path):
    install(
        "squeue",
        f"7|rule_train_autoencoder_wildcards_I1|{tmp_path}\n"
        f"8_1|rule_videos|{tmp_path}/.\n"
        f"9|rule_videos|{tmp_path}/elsewhere\n"
        f"10|(null)|{tmp_path}\n",
    )
    assert list_leftover_jobs(str(tmp_path)) == ["7", "8_1"]


@pytest.mark.parametrize(
    "partitions, has_gpus", [("gpu:a100:4\n(null)", True), ("(null)", False), (None, True)]
)
def test_gpus_are_assumed_unless_slurm_lists_none(install, partitions, has_gpus):
    install("sinfo", partitions)
    assert cluster_has_gpus() == has_gpus


def test_without_slurm_there_are_no_jobs_and_gpus_are_assumed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list_leftover_jobs(str(tmp_path)) == [] and cluster_has_gpus()
