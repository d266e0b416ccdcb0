"""Stands for a conda client: answers what Snakemake asks, and links packages of
the environment that runs the tests.

No conda client and no channel are needed, so what this proves is ours, not theirs: that
Snakemake finds and makes an environment for each step, and that a step needs nothing that its
environment does not ask for. Whether conda-forge has these versions it cannot say.
"""

import json
import os
import sys
import venv
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement

NAMES = {"pytorch": "torch"}  # as conda calls it, and as PyPI does


def main(*asked):
    if asked[0] == "--version":
        print("conda 24.7.1")
    elif asked[:2] == ("info", "--json"):
        print(json.dumps({"conda_prefix": os.environ["STAND_IN_CONDA"], "platform": "linux-64"}))
    elif asked[:2] == ("config", "--get"):
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif asked[0] == "clean":
        pass
    elif asked[:2] == ("env", "create"):
        create(*(Path(asked[asked.index(name) + 1]) for name in ("--file", "--prefix")))
    else:
        sys.exit(f"the stand-in for conda does not know: {asked}")


def create(file: Path, prefix: Path) -> None:
    """Make an environment of what the file asks for, and what that needs, and no more."""
    environment = yaml.safe_load(file.read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    wanted = dict(package.split("=") for package in environment["dependencies"])
    del wanted["python"]  # the one that is here stands for it
    for name, version in wanted.items():
        assert metadata.version(NAMES.get(name, name)) == version, name
    venv.create(prefix, symlinks=True)
    [packages] = prefix.glob("lib/python*/site-packages")
    for distribution in list_needed([NAMES.get(name, name) for name in wanted]):
        for top in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(distribution.locate_file(top))


def list_needed(names: list[str]) -> list[metadata.Distribution]:
    """Return the distributions with these names, and all that they require here."""
    needed, queue = {}, list(names)
    while queue:
        if (name := queue.pop()) not in needed:
            needed[name] = metadata.distribution(name)
            required = map(Requirement, needed[name].requires or [])
            here = (r for r in required if not r.marker or r.marker.evaluate({"extra": ""}))
            queue += [requirement.name for requirement in here]
    return list(needed.values())


if __name__ == "__main__":
    main(*sys.argv[1:])
