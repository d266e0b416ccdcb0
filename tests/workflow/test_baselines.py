"""Baselines that track cells, and ensembles: methods of the same tables."""

import shutil

import pandas as pd
import pytest

from motilens.core.records import read_record
from support.laboratory import TRACKED


@pytest.fixture(scope="module")
def lab(finished_laboratory, tmp_path_factory):
    lab = finished_laboratory.copy(tmp_path_factory.mktemp("baselines") / "a lab")
    shutil.rmtree(lab.folder / "results/autoencoders")  # of another configuration
    lab.config |= TRACKED | {"baselines": ["msd", "kinematics", "cells", "speed", "casa"]}
    lab.config["ensembles"] = {"both": ["I1", "cells"], "moving": ["casa", "I1", "msd"]}
    lab.config["inputs"] = {"I1": {"frames": 1, "encoder": "none"}}
    lab.config["dataset"]["microns_per_pixel"] = 0.5
    lab.write_configuration()
    tables = [f"tables/{name}" for name in ("table1.csv", "comparisons.csv", "run_summary.md")]
    lab.snakemake("--cores", "2", "--", *tables, config="own.yaml")
    return lab


def test_they_are_methods_of_the_tables(lab):
    table = pd.read_csv(lab.folder / "results/tables/table1.csv")
    names = ["ZeroR", "median", "I1", "casa", "cells", "kinematics", "msd", "speed"]
    names += ["both", "moving"]
    assert table["method"].unique().tolist() == names
    morphology = table.set_index(["method", "fold"])["morphology_participant"]
    assert morphology.isna().groupby("method").all().to_dict() == {
        name: name in ("casa", "moving", "speed") for name in names
    }
    for name in ("msd", "cells", "speed", "casa"):
        path = lab.folder / f"results/predictions/{name}/motility/fold1/seed0.csv"
        predicted = pd.read_csv(path, dtype={"participant": str})
        assert len(predicted) == 3
        assert predicted.filter(regex="^predicted").stack().between(0, 100).all()
    compared = pd.read_csv(lab.folder / "results/tables/comparisons.csv")
    assert {"casa", "msd"} <= set(compared["second"])
    assert not (lab.folder / "results/autoencoders").exists()


def test_an_ensemble_predicts_the_mean_of_its_members(lab):
    folder, keys = lab.folder / "results/predictions", ["participant", "sample"]
    for fold in (1, 2):
        both, *members = (
            pd.read_csv(folder / name / f"motility/fold{fold}/seed0.csv")
            .drop(columns="stack").groupby(keys).mean()
            for name in ("both", "I1", "cells")
        )  # fmt: skip
        assert len(both) == 3
        pd.testing.assert_frame_equal(both, (members[0] + members[1]) / 2)
    record = read_record(lab.folder / "results/ensembles/both/motility/fold1/seed0/model.json")
    assert record["settings"]["members"] == ["I1", "cells"]
    page = (lab.folder / "results/tables/run_summary.md").read_text(encoding="utf-8")
    assert "both (of I1, cells); moving (of I1, casa, msd)" in page and "code of ensembles" in page


def test_methods_that_cannot_work_are_reported_before_any_job(lab):
    lab.config["inputs"]["msd"] = {"frames": 1}
    lab.write_configuration()
    done = lab.snakemake("-n", config="own.yaml", check=False)
    assert done.returncode == 1
    assert "inputs: msd is the name of another method in the tables: rename the" in done.stdout
