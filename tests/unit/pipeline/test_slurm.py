"""Jobs of an earlier run in SLURM's queue, and its GPUs, with stand-ins for its programs."""

import os

import pytest

from motilens.core.errors import InputError
from motilens.pipeline.slurm import list_leftover_jobs, partition_has_gpus, wait_for_leftover_jobs


@pytest.fixture
def answers(tmp_path, monkeypatch):
    """Writes a program of SLURM's that says something; each call takes the next."""

    def write(name, *answers):
        for number, answer in enumerate(answers):
            (tmp_path / f"answer{number}").write_text(answer)
        program = tmp_path / name
        program.write_text(
            f"#!/bin/sh\ncd {tmp_path}\nfor file in answer*; do\n"
            '  text=$(cat "$file"); rm "$file"\n'
            '  [ "$text" = fails ] && exit 1\n  printf "%s" "$text"; exit 0\ndone\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return write


def test_only_jobs_of_snakemake_in_this_folder_count(answers, tmp_path):
    answers(
        "squeue",
        f"7|rule_train_autoencoder_wildcards_I1|{tmp_path}\n"
        f"8_1|rule_videos|{tmp_path}/.\n"
        f"9|rule_videos|{tmp_path}/elsewhere\n"
        f"10|(null)|{tmp_path}\n",
    )
    assert list_leftover_jobs(str(tmp_path)) == ["7", "8_1"]


def test_where_there_is_no_slurm_nothing_is_left(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list_leftover_jobs(str(tmp_path)) == []
    assert partition_has_gpus(None), "it cannot be asked"


def test_a_slurm_that_does_not_answer_is_asked_again(answers, tmp_path):
    answers("squeue", "fails", f"7|rule_a|{tmp_path}", f"7|rule_a|{tmp_path}", "")
    told = []
    wait_for_leftover_jobs(str(tmp_path), told.append, seconds=0)
    assert len(told) == 2 and told[0].startswith("squeue does not answer")
    assert told[1].endswith("scancel 7")


@pytest.mark.parametrize(
    "listed, has", [("gpu:a100:4\n(null)", True), ("(null)", False), ("fails", True)]
)
def test_whether_a_partition_has_gpus(answers, listed, has):
    answers("sinfo", listed)
    assert partition_has_gpus("some") == has


def test_a_partition_that_is_not_there_is_named(answers):
    answers("sinfo", "")
    with pytest.raises(InputError, match="SLURM knows no partition gpuu"):
        partition_has_gpus("gpuu")
