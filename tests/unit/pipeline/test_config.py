"""The configurations of the project pass; mistakes get one clear line each."""

import copy
import os
import re
from pathlib import Path

import pytest
import yaml

from motilens.core.errors import InputError
from motilens.core.records import deep_merge
from motilens.pipeline.config import (
    check_config,
    find_contradictions,
    find_duplicate_keys,
    find_future_tables,
    find_misplaced_paths,
)

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "config/schema.yaml").read_text(encoding="utf-8"))


def load(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name",
    [
        "config/config.yaml",
        "config/visem.yaml",
        "tests/tiny.yaml",
        "config/study.yaml",
        "config/own.yaml",
        "benchmarks/study_cpu.yaml",
        "benchmarks/study_64.yaml",
        "benchmarks/study_256.yaml",
        "benchmarks/study_others.yaml",
    ],
)
def test_our_configurations_are_valid(name):
    assert find_contradictions(check_config(load(name), SCHEMA)) == []


@pytest.mark.parametrize(
    "names",
    [
        ("config/visem.yaml", "config/competitors.yaml"),
        ("config/competitors.yaml", "config/study.yaml"),
    ],
)
def test_competitors_can_be_added(names):
    first, second = map(load, names)
    config = check_config(deep_merge(first, second), SCHEMA)
    assert find_contradictions(config) == [] and {"I1", "ours"} <= set(config["inputs"])
    assert ("casa" in config["baselines"]) == ("config/study.yaml" in names)


@pytest.mark.parametrize(
    "place, value, line",
    [
        ("autoencoder.epochs", 0, "autoencoder.epochs: 0 is less than the minimum of 1"),
        (
            "autoencoder.epochs",
            "5",
            "autoencoder.epochs: '5' is not of type 'integer' (numbers nested in",
        ),
        ("autoencoder.epoch", 5, "autoencoder.epoch: unknown key; did you mean epochs?"),
        (
            "learning_rate",
            0.1,
            "learning_rate: unknown key; did you mean autoencoder.learning_rate or "
            "regressor.learning_rate?",
        ),
        ("size", 64, "size: unknown key; did you mean dataset.archive.size or frames.size?"),
        ("autoencoder.copies", 9, "autoencoder.copies: unknown key; did you mean inputs.NAME.cop"),
        ("zoom", 2, "zoom: unknown key; known here: results, dataset"),
        ("frames.size", 66, "frames.size: 66 is not a multiple of 4"),
        ("regressor.learning_rate", 0, "regressor.learning_rate: 0 is less than or equal to the"),
        (
            "slurm",
            {"account": "a b; c"},
            "slurm.account: 'a b; c' is no name that SLURM could have",
        ),
        ("slurm", {"qos": "-1"}, "slurm.qos: '-1' is no name"),
        ("slurm", {"gpu_model": "a100-80gb"}, "slurm.gpu_model: 'a100-80gb' is not letters"),
        ("slurm", {"extra": "--wrap={x}"}, "slurm.extra: '--wrap={x}' are no options of sbatch"),
        ("slurm", None, "slurm: is empty: fill it in, or remove the line"),
        ("regressor.weights", "imagenet", "regressor.weights: give none, IMAGENET1K_V1, or a file"),
        ("seeds", [0, 0], "seeds: names one twice: 0, 0"),
        ("seeds", [], "seeds: name 1 or more, not 0"),
        ("inputs.I 5", {"frames": 4}, "inputs.I 5: no usable name"),
        (
            "inputs.I5",
            {"frames": 4, "copy": 2},
            "inputs.I5.copy: unknown key; did you mean copies?",
        ),
        ("targets.motility", ["progresive"], "targets.motility.0: 'progresive' is not one of"),
        ("folds.file", "folds.csv", "folds: give either `seed`"),
        ("dataset.labels", "labels.csv", "dataset: give either `simulated`, or `labels`"),
        ("results", "a{b}", "results: 'a{b}' contains { }"),
        ("results", None, "results: is empty: fill it in"),
        ("inputs", {1: {"frames": 1}}, "inputs: the key 1 is no text for YAML"),
        ("targets", {True: ["head"]}, "targets: the key True is no text for YAML"),
        ("folds.number", 2.5, "folds.number: 2.5 is not of type 'integer'"),
        ("regressor.learning_rate", float("nan"), "regressor.learning_rate: nan is not a finite"),
        ("regressor.backbone", "resnet35", "regressor.backbone: 'resnet35' is not one of"),
        ("folds.number", 1, "folds.number: 1 is less than the minimum of 2"),
    ],
)
def test_mistakes_are_explained(place, value, line):
    config = copy.deepcopy(load("config/config.yaml"))
    *path, last = place.split(".")
    section = config
    for key in path:
        section = section.setdefault(key, {})
    section[last] = value
    with pytest.raises(InputError) as error:
        check_config(config, SCHEMA)
    lines = str(error.value).splitlines()[1:]
    assert len(lines) == 1 and lines[0].strip().startswith(line), lines


