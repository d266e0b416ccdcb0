"""What becomes of long trainings in the pipeline: interrupted, collapsed, short of disk."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

RESULTS = Path("results")
FOLDER = Path("autoencoders/I1/fold1/seed0")
LOG = Path("logs/train_autoencoder/I1/fold1/seed0.log")
REGRESSOR = "regressors/I1/motility/fold1/seed0/model.json"


@pytest.fixture
def project(finished, tmp_path):
    """Clips are made; autoencoders are to be trained."""
    return finished.copy(tmp_path / "a copy")


def write_configuration(project, **changes):
    config = yaml.safe_load((project.folder / "tiny.yaml").read_text(encoding="utf-8"))
    config["inputs"] = {"I1": {"frames": 1}, "I4": {"frames": 18}}
    for place, value in changes.items():
        section, _, key = place.partition("__")
        config.setdefault(section, {})[key] = value
    (project.folder / "long.yaml").write_text(yaml.safe_dump(config))


def train(project, target=FOLDER / "model.pt", **options):
    return project.snakemake("--cores", "1", "--", str(target), config="long.yaml", **options)


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def test_a_killed_snakemake_costs_seconds_of_a_long_training(project, tmp_path):
    write_configuration(project, autoencoder__epochs=600)
    undisturbed = project.copy(tmp_path / "undisturbed")
    log, state = project.folder / RESULTS / LOG, project.folder / RESULTS / FOLDER / "checkpoint.pt"
    log.unlink()
    command = [sys.executable, "-m", "snakemake", "--configfile", "long.yaml", "--cores", "1"]
    with open(tmp_path / "output", "w") as output:
        command += ["--", str(FOLDER / "model.pt")]
        running = subprocess.Popen(
            command, cwd=project.folder, stdout=output, stderr=output, start_new_session=True
        )
        wait_for(lambda: log.exists() and "epoch 120 of 600" in log.read_text())
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    wait_for(state.exists, 30)
    assert "the checkpoint is saved: run again to resume" in log.read_text()

    project.snakemake("--unlock", config="long.yaml")
    train(project)
    assert "resuming at step" in log.read_text() and not state.exists()
    train(undisturbed)
    for name in ("model.pt", "model.json", "history.csv"):
        first, second = (
            (copy.folder / RESULTS / FOLDER / name).read_bytes() for copy in (project, undisturbed)
        )
        assert first == second, name
    run = json.loads((project.folder / RESULTS / FOLDER / "run.json").read_text())
    assert len(run["resumed_at_steps"]) == 1 and run["resumed_at_steps"][0] >= 360


def test_a_dead_autoencoder_is_refused_or_marked_to_the_end(project):
    """At such a rate every start dies."""
    write_configuration(project, autoencoder__variant="paper", autoencoder__learning_rate=1,
               autoencoder__epochs=60)  # fmt: skip
    done = train(project, check=False)
    assert done.returncode == 1 and "as in all 6 attempts" in done.stdout
    assert "restarting, attempt 6 of 6" in done.stdout and "Traceback" not in done.stdout
    write_configuration(project, autoencoder__variant="paper", autoencoder__learning_rate=1,
               autoencoder__epochs=60, autoencoder__on_collapse="keep")  # fmt: skip
    done = train(project, target=REGRESSOR)
    assert "Table 1 marks what depends on it" in done.stdout
    record = json.loads((project.folder / RESULTS / REGRESSOR).read_text())
    assert record["autoencoder_collapsed"] is True
    assert record["failed_attempts"] == [], "no other start makes up for such feature images"


def test_a_disk_that_fills_while_a_model_is_written_keeps_the_state(project):
    """A limit on the size of files stands for a full disk; the next run goes on at the end."""
    write_configuration(project, autoencoder__epochs=50, compute__checkpoint_minutes=1e-6)
    script = project.folder / "workflow/scripts/motilens/training/model_files.py"
    before = script.read_text()
    full = "    raise OSError(28, 'No space left on device')\n    content = io.BytesIO()\n"
    script.write_text(before.replace("    content = io.BytesIO()\n", full))
    assert script.read_text() != before
    done = train(project, check=False)
    assert done.returncode == 1
    assert "No space left on device: free some space, and run again" in done.stdout
    assert (project.folder / RESULTS / FOLDER / "checkpoint.pt").exists()
    assert not (project.folder / RESULTS / FOLDER / "model.pt").exists()
