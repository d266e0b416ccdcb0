"""An experiment's data: what is read, and what is said about it."""

import contextlib

import openpyxl
import pytest
import yaml

from motilens.pipeline.config import check_config
from motilens.pipeline.load_experiment import load_experiment
from support.configs import SCHEMA, load_config
from support.errors import assert_refused

HEADER = ("ID", "video", "progressive", "nonprogressive", "immotile", "fold")


@pytest.fixture
def folder(tmp_path):
    """Four videos, and a workbook of labels and folds beside an outdated, hidden sheet."""
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    for k in range(1, 5):
        (tmp_path / f"{k}.avi").write_text(str(k))
        book.active.append((f"P {k}", f"{k}.avi", 50, 30, 20, k % 2 + 1))
    book.active.append(("P 5", "5.avi", 50, 30, 20, 1))
    book.active.row_dimensions[6].hidden = True
    book.create_sheet("old", 0).append(HEADER)
    book["old"].sheet_state = "hidden"
    book.save(tmp_path / "lab.xlsx")
    return tmp_path


def load(folder, **changes):
    config = load_config("tests/support/tiny.yaml")
    config["dataset"] = {"labels": "lab.xlsx"}
    config["targets"] = {"motility": list(HEADER[2:5])}
    config["folds"] = {"number": 2, "file": "lab.xlsx"}
    config = check_config(yaml.safe_load(yaml.safe_dump(config | changes)), SCHEMA)
    with contextlib.chdir(folder):
        return load_experiment(config, folder)


def test_what_is_said_of_a_table_of_labels_and_folds_is_said_once(folder):
    experiment = load(folder)
    assert experiment.sample_names == ["P_1", "P_2", "P_3", "P_4"]
    assert experiment.folds_by_participant == {"P_1": 2, "P_2": 1, "P_3": 2, "P_4": 1}
    assert experiment.notes == ["lab.xlsx: the sheet 'Sheet' is read, not 'old' (hidden)"]
    [warning] = experiment.warnings
    assert warning.startswith("lab.xlsx, sheet 'Sheet': hidden and not read: rows 6: unhide")


def test_what_can_be_fetched_is_named(folder):
    archive = {"url": "https://example.org/a.zip", "path": "a.zip", "license": "free"}
    dataset = {"archive": archive | {"license_accepted": False}}
    for labels, videos, key in (("no.csv", ".", "labels"), ("lab.xlsx", "films", "videos")):
        changes = {"dataset": dataset | {"labels": labels, "videos": videos}}
        message = rf"no such file: correct dataset.{key}, or fetch the data set \(some GB, and as"
        assert_refused(message, load, folder, **changes)


def test_folds_in_the_table_of_labels_that_are_not_used_are_a_warning(folder):
    _, warning = load(folder, folds={"number": 2, "seed": 0}).warnings
    assert warning.startswith("lab.xlsx: its folds are not used, as folds.seed draws others: to")
    (folder / "lab.csv").write_text("ID,video,head\n1,1.avi,90\n2,2.avi,91\n")
    changes = {"dataset": {"labels": "lab.csv"}, "targets": {"head": ["head"]}}
    warnings = load(folder, folds={"number": 2, "seed": 0}, **changes).warnings
    assert not any("folds" in line for line in warnings)


def test_errors_come_with_the_warnings_that_may_explain_them(folder):
    message = r"5 folds need at least 5 .*there are 4.*\n  WARNING: .*rows 6.*\n  .*not 'old'"
    assert_refused(message, load, folder, folds={"number": 5, "seed": 0})


def test_speed_needs_a_scale_or_heads_and_its_three_percentages(folder):
    blobs = {"baselines": ["speed"], "tracking": {"detector": "blobs"}}
    assert_refused(
        "baselines: speed needs the size of a pixel, .*of samples P_1", load, folder, **blobs
    )
    known = {"labels": "lab.xlsx", "microns_per_pixel": 0.5}
    two = {"motility": [*HEADER[2:5]], "moving": ["immotile", "progressive"]}
    experiment = load(folder, dataset=known, targets=two, **blobs)
    assert experiment.baseline_methods == [("speed", "motility")]
    assert load(folder, baselines=["speed"]).baseline_methods == [("speed", "motility")]


@pytest.mark.parametrize("changes, name", [
    ({}, "I4"), ({"reference": "I1"}, "I1"), ({"reference": "median"}, "median"),
    ({"inputs": {"I1": {"frames": 1}}}, "ZeroR"), ({"inputs": {}}, "ZeroR"),
    ({"inputs": {"I4": {"frames": 9}}}, "ZeroR"),
    ({"inputs": {"I4": {"frames": 18, "repeats": 2}}}, "ZeroR"),
    ({"inputs": {"I4": {"frames": 18, "encoder": "pca"}}}, "ZeroR"),
])  # fmt: skip
def test_the_reference_is_the_papers_i4_or_zero_r_unless_it_is_named(folder, changes, name):
    assert load(folder, **changes).reference == name


def test_a_reference_must_predict_something(folder):
    changes = {"targets": {"motility": ["progressive"]}, "baselines": ["msd", "casa", "speed"]}
    changes["dataset"] = {"labels": "lab.xlsx", "microns_per_pixel": 0.5}
    assert load(folder, reference="casa", **changes).reference == "casa"
    message = "reference: speed predicts no target of this run: name another method"
    assert_refused(message, load, folder, reference="speed", **changes)
