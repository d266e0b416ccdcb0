"""Each command of a block in the documentation is run, or planned where it would take hours."""

import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from support.configs import ROOT, load_config
from support.project import PARTS, TINY

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
COMMANDS = dict.fromkeys(
    " ".join(shlex.split(line, comments=True))
    for block in BLOCKS
    for line in block.splitlines()
    if line.strip()
)
# Those that are not run here, and why.
ELSEWHERE = {
    ".venv/bin/snakemake --cores 8 --use-conda": "test_conda.py does, with a stand-in for conda",
    ".venv/bin/snakemake --cores 8 --software-deployment-method apptainer "
    "--apptainer-args=--nv --bind $PWD": "no apptainer",
    "apptainer build envs/motilens.sif envs/motilens.def": "no apptainer",
    "docker build -f envs/Dockerfile -t motilens .": "no docker",
    "docker run --rm --gpus all -v $PWD:/work motilens": "no docker",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clone with the environment that runs the tests, and what the pages take for granted."""
    folder = tmp_path_factory.mktemp("reader") / "motilens"
    folder.mkdir()
    parts = [ROOT / name for name in (*PARTS, "docs", "Makefile", "requirements.txt", "setup.sh")]
    subprocess.run(["cp", "-Rp", *parts, folder], check=True)
    example = folder / "docs/tutorials/example_data.py"
    example.write_text(example.read_text(encoding="utf-8").replace("8, 200, 3", "8, 30, 3"))
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "mine.yaml").write_bytes(TINY.read_bytes())
    own = (ROOT / "config/own.yaml").read_text(encoding="utf-8")
    (folder / "lab.yaml").write_text(own.replace("lab/samples.csv", "lab/samples.xlsx"))
    (folder / "new_videos").mkdir()
    # In place of VISEM, which is not here.
    visem = load_config("config/visem.yaml")
    visem["dataset"] = {"simulated": {"participants": 6, "seconds": 6, "seed": 1}}
    (folder / "config/visem.yaml").write_text(yaml.safe_dump(visem))
    return folder


# One of those that differ by the name of a configuration or the number of cores alone.
RUN_HERE = {
    re.sub(r"(lab|mine)\.yaml|--cores \w+", "", command): command
    for command in COMMANDS
    if command not in ELSEWHERE
}


def test_there_are_commands():
    assert len(COMMANDS) > 12 and ELSEWHERE.keys() <= COMMANDS.keys()


@pytest.mark.parametrize("command", sorted(RUN_HERE.values(), key=lambda c: "example" not in c))
def test_a_command(folder, command):
    words = shlex.split(command)
    if words[0] == ".venv/bin/snakemake":
        words.append("--dry-run")
    elif words[0] != ".venv/bin/python":
        assert words[0] == "make", command
        variables = [word.partition("=")[0] for word in words if "=" in word]
        used = re.findall(r"\$\((?:value )?(\w+)\)", MAKEFILE)
        assert {*variables} <= {*used}, "make would ignore it"
        if command != "make explain TARGET=autoencoders":
            words.insert(1, "--dry-run")
    env = os.environ | {"PYTHONUTF8": "1"}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout, "it says what would be done"
