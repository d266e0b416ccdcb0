"""`--use-conda`, with a stand-in for the client (stand_in_conda.py)."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from motilens.pipeline.code_digest import list_imports, list_sources
from support.project import ROOT, copy_project, small

SCRIPTS = ROOT / "workflow/scripts"
TARGETS = ("samples.csv", "autoencoders/I1/fold1/seed0/model.pt")  # with all environments


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The smallest pipeline up to a model, with an environment for each kind of step."""
    folder = tmp_path_factory.mktemp("conda")
    client = folder / "conda/bin"
    client.mkdir(parents=True)
    (client / "conda").write_text(
        f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/support/stand_in_conda.py "$@"\n'
    )
    (client / "conda").chmod(0o755)
    (client / "activate").write_text('export PATH="$1/bin:$PATH" CONDA_PREFIX="$1"\n')
    project = small(copy_project(folder / "a copy"))
    path = f"{client}:{Path(sys.executable).parent}:/usr/bin:/bin"
    command = ("--cores", "2", "--use-conda", "--", *TARGETS)
    project.snakemake(*command, config="small.yaml", PATH=path, STAND_IN_CONDA=str(client.parent))
    return project


def find_environments(project):
    """Return the folder of each environment that Snakemake has made, by the name of its file."""
    names = {path.read_bytes(): path.stem for path in (ROOT / "envs").glob("*.yaml")}
    folder = project.folder / ".snakemake/conda"
    return {names[path.read_bytes()]: path.with_suffix("") for path in folder.glob("*.yaml")}


def test_each_kind_of_step_has_its_environment(project):
    assert find_environments(project).keys() == {"tables", "torch", "video"}
    record = project.folder / "results/autoencoders/I1/fold1/seed0/model.json"
    text = '"imageio-ffmpeg": "not installed"'
    assert text in record.read_text(), "trained in an environment of its own"


def list_steps():
    """Return the name of the environment and the script of each rule that has one."""
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    pattern = r'"\.\./envs/(\w+)\.yaml"(?:.(?!rule ))*?"\.\./workflow/scripts/(\w+)\.py"'
    steps = re.findall(pattern, text, re.DOTALL)
    assert {script for _, script in steps} == {path.stem for path in SCRIPTS.glob("*.py")}
    return sorted(set(steps))


@pytest.mark.parametrize("environment", ["tables", "torch", "video"])
def test_steps_need_nothing_from_elsewhere(project, environment):
    """Snakemake lends its own packages to scripts: here they are out of reach."""
    paths = [SCRIPTS / f"{script}.py" for name, script in list_steps() if name == environment]
    names = {
        name.partition(".")[0]
        for path in paths
        for source in list_sources(path)
        for name in list_imports(source)
    }
    libraries = sorted(names - sys.stdlib_module_names - {"motilens", "snakemake"})
    assert "numpy" in libraries and ("torch" in libraries) == (environment == "torch")
    program = (
        f"import importlib, runpy, sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        f"for name in {libraries}: importlib.import_module(name)\n"
        f"for path in {list(map(str, paths))}: runpy.run_path(path, run_name='imported')"
    )
    python = find_environments(project)[environment] / "bin/python"
    done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
