"""The configurations of the project pass; mistakes get one clear line each."""

import pytest
from generate_tables import CONFIG_PAGE, render_config

from motilens.core.errors import InputError
from motilens.core.records import deep_merge
from motilens.pipeline.config import check_config, find_duplicate_keys
from motilens.pipeline.consistency import find_contradictions
from support.configs import ROOT, SCHEMA, key_paths, load_config, set_key

DEMO = "config/config.yaml"
COMPLETE = [
    "config/config.yaml", "config/own.yaml", "config/study.yaml", "config/visem.yaml",
    "benchmarks/study_64.yaml", "benchmarks/study_256.yaml", "benchmarks/study_cpu.yaml",
    "benchmarks/study_others.yaml", "tests/support/tiny.yaml",
]  # fmt: skip


def list_errors(config):
    with pytest.raises(InputError, match="the configuration cannot be used") as error:
        check_config(config, SCHEMA)
    return str(error.value).split("\n  ")[1:]


@pytest.mark.parametrize("name", COMPLETE)
def test_our_configurations_are_valid(name):
    assert find_contradictions(check_config(load_config(name), SCHEMA)) == []


@pytest.mark.parametrize("names", [
    ("config/visem.yaml", "config/extra_methods.yaml"),
    ("config/extra_methods.yaml", "config/study.yaml"),
])  # fmt: skip
def test_extra_methods_can_be_added(names):
    config = check_config(deep_merge(*map(load_config, names)), SCHEMA)
    assert find_contradictions(config) == [] and {"I1", "flow_tuned"} <= set(config["inputs"])
    assert ("casa" in config["baselines"]) == ("config/study.yaml" in names)


@pytest.mark.parametrize("key, value, line", [
    ("autoencoder.epochs", 0, "0 is less than the minimum of 1"),
    ("autoencoder.epochs", "5", "'5' is not of type 'integer' (numbers nested in"),
    ("autoencoder.epoch", 5, "unknown key; did you mean epochs?"),
    (
        "learning_rate",
        0.1,
        "unknown key; did you mean autoencoder.learning_rate or regressor.learning_rate?",
    ),
    ("size", 64, "unknown key; did you mean dataset.archive.size or frames.size?"),
    ("autoencoder.repeats", 9, "unknown key; did you mean inputs.NAME.repeats?"),
    ("zoom", 2, "unknown key; known here: results, dataset"),
    ("frames.size", 66, "66 is not a multiple of 4"),
    ("regressor.learning_rate", 0, "0 is less than or equal to the"),
    ("regressor.learning_rate", float("nan"), "nan is not a finite"),
    ("regressor.weights", "imagenet", "give none, IMAGENET1K_V1, or a file"),
    ("regressor.backbone", "resnet35", "'resnet35' is not one of"),
    ("compute", None, "is empty: fill it in, or remove the line"),
    ("seeds", [0, 0], "names one twice: 0, 0"),
    ("seeds", [], "name 1 or more, not 0"),
    ("inputs.I 5", {"frames": 4}, "no usable name"),
    ("inputs.I5\n", {"frames": 4}, "no usable name"),
    (f"inputs.{'a' * 101}", {"frames": 4}, "no usable name"),
    ("inputs.I5", {"frames": 4, "repeat": 2}, ".repeat: unknown key; did you mean repeats?"),
    ("inputs.I1.regressor.epoch", 9, "unknown key; did you mean epochs?"),
    ("inputs.I1.regressor.epochs", 0, "0 is less than the minimum of 1"),
    ("ensembles.both", ["cells"], "name 2 or more, not 1"),
    ("ensembles.both", ["cells", "cells"], "names one twice: cells, cells"),
    ("tracking.memory", "1,5", "'1,5' is not of type 'integer' (YAML has a decimal point: 1.5)"),
    ("targets.motility", ["progresive"], ".0: 'progresive' is not one of"),
    ("folds", {"number": 3, "seed": 0, "file": "folds.csv"}, "give either `seed`"),
    ("folds.number", 2.5, "2.5 is not of type 'integer'"),
    ("folds.number", 1, "1 is less than the minimum of 2"),
    ("dataset", {"videos": "lab"}, "give either `simulated`, or `labels`"),
    ("results", "a{b}", "'a{b}' contains { }"),
    ("results", None, "is empty: fill it in"),
    ("inputs", {1: {"frames": 1}}, "the key 1 is no text for YAML"),
    ("targets", {True: ["head"]}, "the key True is no text for YAML"),
])  # fmt: skip
def test_mistakes_are_explained(key, value, line):
    [error] = list_errors(set_key(load_config(DEMO), key, value))
    assert error.startswith((f"{key}: {line}", f"{key}{line}"))


