"""The one command for a machine with a GPU runs on a CPU as well, at tiny sizes."""

import os
import re
import subprocess
import sys

import pytest

from support.configs import ROOT
from support.project import ENV, start_fork_server

COMMAND = ["sh", ROOT / "benchmarks/gpu.sh", "--device", "cpu", "--quick"]


def run(*arguments, **variables):
    environment = os.environ | {"PYTHON": sys.executable} | variables
    options = {"capture_output": True, "text": True, "env": environment}
    return subprocess.run([*COMMAND, *arguments], **options)


@pytest.mark.slow
def test_command_prints_rows_for_each_part(tmp_path):
    output = tmp_path / "results.md"
    parts = ["rewrites", "profile", "epochs", "locations"]
    quick = ENV | {"FORK_SERVER": start_fork_server()}
    done = run("--minutes", "60", "--output", output, "--only", *parts, **quick)
    assert done.returncode == 0, done.stderr
    text = output.read_text(encoding="utf-8")
    assert done.stdout.strip() == text.strip()
    for kind in ("autoencoder", "regressor"):
        assert f"| {kind} I4, 32 | default | " in text and f"{kind} I4, default, " in text
        assert f"| {kind} I4, 32 | cuda_graph: true | compute.cuda_graph: true needs a GPU" in text
    assert "| autoencoder I4, 32 | fast_layers: pool_first | " in text
    assert re.search(r"12 autoencoders and 24 regressors: \d+", text)
    rows = [line for line in text.splitlines() if line.startswith(("| device", "| host", "| disk"))]
    assert len(rows) == 3 and all("compute." not in row for row in rows)


def test_parts_that_the_time_does_not_suffice_for_are_named(tmp_path):
    done = run("--minutes", "0", "--output", tmp_path / "results.md", "--only", "epochs", "sharing")
    assert done.returncode == 0, done.stderr
    for part in ("epochs", "sharing"):
        assert f"not measured, the time is over: --only {part}" in done.stdout


def test_python_without_what_it_needs_is_refused(tmp_path):
    for name in ("torch", "torchvision", "pandas"):
        (tmp_path / f"{name}.py").write_text("__version__ = '2.9.1'\n")
    done = run(PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "has torch 2.9.1: 2.11 or newer is needed" in done.stderr
