"""Time Snakemake's plan of config/visem.yaml with five seeds, before a run and after one.

    .venv/bin/python benchmarks/plan.py [participants [plan]]

With `plan`, only the plan before a run, which is all that thousands of participants leave time for.
Data and results are made up: empty videos, and steps that only write their files.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from motilens.simulation.visem_files import simulated_sample_table, write_label_table  # noqa: E402

STEP = """import json
from pathlib import Path
from motilens.pipeline.job import run_job
with run_job(snakemake):
    for output in map(Path, snakemake.output):
        output.write_text(json.dumps({"sample": output.stem, "content_sha256": 64 * "0"}))
"""
PARTS = ("Snakefile", "rules", "workflow", "config", "profiles", "envs", "requirements.in")


def main(participants: int, only_plan: bool):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        for script in (folder / "workflow/scripts").glob("*.py"):
            script.write_text(STEP)
        (folder / "visem-dataset/videos").mkdir(parents=True)
        table = simulated_sample_table(participants, 1, "visem-dataset/videos")
        write_label_table(table, folder / "visem-dataset/semen_analysis_data.csv")
        for path in table["video"]:
            with open(folder / path, "wb") as file:  # no two alike
                file.write(path.encode())
                file.truncate(400_000_000)  # a hole: no disk is used
        config = yaml.safe_load((ROOT / "config/visem.yaml").read_text(encoding="utf-8"))
        (folder / "five.yaml").write_text(yaml.safe_dump(config | {"seeds": [0, 1, 2, 3, 4]}))
        print(f"plan before a run: {timed(folder, '-n'):.1f} s, {peak():.2f} GB at most")
        if only_plan:
            return
        print(f"all jobs, doing nothing, 2 cores: {timed(folder, '--cores', '2'):.1f} s")
        print(f"plan after a run: {timed(folder, '-n'):.1f} s")


def timed(folder: Path, *arguments: str) -> float:
    command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "five.yaml"]
    start = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return time.monotonic() - start


def peak() -> float:
    """Memory of the largest process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 85, "plan" in sys.argv)
