"""Stands for a conda client: answers what Snakemake asks, and makes environments with uv.

No conda client and no channel are needed, so what this proves is ours, not theirs: that
Snakemake finds and makes an environment for each step, and that a step needs nothing that its
environment does not ask for. Whether conda-forge has these versions it cannot say.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
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
    """What the file asks for, and what that needs in the versions of the lock, and no more."""
    environment = yaml.safe_load(file.read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    wanted = dict(package.split("=") for package in environment["dependencies"])
    del wanted["python"]  # the one that is here stands for it
    lock = (ROOT / "requirements.txt").read_text()
    pins = re.findall(r"^[\w.-]+==[\w.]+.*?(?= \\$)", lock, re.MULTILINE)
    constraints = prefix.with_suffix(".constraints")
    constraints.write_text("\n".join(pins))
    uv = [Path(sys.executable).with_name("uv"), "--quiet", "--no-config"]
    subprocess.run([*uv, "venv", "--python", sys.executable, prefix], check=True)
    packages = [f"{NAMES.get(name, name)}=={version}" for name, version in wanted.items()]
    install = ["pip", "install", "--python", prefix / "bin/python", "-c", constraints, *packages]
    subprocess.run([*uv, *install], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
