"""What becomes of long trainings in the pipeline: interrupted, unhealthy, short of disk."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

FOLDER = Path("results/autoencoders/I1/fold1/seed0")
LOG = Path("results/logs/train_autoencoder/I1/fold1/seed0.log")
REGRESSOR = "results/regressors/I1/motility/fold1/seed0/model.json"


@pytest.fixture
def project(finished, tmp_path):
    """Frames are made; autoencoders are to be trained anew."""
    return finished.copy(tmp_path / "a copy")


def configured(project, **changes):
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
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_a_killed_snakemake_costs_seconds_of_a_long_training(project, tmp_path):
    configured(project, autoencoder__epochs=800)
    undisturbed = project.copy(tmp_path / "undisturbed")
    log, state = project.folder / LOG, project.folder / FOLDER / "checkpoint.pt"
    log.unlink()
    command = [sys.executable, "-m", "snakemake", "--configfile", "long.yaml", "--cores", "1"]
    with open(tmp_path / "told", "w") as told:
        running = subprocess.Popen([*command, "--", str(FOLDER / "model.pt")], cwd=project.folder,
                                   stdout=told, stderr=told, start_new_session=True)  # fmt: skip
        wait_for(lambda: log.exists() and "epoch 160 of 800" in log.read_text())
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    wait_for(state.exists, 30)
    assert "SIGTERM: leaving; the state of the training is kept" in log.read_text()

    train(project)
    assert "going on at step" in log.read_text() and not state.exists()
    train(undisturbed)
    for name in ("model.pt", "model.json", "history.csv"):
        found = [(made.folder / FOLDER / name).read_bytes() for made in (project, undisturbed)]
        assert found[0] == found[1], name
    run = json.loads((project.folder / FOLDER / "run.json").read_text())
    assert len(run["resumed_at_steps"]) == 1 and run["resumed_at_steps"][0] >= 480


def test_a_dead_autoencoder_is_refused_or_marked_to_the_end(project):
    """At such a rate every start dies."""
    configured(project, autoencoder__variant="paper", autoencoder__learning_rate=1,
               autoencoder__epochs=60)  # fmt: skip
    done = train(project, check=False)
    assert done.returncode == 1 and "and so in all 6 starts" in done.stdout
    assert "beginning again, start 6 of 6" in done.stdout and "Traceback" not in done.stdout
    configured(project, autoencoder__variant="paper", autoencoder__learning_rate=1,
               autoencoder__epochs=60, autoencoder__unhealthy="keep")  # fmt: skip
    done = train(project, target=REGRESSOR)
    assert "Table 1 marks what rests on it" in done.stdout
    made = json.loads((project.folder / REGRESSOR).read_text())
    assert made["autoencoder_collapsed"] is True
    assert made["abandoned_starts"] == [], "no other start makes up for such feature images"


def test_a_disk_that_fills_while_a_model_is_written_keeps_the_state(project):
    """A limit on the size of files stands for a full disk; the next run goes on at the end."""
    configured(project, autoencoder__epochs=400, performance__save_minutes=1e-6)
    script = project.folder / "workflow/scripts/motilens/training/model_files.py"
    before = script.read_text()
    full = "    raise OSError(28, 'No space left on device')\n    content = io.BytesIO()\n"
    script.write_text(before.replace("    content = io.BytesIO()\n", full))
    assert script.read_text() != before
    done = train(project, check=False)
    assert done.returncode == 1 and "no space left on the disk: make room, run again" in done.stdout
    assert (project.folder / FOLDER / "checkpoint.pt").exists()
    assert not (project.folder / FOLDER / "model.pt").exists()