def test_an_unknown_column_is_reported():
    config = set_key(load_config("config/visem.yaml"), "dataset.columns", {"partcipant": "No."})
    [error] = list_errors(config)
    assert error.startswith("dataset.columns: 'partcipant' is not one of ['partici")


def test_every_mistake_has_its_line():
    config = set_key(load_config(DEMO), "frames.size", -4) | {"color": True}
    del config["seeds"]
    errors = "\n".join(list_errors(config))
    assert "seeds: missing" in errors and "frames.size: -4" in errors and "color: unknown" in errors


def test_a_whole_number_is_the_same_in_any_form():
    checked = check_config(set_key(load_config(DEMO), "frames.size", 64.0), SCHEMA)
    assert repr(checked["frames"]["size"]) == "64"
    assert checked == check_config(load_config(DEMO), SCHEMA)


def test_keys_that_are_left_out_have_the_schemas_default():
    config = load_config(DEMO)
    checked = check_config(config, SCHEMA)
    assert checked["inputs"]["I1"] == {"frames": 1, "repeats": 1, "encoder": "autoencoder"}
    assert checked["dataset"]["motility_sum"] == {"tolerance": 1, "on_mismatch": "error"}
    assert checked["frames"]["resize_mode"] == "stretch" and "video_list" not in checked["dataset"]
    set_key(config, "dataset.motility_sum", {"tolerance": 3})
    motility_sum = check_config(config, SCHEMA)["dataset"]["motility_sum"]
    assert motility_sum == {"tolerance": 3, "on_mismatch": "error"}
    assert check_config(checked, SCHEMA) == checked, "Snakemake hands the checked one to its jobs"


def test_an_input_type_has_only_those_settings_of_its_own_that_it_names():
    config = load_config(DEMO)
    config["inputs"]["I1"] |= {"encoder": "pca", "regressor": {"epochs": 9.0}}
    assert check_config(config, SCHEMA)["inputs"]["I1"]["regressor"] == {"epochs": 9}


def test_keys_that_stand_twice_are_reported(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &x {b: 1}\nc: {<<: *x, b: 2}\nd:\n  - {e: 1, f: {g: 1,\n    g: 2}}\na: 3\n")
    assert find_duplicate_keys(path) == [
        f"{path}, line 5: g is there twice: keep one",
        f"{path}, line 6: a is there twice: keep one",
    ]
    path.write_text("")
    assert find_duplicate_keys(path) == [] == find_duplicate_keys(ROOT / "config/visem.yaml")


def test_every_backbone_is_torchvisions():
    from torchvision import models

    names = SCHEMA["properties"]["regressor"]["properties"]["backbone"]["enum"]
    assert set(names) <= set(models.list_models(module=models))


def test_every_key_is_explained_in_the_readme():
    page = CONFIG_PAGE.read_text(encoding="utf-8")
    named = [key for key, _ in key_paths(SCHEMA) if not key.endswith("NAME")]
    missing = [key for key in named if f"- `{key}`" not in page]
    assert not missing, "give each a description in config/schema.yaml"
    assert page == render_config(page), "write it again: make tables"
