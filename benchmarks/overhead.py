"""Measure what a run spends on work, and what on starting its steps.

    .venv/bin/python benchmarks/overhead.py [--cores 2] [--configfile config/config.yaml]

The configuration is the demo's, unless another one is given. Work is what a step's log says that it
took: all after its imports. The start of a step is the rest of its job: interpreter, imports, and
Snakemake's part.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from motilens.pipeline.snakemake_metadata import METADATA
from support.project import copy_project

DEMO = Path(__file__).parents[1] / "config/config.yaml"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--configfile", type=Path, default=DEMO)
    arguments = parser.parse_args()
    cores, config_file = arguments.cores, arguments.configfile.resolve()
    config = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder))
        start = time.perf_counter()
        project.snakemake("--cores", str(cores), "--quiet", config=str(config_file))
        wall = time.perf_counter() - start
        jobs = read_jobs(Path(folder, config["results"]))
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch, pandas, h5py"], check=True)
    imports = time.perf_counter() - start

    by_rule = jobs.groupby("rule").agg(
        jobs=("work", "size"), seconds=("seconds", "mean"), work=("work", "mean")
    )
    print(by_rule.sort_values("work", ascending=False).round(2).to_markdown())
    work, total = jobs["work"].sum(), jobs["seconds"].sum()
    print(f"\n{wall:.0f} s on {cores} cores: {work:.0f} core-seconds of work, ", end="")
    print(f"{total - work:.0f} of starting, {wall * cores - total:.0f} of planning and waiting")
    print(f"{len(jobs)} steps; one import of torch, pandas and h5py: {imports:.2f} s")
    print(f"time / (work / cores): {wall / (work / cores):.2f}")


def read_jobs(results: Path) -> pd.DataFrame:
    """Return a row for each job of a finished run: rule, seconds in all, seconds of work."""
    jobs = {}
    for path in (results / METADATA).rglob("*"):
        if path.is_file():  # the record of an output; those of a job have the same log
            record = json.loads(path.read_text(encoding="utf-8"))
            [log] = record["log"]
            text = (results / log).read_text(encoding="utf-8")
            [work] = re.findall(r"^done in (\S+) s$", text, re.MULTILINE)
            seconds = record["endtime"] - record["starttime"]
            jobs[log] = {"rule": record["rule"], "seconds": seconds, "work": float(work)}
    return pd.DataFrame(jobs.values())


if __name__ == "__main__":
    main()
