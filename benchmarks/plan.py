"""Measure Snakemake's plan of config/visem.yaml with five seeds, before a run and after one.

    .venv/bin/python benchmarks/plan.py [participants] [--only-plan]

85 participants, unless another number is given. With --only-plan, only the plan before a run, which
is all that thousands of participants leave time for. Videos are empty, and steps only write their
files.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from motilens.simulation.visem_files import simulated_sample_table, write_label_table
from support.project import Project, copy_project

STEP = """import json
from pathlib import Path
from motilens.pipeline.job import run_job

def main(job):
    for output in map(Path, job.output):
        output.write_text(json.dumps({"sample": output.stem, "content_sha256": 64 * "0"}))

run_job(main, snakemake)
"""
PAPER = Path(__file__).parents[1] / "config/visem.yaml"
CONFIG = "five_seeds.yaml"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("participants", type=int, nargs="?", default=85)
    parser.add_argument("--only-plan", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = prepare_project(Path(folder), arguments.participants)
        seconds = measure_run(project, "--dry-run")
        print(f"plan before a run: {seconds:.1f} s, {peak_memory_gb():.2f} GB at most")
        if arguments.only_plan:
            return
        print(f"all jobs, doing nothing, 2 cores: {measure_run(project, '--cores', '2'):.1f} s")
        print(f"plan after a run: {measure_run(project, '--dry-run'):.1f} s")


def prepare_project(folder: Path, participants: int) -> Project:
    """Return a copy of the workflow with a data set of empty videos, and steps that do nothing."""
    project = copy_project(folder)
    for script in (folder / "workflow/scripts").glob("*.py"):
        script.write_text(STEP)
    (folder / "visem-dataset/videos").mkdir(parents=True)
    table = simulated_sample_table(participants, 1, "visem-dataset/videos")
    write_label_table(table, folder / "visem-dataset/semen_analysis_data.csv")
    for path in table["video"]:
        with open(folder / path, "wb") as file:  # no two alike
            file.write(path.encode())
            file.truncate(400_000_000)  # a hole, which takes no space on the disk
    config = yaml.safe_load(PAPER.read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(yaml.safe_dump(config | {"seeds": [0, 1, 2, 3, 4]}))
    return project


def measure_run(project: Project, *arguments: str) -> float:
    """Return the seconds that Snakemake takes."""
    start = time.perf_counter()
    project.snakemake(*arguments, config=CONFIG)
    return time.perf_counter() - start


def peak_memory_gb() -> float:
    """Return the memory of the largest child process so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
