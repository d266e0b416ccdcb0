"""The blocks of docs/how-to/extending.md, as files and as a configuration."""

import re
from functools import reduce
from pathlib import Path

import yaml

from motilens.core.records import deep_merge
from support.configs import ROOT

PAGE = (ROOT / "docs/how-to/extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
FILES = {name: text for name, text in BLOCKS if name.endswith(".py")}
ADDED = [yaml.safe_load(text) for name, text in BLOCKS if name == "mine.yaml"]
ADDITIONS = reduce(deep_merge, ADDED)
METHODS = [*ADDITIONS["inputs"], *ADDITIONS["baselines"]]


def write_plugins(folder: Path) -> Path:
    """Write the documented files below a folder; return the folder of plugins."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / ADDITIONS["plugins"]
