"""GPUs on one workstation, pretended: how many trainings Snakemake starts at once."""

import re

import pytest
import yaml


@pytest.fixture
def project(finished, tmp_path):
    """Clips are made; other autoencoders are to be trained."""
    return finished.copy(tmp_path / "a copy")


def write_configuration(project, **compute):
    config = yaml.safe_load((project.folder / "tiny.yaml").read_text(encoding="utf-8"))
    config["inputs"] = {"I4": {"frames": 18}}
    config["autoencoder"]["epochs"] = 3
    config["compute"] = compute
    (project.folder / "gpus.yaml").write_text(yaml.safe_dump(config))


def count_most_at_once(output):
    """Return how many trainings were under way together, by the output of Snakemake."""
    events = re.findall(
        r"^(Job \d+: Train|Finished jobid: \d+ \(Rule: train)", output, re.MULTILINE
    )
    running, most = 0, 0
    for event in events:
        running += 1 if event.startswith("Job") else -1
        most = max(most, running)
    assert events and running == 0
    return most


@pytest.mark.parametrize("devices, jobs_per_gpu, most", [("7", 1, 1), ("0,1", 1, 2)])
def test_as_many_trainings_as_gpus(project, devices, jobs_per_gpu, most):
    write_configuration(project, jobs_per_gpu=jobs_per_gpu)
    output = project.snakemake(
        "--cores", "4", "--", "autoencoders", config="gpus.yaml", CUDA_VISIBLE_DEVICES=devices
    ).stdout
    assert count_most_at_once(output) == most
    assert "cannot use it: training on the CPU" in output


def test_another_clone_on_pythonpath_is_not_used(project, tmp_path):
    """It is another version: its steps would fail, and what it computes would not be recorded."""
    package = tmp_path / "scripts/motilens/core"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("raise RuntimeError('another clone')")
    project.snakemake("--cores", "1", "-R", "write_sample_table", "--", "samples.csv",
                      PYTHONPATH=str(tmp_path / "scripts"))  # fmt: skip


def test_a_gpu_that_is_wanted_and_missing_stops_before_the_first_step(project):
    write_configuration(project, device="cuda")
    done = project.snakemake("--cores", "1", config="gpus.yaml", check=False,
                             CUDA_VISIBLE_DEVICES="")  # fmt: skip
    assert done.returncode == 1 and "there is no GPU here" in done.stdout
    assert not re.search(r"^Job \d", done.stdout, re.M) and "Traceback" not in done.stdout
    assert project.snakemake("-n", config="gpus.yaml", CUDA_VISIBLE_DEVICES="").returncode == 0
