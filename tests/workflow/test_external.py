"""Predictions that were made elsewhere, compared by somebody who has labels and CSV files alone."""

import subprocess
import sys

import pandas as pd
import pytest
import yaml

from motilens.pipeline.config import check_config
from motilens.simulation.visem_files import simulated_sample_table
from support.configs import ROOT, SCHEMA, load_config
from support.planning import plan
from support.predictions import write_external
from support.project import copy_project

NONE = {"external": {}, "ensembles": {}}
FILE = "good/motility/fold1/seed0.csv"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("external") / "a lab")
    config = load_config("tests/support/tiny.yaml")
    config["external"] = {"good": "lab/good", "poor": "lab/poor"}
    config |= {"inputs": {}, "ensembles": {"mean": ["good", "poor"]}}
    config |= {
        "dataset": {"labels": "lab/labels.csv"},
        "folds": {"number": 2, "file": "lab/labels.csv"},
    }
    table = simulated_sample_table(6, seed=1, folder="").drop(columns="video")
    (project.folder / "lab").mkdir()
    table.assign(fold=[1, 2] * 3).to_csv(project.folder / "lab/labels.csv", index=False)
    (project.folder / "own.yaml").write_text(yaml.safe_dump(config))
    _, experiment = plan(config | NONE, project.folder)
    write_external(project.folder / "lab/good", experiment, 3)
    write_external(project.folder / "lab/poor", experiment, 20)
    assert check_config(config, SCHEMA)["external"]["poor"] == "lab/poor"
    (project.folder / "first.yaml").write_text(yaml.safe_dump(config | NONE | {"results": "first"}))
    project.snakemake("--cores", "2", config="own.yaml")
    return project


def test_samples_and_folds_are_written_before_there_are_predictions(project):
    done = project.snakemake("--cores", "1", config="first.yaml")
    assert "no method is named (inputs, baselines, external): only the samples and" in done.stdout
    table = pd.read_csv(project.folder / "first/samples.csv")
    assert table["fold"].tolist() == [1, 2] * 3 and table["immotile"].notna().all()
    assert not (project.folder / "first/tables").exists()


def test_they_get_the_tables_and_figures_of_our_methods(project):
    tables = project.folder / "results/tables"
    table = pd.read_csv(tables / "table1.csv").query("fold == 'average'").set_index("method")
    assert table.index.tolist() == ["ZeroR", "median", "good", "poor", "mean"]
    for name in ("motility_participant", "morphology_stack"):
        assert table[name][["good", "poor", "mean"]].tolist() == pytest.approx([3, 20, 11.5])
    compared = pd.read_csv(tables / "comparisons.csv")
    [row] = compared.query("target == 'morphology' and first == 'good' and second == 'poor'").index
    assert compared["difference"][row] == pytest.approx(-17)
    assert "Predictions of good, poor were made elsewhere" in (tables / "table1.md").read_text()
    assert (project.folder / "results/figures/agreement.png").exists()
    assert not (project.folder / "results/clips").exists()
    report = (project.folder / "results/report.html").read_text()
    assert "Predictions of good, poor were made elsewhere" in report and "own.yaml" in report
    assert "better than ZeroR by" in report and 'id="participants"' not in report


def test_a_changed_file_runs_what_depends_on_it(project, tmp_path):
    changed = project.copy(tmp_path / "a lab")
    assert "Nothing to be done" in changed.snakemake("-n", config="own.yaml").stdout
    path = changed.folder / "lab" / FILE
    path.write_text(path.read_text() + "\n")
    plan = changed.snakemake("-n", config="own.yaml").stdout
    assert plan.count("Check and copy") == plan.count("Average the") == 1
    path.write_text(path.read_text().replace("predicted_immotile", "immotile"))
    done = changed.snakemake("-n", config="own.yaml", check=False)
    assert done.returncode == 1
    assert f"lab/{FILE}: has no column predicted_immotile: the first line must" in done.stdout


def test_folders_without_records_are_compared_with_runs(project):
    def compare(*arguments):
        command = [sys.executable, ROOT / "benchmarks/compare.py", *arguments]
        return subprocess.run(command, cwd=project.folder, capture_output=True, text=True)

    done = compare("results:good", "lab:poor", "lab:good+lab:poor")
    assert done.returncode == 0, done.stderr
    for name, error in (
        ("good (results)", 3),
        ("poor (lab)", 20),
        ("good (lab) + poor (lab)", 11.5),
    ):
        [row] = [line for line in done.stdout.splitlines() if line.startswith(f"| {name} ")]
        assert float(row.split("|")[4]) == pytest.approx(error)
    assert compare("--folds", "1,2", "results:good").stdout == compare("results:good").stdout
    lines = compare("--reference", "poor (lab)", "results:good", "lab:poor").stdout.splitlines()
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert cells[0][7] == "better than poor (lab) by"
    assert [row[7] for row in cells if row[1:2] == ["good (results)"]][0] == "17"
    done = compare("--reference", "good", "results:good", "lab:poor")
    known = "ZeroR, median, good (results), poor (lab)"
    assert done.stderr == f"ERROR: --reference good: is none of {known}\n"
    assert "lab/poor: has no records: name a method of a run of these" in compare("lab:poor").stderr
    assert "no predictions of good, motility, fold 1" in compare("elsewhere:good").stderr
    done = compare("--target", "head", "results:good", "lab:poor")
    assert done.stderr.startswith("ERROR: ") and "Traceback" not in done.stderr