def test_every_mistake_has_its_line():
    config = load("config/config.yaml")
    del config["seeds"]
    config["frames"]["size"] = -4
    config["colour"] = True
    with pytest.raises(InputError) as error:
        check_config(config, SCHEMA)
    text = str(error.value)
    assert "seeds: missing" in text and "frames.size: -4" in text and "colour: unknown" in text


def test_a_whole_number_is_the_same_in_any_form():
    config = load("config/config.yaml")
    config["frames"]["size"] = 64.0
    checked = check_config(config, SCHEMA)
    assert repr(checked["frames"]["size"]) == "64"
    assert checked == check_config(load("config/config.yaml"), SCHEMA)


def test_every_backbone_is_torchvisions():
    from torchvision import models

    names = SCHEMA["properties"]["regressor"]["properties"]["backbone"]["enum"]
    assert set(names) <= set(models.list_models(module=models))


def keys(schema, place=""):
    for name, part in schema.get("properties", {}).items():
        yield f"{place}{name}"
        yield from keys(part, f"{place}{name}.")


def test_every_key_is_explained_in_the_readme():
    import reference

    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    missing = [key for key in keys(SCHEMA) if f"| `{key}` |" not in text]
    assert not missing, "give each a description in config/schema.yaml"
    assert text == reference.rendered(text, SCHEMA), "run make reference"


def test_what_is_left_out_has_the_schemas_default():
    config = load("config/config.yaml")
    checked = check_config(config, SCHEMA)
    assert checked["inputs"]["I1"] == {"frames": 1, "copies": 1, "encoder": "autoencoder"}
    assert checked["dataset"]["motility_sum"] == {"tolerance": 1, "otherwise": "stop"}
    assert checked["frames"]["aspect"] == "squeeze" and "video_list" not in checked["dataset"]
    config["dataset"]["motility_sum"] = {"tolerance": 3}
    assert check_config(config, SCHEMA)["dataset"]["motility_sum"] == {
        "tolerance": 3,
        "otherwise": "stop",
    }
    assert check_config(checked, SCHEMA) == checked, "Snakemake hands the checked one to its jobs"


def test_an_input_type_has_only_those_settings_of_its_own_that_it_names():
    config = load("config/config.yaml")
    config["inputs"]["I1"] |= {"encoder": "pca", "regressor": {"epochs": 9.0}}
    checked = check_config(config, SCHEMA)
    assert checked["inputs"]["I1"]["regressor"] == {"epochs": 9}
    for wrong, told in (
        ({"epoch": 9}, "inputs.I1.regressor.epoch: unknown key; did you mean epochs?"),
        ({"epochs": 0}, "inputs.I1.regressor.epochs: 0 is less than the minimum of 1"),
    ):
        config["inputs"]["I1"]["regressor"] = wrong
        with pytest.raises(InputError, match=re.escape(told)):
            check_config(config, SCHEMA)


@pytest.mark.parametrize(
    "section, settings, told",
    [
        ("autoencoder", {"loss": {"difference": 1}}, "loss.difference: I1 has one frame"),
        ("autoencoder", {"variant": "variational"}, "loss.divergence: variant variational needs"),
        ("autoencoder", {"loss": {"adversarial": 1}}, "only variant adversarial has it, not stand"),
        ("autoencoder", {"loss": {"squared": 0}}, "autoencoder.loss: of I1, all terms are 0"),
        ("regressor", {"recurrent": True}, "inputs.I1.encoder: none alone"),
        ("regressor", {"together": 3}, "together: 5 (frames.clips_per_video) cannot be divided"),
    ],
)
def test_settings_that_contradict_each_other(section, settings, told):
    config = load("config/config.yaml")
    assert find_contradictions(check_config(config, SCHEMA)) == []
    whole = copy.deepcopy(config)
    whole[section] |= settings
    for changed in (whole, config):
        config["inputs"] = {"I1": {"frames": 1, section: settings}}
        found = find_contradictions(check_config(changed, SCHEMA))
        assert found and told in found[0]


