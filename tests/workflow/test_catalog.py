"""What the Snakemake Workflow Catalog asks for."""

import re

import yaml

from support.configs import ROOT


def count_jobs(project, *arguments):
    done = project.snakemake("-n", "--quiet", "rules", *arguments)
    return dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE))


def test_its_snakefile_plans_the_same_jobs(project):
    ours, theirs = count_jobs(project), count_jobs(project, "-s", "workflow/Snakefile")
    assert ours.pop("all") == theirs.pop("everything") == "1"
    assert ours == theirs and len(ours) > 10


def test_its_files_are_there():
    catalog = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    assert catalog["usage"]["software-stack-deployment"]["conda"] is True
    assert (ROOT / "config/README.md").exists() and (ROOT / "LICENSE").exists()
