"""What the demo spends on work, and what on starting its steps.

    .venv/bin/python benchmarks/overhead.py [cores]

Work is what a step's log says that it took: all after its imports. The start of a step is the rest
of its job: interpreter, imports, and Snakemake's part.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "rules", "workflow", "config", "profiles", "envs", "requirements.in")


def jobs(folder: Path) -> pd.DataFrame:
    """One row a job of a finished run: rule, seconds in all, seconds of work."""
    found = {}
    for path in (folder / ".snakemake/metadata").rglob("*"):
        if path.is_file():
            record = json.loads(path.read_text())
            log = record["log"][0]
            [work] = re.findall(r"^done in (\S+) s$", (folder / log).read_text(), re.MULTILINE)
            found[log] = {
                "rule": record["rule"],
                "job": record["endtime"] - record["starttime"],
                "work": float(work),
            }
    return pd.DataFrame(found.values())


def main(cores: int):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        start = time.perf_counter()
        snakemake = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--quiet"]
        subprocess.run(snakemake, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - start
        table = jobs(folder)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch, pandas, h5py"], check=True)
    imports = time.perf_counter() - start

    rules = table.groupby("rule").agg(
        jobs=("work", "size"), job=("job", "mean"), work=("work", "mean")
    )
    print(rules.sort_values("work", ascending=False).round(2).to_markdown())
    work, start = table["work"].sum(), (table["job"] - table["work"]).sum()
    print(
        f"\n{wall:.0f} s on {cores} cores; {work:.0f} core-seconds of work, {start:.0f} of starting"
    )
    print(f"{len(table)} steps; one import of torch, pandas and h5py: {imports:.2f} s")
    print(f"outside jobs (plans, waiting): {wall * cores - table['job'].sum():.0f} core-seconds")
    print(f"time / (work / cores): {wall / (work / cores):.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