def test_names_of_other_rows_are_refused():
    config = load("config/config.yaml")
    config["inputs"] = {name: {"frames": 1} for name in ("ZeroR", "median", "average", "cells")}
    config["baselines"] = ["cells"]
    found = find_contradictions(check_config(config, SCHEMA))
    assert [line.split()[1] for line in found] == ["ZeroR", "average", "cells", "median"]
    config["inputs"] = {"I1": {"frames": 1}}
    config["ensembles"] = {"I1": ["cells", "I1"], "both": ["I1", "cell"], "fine": ["cells", "I1"]}
    assert find_contradictions(check_config(config, SCHEMA)) == [
        "ensembles: I1 is another row of the tables, too: rename it",
        "ensembles.both: cell is neither among inputs nor among baselines; known here: I1, cells",
    ]
    for members, told in (
        (["cells"], "ensembles.both: name 2 or more, not 1"),
        (["cells", "cells"], "ensembles.both: names one twice: cells, cells"),
    ):
        with pytest.raises(InputError, match=told):
            check_config(config | {"ensembles": {"both": members}}, SCHEMA)
    with pytest.raises(InputError, match=r"decimal point: 18\.5"):
        check_config(config | {"tracks": {"reach": "18,5"}}, SCHEMA)
    config["ensembles"] = {}
    for name in ("I1\n", "a" * 101):
        config["inputs"] = {name: {"frames": 1}}
        with pytest.raises(InputError, match="no usable name"):
            check_config(config, SCHEMA)


def test_paths_of_cells_must_fit_into_what_is_looked_at():
    config = load("config/config.yaml") | {"baselines": ["msd"], "tracks": {"seconds": 0.9}}
    (told,) = find_contradictions(check_config(config, SCHEMA))
    assert "no path of 50 frames fits into the first 0.9 s" in told
    assert find_contradictions(check_config(config | {"tracks": {"seconds": 1}}, SCHEMA)) == []


def test_keys_that_stand_twice_are_told(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &x {b: 1}\nc: {<<: *x, b: 2}\nd:\n  - {e: 1, f: {g: 1,\n    g: 2}}\na: 3\n")
    assert find_duplicate_keys(path) == [
        f"{path}, line 5: g is there twice: leave one",
        f"{path}, line 6: a is there twice: leave one",
    ]
    path.write_text("")
    assert find_duplicate_keys(path) == [] == find_duplicate_keys(ROOT / "config/visem.yaml")


def test_a_column_of_an_unknown_name():
    config = load("config/visem.yaml")
    config["dataset"]["columns"] = {"partcipant": "No."}
    with pytest.raises(InputError, match=r"dataset.columns: 'partcipant' is not one of \['partici"):
        check_config(config, SCHEMA)


def test_places_that_a_run_would_overwrite(tmp_path):
    clone = tmp_path / "clone"
    (clone / "lab").mkdir(parents=True)
    (clone / "lab/notes").touch()

    def told(**changed):
        dataset = {"labels": str(clone / "lab/samples.csv"), "videos": "s3://lab/films"}
        made = {"results": str(clone / "results"), "dataset": dataset, "folds": {}} | changed
        return find_misplaced_paths(made, clone)

    assert told() == []
    assert "holds the pipeline itself" in told(results=str(clone))[0]
    assert "holds the pipeline itself" in told(results=str(clone / "lab/../.."))[0]
    assert "lab/notes is a file" in told(results=str(clone / "lab/notes/results"))[0]
    [line] = told(results=str(clone / "lab"))
    assert line.startswith("dataset.labels: ") and "overwritten and removed" in line
    [line] = told(folds={"number": 3, "file": str(clone / "results/folds.csv")})
    assert line.startswith("folds.file: ")


def test_tables_from_the_future(tmp_path):
    """Snakemake would remove what is made of them, as older than they are."""
    labels, split = tmp_path / "samples.csv", tmp_path / "folds.csv"
    made = {"dataset": {"labels": str(labels)}, "folds": {"file": str(split)}}
    assert find_future_tables(made) == []  # what is not there is told elsewhere
    labels.touch()
    split.touch()
    assert find_future_tables(made) == []
    os.utime(split, (4e9, 4e9))
    [line] = find_future_tables(made)
    assert line.startswith(f"folds.file: {split} has a time in the future (2096-")
