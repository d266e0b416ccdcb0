"""A copy of the project to run in, one finished run that many tests look at, and their order."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PARTS = (
    "Snakefile", "rules", "workflow", "config", "envs", "profiles", "slurm", "requirements.in",
    "tests/tiny.yaml",
)  # fmt: skip


@dataclass
class Project:
    """A copy of the workflow in a folder of its own."""

    folder: Path

    def snakemake(self, *arguments, config="tests/tiny.yaml", check=True, **env):
        """Run Snakemake there; stdout and stderr come back in one text."""
        command = [sys.executable, "-m", "snakemake", "--configfile", config, *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONUTF8": "1"} | env,
            start_new_session=True,  # a test may kill it with all its children
        )
        assert not check or done.returncode == 0, done.stdout[-5000:]
        return done

    def copy(self, folder: Path):
        """The same, results and all, in another folder."""
        shutil.copytree(self.folder, folder)
        return type(self)(folder)

    def digests(self):
        """Of all results that have their final name.

        Not of what holds times (logs, metadata, run.json and what is made of it), nor of a
        training's state.
        """
        results = self.folder / "results"
        return {
            str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in results.rglob("*")
            if path.is_file()
            and path.name not in ("training.state", "models.csv")
            and path.stem != "run"
            and path.relative_to(results).parts[0] not in ("logs", ".metadata")
        }


def copy_project(folder: Path) -> Project:
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return Project(folder)


def smallest(config: dict) -> dict:
    """One input type, one target and a small network, to run to the end in little time."""
    config["inputs"] = {"I1": {"frames": 1}}
    config["targets"] = {"motility": config["targets"]["motility"]}
    config["regressor"]["backbone"] = "mobilenet_v3_small"
    return config


def small(project: Project) -> Project:
    """With a configuration small.yaml: the smallest pipeline, of four simulated participants."""
    tiny = (project.folder / "tests/tiny.yaml").read_text(encoding="utf-8")
    config = smallest(yaml.safe_load(tiny))
    config["dataset"]["simulated"]["participants"] = 4
    (project.folder / "small.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return project


@pytest.fixture
def project(tmp_path):
    return copy_project(tmp_path / "a copy")


def made_once(tmp_path_factory, name, make) -> tuple[Path, str]:
    """A folder in which `make` has been called, and what it said; tests leave it as it is.

    Whichever worker of pytest-xdist needs it first makes it for all.
    """
    common = tmp_path_factory.getbasetemp()
    common = common.parent if "PYTEST_XDIST_WORKER" in os.environ else common
    folder, told = common / name, common / name / "told"
    with open(common / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            folder.mkdir(exist_ok=True)
            told.write_text(make(folder), encoding="utf-8")
    return folder, told.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The whole pipeline, run once on the small simulated set."""

    def make(folder):
        return copy_project(folder / "a copy").snakemake("--cores", "2").stdout

    folder, told = made_once(tmp_path_factory, "finished", make)
    made = Project(folder / "a copy")
    made.output = told
    return made


@pytest.fixture(scope="session")
def finished_laboratory(tmp_path_factory):
    """The same on a laboratory's own data; tests go on in copies, with its clips and paths."""
    from laboratory import FOLLOWED, Laboratory  # beside the tests that ask for it

    def make(folder):
        lab = Laboratory.made(folder)
        told = lab.snakemake("--cores", "2", config="own.yaml").stdout
        # Following cells takes longest of all: once, for whoever has baselines.
        (lab.folder / "tracked.yaml").write_text(yaml.safe_dump(lab.config | FOLLOWED))
        paths = [f"results/tracks/{sample}.csv.gz" for sample in lab.table["participant"]]
        lab.snakemake("--cores", "2", "--", *paths, config="tracked.yaml")
        return told

    folder, _ = made_once(tmp_path_factory, "laboratory", make)
    return Laboratory(folder / "a lab")


def pytest_collection_modifyitems(items):
    """The longest come first, so that no worker of pytest-xdist waits for another in the end."""
    items.sort(key=lambda item: "unit" in item.path.parts)
