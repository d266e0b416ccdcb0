"""GPUs on one workstation, pretended: how many trainings Snakemake starts at once."""

import re

import pytest
import yaml


@pytest.fixture
def project(finished, tmp_path):
    """Frames are made; other autoencoders are to be trained."""
    return finished.copy(tmp_path / "a copy")


def configured(project, **performance):
    config = yaml.safe_load((project.folder / "tiny.yaml").read_text(encoding="utf-8"))
    config["inputs"] = {"I4": {"frames": 18}}
    config["autoencoder"]["epochs"] = 3
    config["performance"] = performance
    (project.folder / "gpus.yaml").write_text(yaml.safe_dump(config))


def most_at_once(told):
    """Trainings that were under way together, as Snakemake tells of them."""
    events = re.findall(r"^(Job \d+: Train|Finished jobid: \d+ \(Rule: train)", told, re.MULTILINE)
    running, most = 0, 0
    for event in events:
        running += 1 if event.startswith("Job") else -1
        most = max(most, running)
    assert events and running == 0
    return most


@pytest.mark.parametrize("devices, share, most", [("7", 1, 1), ("0,1", 1, 2)])
def test_as_many_trainings_as_gpus(project, devices, share, most):
    configured(project, trainings_per_gpu=share)
    told = project.snakemake(
        "--cores", "4", "--", "autoencoders", config="gpus.yaml", CUDA_VISIBLE_DEVICES=devices
    ).stdout
    assert most_at_once(told) == most
    assert "cannot use it: training on the CPU" in told


def test_a_gpu_that_is_wanted_and_missing_stops_before_the_first_step(project):
    configured(project, device="cuda")
    done = project.snakemake("--cores", "1", config="gpus.yaml", check=False,
                             CUDA_VISIBLE_DEVICES="")  # fmt: skip
    assert done.returncode == 1 and "there is no GPU here" in done.stdout
    assert "Job " not in done.stdout and "Traceback" not in done.stdout
    assert project.snakemake("-n", config="gpus.yaml", CUDA_VISIBLE_DEVICES="").returncode == 0
