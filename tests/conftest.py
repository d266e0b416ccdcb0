"""Finished runs that many tests look at, and the order of tests."""

import pytest
import yaml

from support.laboratory import TRACKED, Laboratory
from support.project import Project, copy_project, made_once, small


@pytest.fixture
def project(tmp_path):
    return copy_project(tmp_path / "a copy")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The whole pipeline, run once on the small simulated set."""

    def make(folder):
        return copy_project(folder / "a copy").snakemake("--cores", "2").stdout

    folder, output = made_once(tmp_path_factory, "finished", make)
    project = Project(folder / "a copy")
    project.output = output
    return project


@pytest.fixture(scope="session")
def finished_small(tmp_path_factory):
    """The smallest pipeline (small.yaml), run to the end."""

    def make(folder):
        return (
            small(copy_project(folder / "a copy"))
            .snakemake("--cores", "2", config="small.yaml")
            .stdout
        )

    folder, _ = made_once(tmp_path_factory, "small", make)
    return Project(folder / "a copy")


@pytest.fixture(scope="session")
def finished_laboratory(tmp_path_factory):
    """The same on a laboratory's own data; tests go on in copies, with its clips and tracks."""

    def make(folder):
        lab = Laboratory.made(folder)
        output = lab.snakemake("--cores", "2", config="own.yaml").stdout
        # Tracking cells takes longest of all: once, for all tests that have baselines.
        (lab.folder / "tracked.yaml").write_text(yaml.safe_dump(lab.config | TRACKED))
        paths = [f"tracks/{sample}.csv.gz" for sample in lab.table["participant"]]
        lab.snakemake("--cores", "2", "--", *paths, config="tracked.yaml")
        return output

    folder, _ = made_once(tmp_path_factory, "laboratory", make)
    return Laboratory(folder / "a lab")


# In the order in which pytest-xdist starts them, so that no worker waits for another in the end.
LONGEST = ("test_slurm.py", "test_reruns.py", "test_predict.py", "test_bad_input.py")


def pytest_collection_modifyitems(items):
    """Mark tests that run Snakemake, and put the longest files first."""
    for item in items:
        if "workflow" in item.path.parts[-2:]:
            item.add_marker(pytest.mark.workflow)
    items.sort(key=lambda item: ("unit" in item.path.parts, item.path.name not in LONGEST))
