"""What the Snakemake Workflow Catalog asks for."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def jobs(project, *arguments):
    done = project.snakemake("-n", "--quiet", "rules", *arguments)
    return dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE))


def test_its_snakefile_plans_the_same_jobs(project):
    ours, theirs = jobs(project), jobs(project, "-s", "workflow/Snakefile")
    assert ours.pop("all") == theirs.pop("everything") == "1"
    assert ours == theirs and len(ours) > 10


def test_its_files_are_there():
    shown = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    assert shown["usage"]["software-stack-deployment"]["conda"] is True
    assert (ROOT / "config/README.md").exists() and (ROOT / "LICENSE").exists()
