"""Baselines that follow cells: rows of the same tables, and rerun only for what they rest on."""

import shutil

import changes
import pandas as pd
import pytest
import yaml
from support.laboratory import FOLLOWED
from test_reruns import plan

from motilens.core.records import read_record

TABLES = {
    "compute_errors", "compute_statistics", "make_table1", "summarize_run",
    "plot_learning_curves", "plot_errors", "plot_agreement",
}  # fmt: skip
AVERAGED = {"average_predictions"}
TRACKED = {"track_cells", "predict_baseline"} | AVERAGED
COUNTED = TABLES - {"plot_learning_curves"}


@pytest.fixture(scope="module")
def lab(finished_laboratory, tmp_path_factory):
    made = finished_laboratory.copy(tmp_path_factory.mktemp("baselines") / "a lab")
    shutil.rmtree(made.folder / "results/autoencoders")  # of another configuration
    made.config |= FOLLOWED | {"baselines": ["msd", "kinematics", "cells", "casa"]}
    made.config["ensembles"] = {"both": ["I1", "cells"], "moving": ["casa", "I1", "msd"]}
    made.config["inputs"] = {"I1": {"frames": 1, "encoder": "none"}}
    made.config["dataset"]["microns_per_pixel"] = 0.5
    made.write_configuration()
    made.snakemake("--cores", "2", config="own.yaml")
    return made


def changeable(lab, tmp_path):
    """A copy, its configuration included."""
    made = lab.copy(tmp_path / "a lab")
    made.config = yaml.safe_load(yaml.safe_dump(lab.config))
    return made


def planned(lab):
    """What Snakemake says of a plan that may be refused."""
    lab.write_configuration()
    return lab.snakemake("-n", config="own.yaml", check=False)


def stale(lab):
    lab.write_configuration()
    return {rule for (rule, _), reruns in plan(lab, "own.yaml").items() if reruns}


def test_they_are_rows_of_the_tables(lab):
    table = pd.read_csv(lab.folder / "results/tables/table1.csv")
    names = ["ZeroR", "median", "I1", "casa", "cells", "kinematics", "msd", "both", "moving"]
    assert table["input"].unique().tolist() == names
    morphology = table.set_index(["input", "fold"])["morphology_participant"]
    assert morphology.isna().groupby("input").all().to_dict() == {
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
    ("change", "expected"),
    [
        (lambda lab: None, set()),
        (lambda lab: lab.config["tracks"].update(reach=5), TRACKED | COUNTED),
        (lambda lab: lab.config["regressor"].update(epochs=3),
         {"train_regressor"} | AVERAGED | TABLES),
        (lambda lab: lab.config["dataset"].update(microns_per_pixel=0.4),
         {"extract_clips", "plot_contact_sheet", "index_clips", "train_regressor", "predict_baseline"}
         | AVERAGED | TABLES),
        (lambda lab: lab.config.update(baselines=["msd", "casa", "cells"]), COUNTED),
        (lambda lab: lab.config.update(ensembles={}), COUNTED),
        (lambda lab: lab.config["ensembles"].update(both=["cells", "I1"]), set()),
        (lambda lab: lab.config["ensembles"].update(both=["msd", "I1"]), AVERAGED | COUNTED),
        (lambda lab: lab.config["ensembles"].update(pair=lab.config["ensembles"].pop("both")),
         AVERAGED | COUNTED),
        (lambda lab: changes.edit_module(lab, "tracks.py"), TRACKED | COUNTED),
        (lambda lab: changes.edit_module(lab, "counting.py"), {"predict_baseline"} | AVERAGED | COUNTED),
        (lambda lab: changes.edit_module(lab, "ensembles.py"), AVERAGED | COUNTED),
        (lambda lab: changes.upgrade(lab, "trackpy"), TRACKED | COUNTED),
    ],
    ids=["nothing", "reach", "epochs", "scale", "fewer", "no ensembles", "order",
         "members", "name", "tracks.py", "counting.py", "ensembles.py", "trackpy"],
)  # fmt: skip
def test_what_makes_them_stale(lab, tmp_path, change, expected):
    made = changeable(lab, tmp_path)
    change(made)
    assert stale(made) == expected


def test_a_label_of_one_target_makes_only_that_target_stale(lab, tmp_path):
    made = lab.copy(tmp_path / "a lab")
    changes.edit_morphology(made, 3)
    jobs = plan(made, "own.yaml")
    counted = [dict(wildcards) for (rule, wildcards), reruns in jobs.items()
               if rule == "predict_baseline" and reruns]  # fmt: skip
    assert len(counted) == 6 and {job["target"] for job in counted} == {"morphology"}


def test_an_ensemble_answers_the_mean_of_its_members(lab):
    folder, keys = lab.folder / "results/predictions", ["participant", "sample"]
    for fold in (1, 2):
        both, *parts = (
            pd.read_csv(folder / name / f"motility/fold{fold}/seed0.csv")
            .drop(columns="stack").groupby(keys).mean()
            for name in ("both", "I1", "cells")
        )  # fmt: skip
        assert len(both) == 3
        pd.testing.assert_frame_equal(both, (parts[0] + parts[1]) / 2)
    record = read_record(lab.folder / "results/ensembles/both/motility/fold1/seed0/model.json")
    assert record["settings"]["members"] == ["I1", "cells"]
    page = (lab.folder / "results/tables/run_summary.md").read_text(encoding="utf-8")
    assert "both (of I1, cells); moving (of I1, casa, msd)" in page and "code of ensembles" in page


def test_an_ensemble_without_a_common_target_is_told_before_anything(lab, tmp_path):
    made = changeable(lab, tmp_path)
    del made.config["targets"]["motility"]
    done = planned(made)
    assert done.returncode == 1
    assert "no target that all members of moving predict" in done.stdout


def test_another_frame_rate_makes_them_stale(lab, tmp_path):
    """What the user says of a video counts, though its frames are the same."""
    made = lab.copy(tmp_path / "a lab")
    table = made.table.assign(video=made.table["video"].str.replace("lab/videos/", "videos/"))
    table.to_csv(made.folder / "lab/samples.csv", index=False)
    made.config = yaml.safe_load(yaml.safe_dump(lab.config))
    made.config["dataset"] = {"labels": "lab/samples.csv", "microns_per_pixel": 0.5}
    assert stale(made) == set()
    table.assign(frame_rate=60).to_csv(made.folder / "lab/samples.csv", index=False)
    assert stale(made) >= TRACKED


def test_casa_without_a_scale_is_told_before_anything(lab, tmp_path):
    made = changeable(lab, tmp_path)
    del made.config["dataset"]["microns_per_pixel"]
    done = planned(made)
    assert (
        done.returncode == 1 and "set dataset.microns_per_pixel, or leave casa out" in done.stdout
    )
    made.config["inputs"]["msd"] = {"frames": 1}
    done = planned(made)
    assert "inputs: msd is another row of the tables, too: rename the input" in done.stdout
