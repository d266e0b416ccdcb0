"""A copy of the workflow to run in."""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import yaml

from support.configs import ROOT

PARTS = (
    "Snakefile", "rules", "workflow", "config", "envs", "profiles", "slurm", "requirements.in",
)  # fmt: skip
TINY = ROOT / "tests/support/tiny.yaml"
ENV = {"PYTHONUTF8": "1", "PYTHONPATH": str(ROOT / "tests/support/faster_jobs")}


@functools.cache
def start_fork_server() -> str:
    """Return the socket of a server that lives as long as this process."""
    path = Path(mkdtemp(prefix="fork")) / "socket"
    command = [sys.executable, ROOT / "tests/support/fork_server.py", path]
    # As Snakemake sets it for jobs of one thread: libraries read it when they are imported.
    server = subprocess.Popen(command, env=os.environ | ENV | {"OMP_NUM_THREADS": "1"})
    while not path.exists():
        assert server.poll() is None, "the server of forks did not start"
        time.sleep(0.1)
    return str(path)


@dataclass
class Project:
    """A copy of the workflow in a folder of its own."""

    folder: Path

    def snakemake(self, *arguments, config="tiny.yaml", check=True, **env):
        """Run Snakemake there; stdout and stderr come back in one text.

        By the server of forks, unless the environment or SLURM matter.
        """
        if not env and "QUICK_STATUS" not in os.environ:
            env = {"FORK_SERVER": start_fork_server()}
        if "--configfile" not in arguments:
            arguments = ("--configfile", config, *arguments)
        command = [sys.executable, "-m", "snakemake", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            env=os.environ | ENV | {"PWD": str(self.folder)} | env,
            start_new_session=True,  # a test may kill it with all its children
        )
        assert not check or done.returncode == 0, done.stdout[-5000:]
        return done

    def run_program(self, script: str, *arguments, **env):
        """Run a program of `workflow/` there by the server of forks."""
        return subprocess.run(
            [sys.executable, f"workflow/{script}", *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=os.environ | ENV | {"FORK_SERVER": start_fork_server()} | env,
        )

    def copy(self, folder: Path):
        """Return the same, results and all, in another folder."""
        shutil.copytree(self.folder, folder)
        return type(self)(folder)

    def digests(self):
        """Return digests of all results that have their final name.

        Not of what holds times (logs, metadata, run.json and what is made of it), nor of
        checkpoints.
        """
        results = self.folder / "results"
        return {
            str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in results.rglob("*")
            if path.is_file()
            and path.name not in ("checkpoint.pt", "models.csv")
            and path.stem not in ("run", "run_summary", "report")
            and path.relative_to(results).parts[0] not in ("logs", ".snakemake")
        }


def copy_project(folder: Path) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source, target = ROOT / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("logs"))
        else:
            shutil.copy(source, target)
    shutil.copy(TINY, folder)
    return Project(folder)


def run_motilens(*arguments, cwd: Path, library: Path = ROOT / "workflow/scripts"):
    """Run the command `motilens` of a library there; stdout and stderr come back."""
    return subprocess.run(
        [sys.executable, "-m", "motilens", *arguments],
        cwd=cwd, env=os.environ | {"PYTHONPATH": str(library)}, capture_output=True, text=True,
    )  # fmt: skip


def smallest(config: dict) -> dict:
    """Return one input type, one target and a small network, to run to the end in little time."""
    config["inputs"] = {"I1": {"frames": 1}}
    config["targets"] = {"motility": config["targets"]["motility"]}
    config["regressor"]["backbone"] = "mobilenet_v3_small"
    return config


def small(project: Project) -> Project:
    """Add a configuration small.yaml: the smallest pipeline, of four simulated participants."""
    config = smallest(yaml.safe_load(TINY.read_text(encoding="utf-8")))
    config["dataset"]["simulated"]["participants"] = 4
    (project.folder / "small.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return project


def made_once(tmp_path_factory, name, make) -> tuple[Path, str]:
    """Return a folder in which `make` has been called, and its output; tests leave it as it is.

    Whichever worker of pytest-xdist needs it first makes it for all.
    """
    common = tmp_path_factory.getbasetemp()
    common = common.parent if "PYTEST_XDIST_WORKER" in os.environ else common
    folder, output = common / name, common / name / "output"
    with open(common / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not output.exists():
            folder.mkdir(exist_ok=True)
            output.write_text(make(folder), encoding="utf-8")
    return folder, output.read_text(encoding="utf-8")
