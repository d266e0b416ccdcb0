"""`--use-conda`, with a stand-in for the client (stand_in_conda.py)."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from motilens.pipeline.code_digest import list_imports, list_sources
from support.project import ROOT, copy_project, small

SCRIPTS = ROOT / "workflow/scripts"
TARGETS = ("results/tables/table1.md", "results/figures/gallery.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The smallest pipeline, run with an environment for each kind of step."""
    folder = tmp_path_factory.mktemp("conda")
    client = folder / "conda/bin"
    client.mkdir(parents=True)
    (client / "conda").write_text(
        f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/workflow/stand_in_conda.py "$@"\n'
    )
    (client / "conda").chmod(0o755)
    (client / "activate").write_text('export PATH="$1/bin:$PATH" CONDA_PREFIX="$1"\n')
    project = small(copy_project(folder / "a copy"))
    path = f"{client}:{Path(sys.executable).parent}:/usr/bin:/bin"
    done = project.snakemake(
        "--cores", "2", "--use-conda", "--", *TARGETS, config="small.yaml", check=False,
        PATH=path, STAND_IN_CONDA=str(client.parent),
    )  # fmt: skip
    if "Failed to fetch" in done.stdout or "dns error" in done.stdout:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stdout[-5000:]
    return project


def environments(project):
    """By the name of its file, where Snakemake has made each."""
    asked = {path.read_bytes(): path.stem for path in (ROOT / "envs").glob("*.yaml")}
    folder = project.folder / ".snakemake/conda"
    return {asked[path.read_bytes()]: path.with_suffix("") for path in folder.glob("*.yaml")}


def test_each_kind_of_step_has_its_environment(made):
    assert environments(made).keys() == {"tables", "torch", "video"}
    told = (made.folder / "results/autoencoders/I1/fold1/seed0/model.json").read_text()
    assert '"imageio-ffmpeg": "not installed"' in told, "trained in an environment of its own"


def steps():
    """Of each rule with a script: the name of its environment, and the script."""
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    found = re.findall(r'"\.\./envs/(\w+)\.yaml"(?:.(?!rule ))*?"\.\./workflow/scripts/(\w+)\.py"',
                       text, re.DOTALL)  # fmt: skip
    assert {script for _, script in found} == {path.stem for path in SCRIPTS.glob("*.py")}
    return sorted(set(found))


@pytest.mark.parametrize("environment", ["tables", "torch", "video"])
def test_steps_need_nothing_from_elsewhere(made, environment):
    """Snakemake lends its own packages to scripts: here they are out of reach."""
    paths = [SCRIPTS / f"{script}.py" for where, script in steps() if where == environment]
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
    python = environments(made)[environment] / "bin/python"
    done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
