"""Baselines that track cells, and ensembles: methods of the same tables, with exact reruns."""

import re
import shutil
from copy import deepcopy

import pandas as pd
import pytest
import yaml

from motilens.core.records import read_record
from support import changes
from support.configs import set_key
from support.laboratory import TRACKED

TABLES = {
    "compute_errors", "compute_statistics", "make_table1", "summarize_run",
    "plot_learning_curves", "plot_errors", "plot_agreement",
}  # fmt: skip
OTHER_TABLES = TABLES - {"plot_learning_curves"}
ENSEMBLES = {"average_predictions"}
PREDICTED = {"predict_baseline"} | ENSEMBLES | OTHER_TABLES
ALL = {"track_cells"} | PREDICTED


@pytest.fixture(scope="module")
def lab(finished_laboratory, tmp_path_factory):
    lab = finished_laboratory.copy(tmp_path_factory.mktemp("baselines") / "a lab")
    shutil.rmtree(lab.folder / "results/autoencoders")  # of another configuration
    lab.config |= TRACKED | {"baselines": ["msd", "kinematics", "cells", "casa"]}
    lab.config["ensembles"] = {"both": ["I1", "cells"], "moving": ["casa", "I1", "msd"]}
    lab.config["inputs"] = {"I1": {"frames": 1, "encoder": "none"}}
    lab.config["dataset"]["microns_per_pixel"] = 0.5
    lab.write_configuration()
    lab.snakemake("--cores", "2", config="own.yaml")
    return lab


@pytest.fixture
def config(lab):
    return deepcopy(lab.config)


def plan(lab, config, check=True):
    (lab.folder / "planned.yaml").write_text(yaml.safe_dump(config))
    return lab.snakemake("-n", config="planned.yaml", check=check)


def stale_rules(lab, config):
    output = plan(lab, config).stdout
    return set(re.findall(r"^(\w+) +\d+$", output, re.MULTILINE)) - {"all", "total"}


def test_they_are_methods_of_the_tables(lab):
    table = pd.read_csv(lab.folder / "results/tables/table1.csv")
    names = ["ZeroR", "median", "I1", "casa", "cells", "kinematics", "msd", "both", "moving"]
    assert table["method"].unique().tolist() == names
    morphology = table.set_index(["method", "fold"])["morphology_participant"]
    assert morphology.isna().groupby("method").all().to_dict() == {
        name: name in ("casa", "moving") for name in names
    }
    for name in ("msd", "cells", "casa"):
        path = lab.folder / f"results/predictions/{name}/motility/fold1/seed0.csv"
        predicted = pd.read_csv(path, dtype={"participant": str})
        assert len(predicted) == 3
        assert predicted.filter(regex="^predicted").stack().between(0, 100).all()
    compared = pd.read_csv(lab.folder / "results/tables/comparisons.csv")
    assert {"casa", "msd"} <= set(compared["second"])
    assert not (lab.folder / "results/autoencoders").exists()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("results", "results", set()),
        ("tracking.search_range", 5, ALL),
        ("regressor.epochs", 3, {"train_regressor"} | ENSEMBLES | TABLES),
        ("dataset.microns_per_pixel", 0.4,
         {"extract_clips", "plot_contact_sheet", "index_clips", "train_regressor"}
         | PREDICTED | TABLES),
        ("baselines", ["msd", "casa", "cells"], OTHER_TABLES),
        ("ensembles", {}, OTHER_TABLES),
        ("ensembles.both", ["cells", "I1"], set()),
        ("ensembles.both", ["msd", "I1"], ENSEMBLES | OTHER_TABLES),
        ("ensembles", {"pair": ["I1", "cells"], "moving": ["casa", "I1", "msd"]},
         ENSEMBLES | OTHER_TABLES),
    ],
)  # fmt: skip
def test_a_changed_setting_makes_stale_what_depends_on_it(lab, config, key, value, expected):
    assert stale_rules(lab, set_key(config, key, value)) == expected


@pytest.mark.parametrize(
    ("change", "what", "expected"),
    [
        (changes.edit_module, "tracking/trajectories.py", ALL),
        (changes.edit_module, "tracking/baselines.py", PREDICTED),
        (changes.edit_module, "evaluation/ensembling.py", ENSEMBLES | OTHER_TABLES),
        (changes.upgrade, "trackpy", ALL),
    ],
)
def test_changed_code_makes_stale_what_depends_on_it(lab, config, tmp_path, change, what, expected):
    lab = lab.copy(tmp_path / "a lab")
    change(lab, what)
    assert stale_rules(lab, config) == expected


def test_a_label_of_one_target_makes_only_that_target_stale(lab, config, tmp_path):
    lab = lab.copy(tmp_path / "a lab")
    changes.edit_morphology(lab, 3)
    targets = re.findall(r"Predict (\w+) of fold \d by ", plan(lab, config).stdout)
    assert len(targets) == 6 and set(targets) == {"morphology"}


def test_another_frame_rate_makes_them_stale(lab, config, tmp_path):
    """What the user says of a video counts, though its frames are the same."""
    lab = lab.copy(tmp_path / "a lab")
    table = lab.table.assign(video=lab.table["video"].str.replace("lab/videos/", "videos/"))
    table.to_csv(lab.folder / "lab/samples.csv", index=False)
    config["dataset"] = {"labels": "lab/samples.csv", "microns_per_pixel": 0.5}
    assert stale_rules(lab, config) == set()
    table.assign(frame_rate=60).to_csv(lab.folder / "lab/samples.csv", index=False)
    assert stale_rules(lab, config) >= ALL


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


def test_methods_that_cannot_work_are_reported_before_any_job(lab, config):
    no_motility, no_scale, same_name = config, deepcopy(config), deepcopy(config)
    del no_motility["targets"]["motility"]
    del no_scale["dataset"]["microns_per_pixel"]
    same_name["inputs"]["msd"] = {"frames": 1}
    for changed, message in (
        (no_motility, "no target is predicted by all members of moving"),
        (no_scale, "set dataset.microns_per_pixel, or leave casa out"),
        (same_name, "inputs: msd is the name of another method in the tables: rename the input"),
    ):
        done = plan(lab, changed, check=False)
        assert done.returncode == 1 and message in done.stdout
