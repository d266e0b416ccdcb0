"""Our configurations pass; mistakes, contradictions and old names get one clear line each."""

import os
import re

import pytest
from generate_tables import CONFIG_PAGE, render_config

from motilens.core.errors import InputError
from motilens.core.records import deep_merge
from motilens.pipeline import consistency
from motilens.pipeline.config import check_config, find_misread_parts, read_config_files
from motilens.pipeline.consistency import find_contradictions
from motilens.pipeline.renamed_keys import RENAMED_KEYS, RENAMED_VALUES
from support.configs import ROOT, SCHEMA, key_paths, load_config, set_key
from support.errors import assert_refused

DEMO = "config/config.yaml"
COMPLETE = [f"config/{name}.yaml" for name in ("config", "own", "study", "visem", "visem_tracking")]
COMPLETE += [f"benchmarks/study_{name}.yaml" for name in ("64", "256", "cpu", "others")]


BAD_PATHS = (
    "~", "~/x", "~me/x", "$HOME/x", "${HOME}/x", "/data/$USER/x", "x_$(date)", "%USERPROFILE%/x",
    "/data/%USER%", "C:\\data\\x", "a<b", "a\nb",
)  # fmt: skip
GOOD_PATHS = ("50% diluted/50% pure", "5$ microscope", "s3://bucket/%C3%A9t%C3%A9", "a~", "C$/x")


def list_errors(config):
    with pytest.raises(InputError, match="the configuration cannot be used") as error:
        check_config(config, SCHEMA)
    return str(error.value).split("\n  ")[1:]


@pytest.mark.parametrize("name", [*COMPLETE, "tests/support/tiny.yaml"])
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
    ("autoencoder.epochs", "5", "'5' is not of type 'integer' (it is text: "),
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
    ("seeds", [0, 0], "names one twice: 0, 0"), ("seeds", [], "name 1 or more, not 0"),
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
    ("results", "a{b}", "'a{b}' contains { }"), ("results", None, "is empty: fill it in"),
    *(("results", path, f"{path!r} contains {{ }}") for path in BAD_PATHS),
    ("inputs", {1: {"frames": 1}}, "the key 1 is no text for YAML"),
    ("targets", {True: ["head"]}, "the key True is no text for YAML"),
    ("frames", {"size": 64, "frame_rate": 49, 9: None}, ",9: a decimal comma?"),
])  # fmt: skip
def test_mistakes_are_explained(key, value, line):
    [error] = list_errors(set_key(load_config(DEMO), key, value))
    assert error.startswith((f"{key}: {line}", f"{key}{line}"))


@pytest.mark.parametrize("path", GOOD_PATHS)
def test_signs_that_no_shell_would_replace_may_be_in_paths(path):
    check_config(set_key(load_config("config/visem.yaml"), "dataset.videos", path), SCHEMA)


@pytest.mark.parametrize("path", ["~/x", "$HOME/x", "%TEMP%/x"])
def test_every_path_is_checked(path):
    config = load_config("config/visem.yaml")
    keys = ["results", "dataset.labels", "dataset.videos", "dataset.video_list", "folds.file"]
    keys += ["dataset.archive.path", "regressor.weights.file"]
    config["folds"] = {"number": 3}
    config["regressor"]["weights"] = {"sha256": "0" * 64}
    for key in keys:
        set_key(config, key, path)
    named = [line.partition(":")[0] for line in list_errors(config)]
    assert {name.removesuffix(".file") for name in named} == {k.removesuffix(".file") for k in keys}


@pytest.mark.parametrize("content, problem", [
    (None, ": No such file or directory: name a configuration .*put targets before it"),
    (b"a: 1\nb: M\xfcnchen\n", ", line 2: is not UTF-8: save the file as UTF-8"),
    ("a: 1".encode("utf-16"), ", line 1: is not UTF-8"),
    (b"a:\n\tb: 1", ", line 2: is not YAML .*: look for a tab"),
    (b"a: [1", ", line 1: is not YAML"), (b"a: b: c", ", line 1: is not YAML"),
    (b"a: \x00", ": is not YAML"), (b"a: !!python/name:os.system", ", line 1: is not YAML"),
    (b"", ": is no configuration: it holds no"), (b"results", ": is no configuration"),
    (b"- 1", ": is no configuration"),
])  # fmt: skip
def test_a_file_that_is_no_configuration_is_named(tmp_path, content, problem):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    assert_refused(f"mine.yaml{problem}", read_config_files, [path])


def test_files_are_merged_in_their_order_and_may_be_json(tmp_path):
    first, second = tmp_path / "first.json", tmp_path / "second.yaml"
    first.write_text('{\n\t"a": {"b": 1, "c": 2}, "d": [1]\n}')
    second.write_bytes("\ufeffa: {c: 3}\n".encode())
    assert read_config_files([first, second]) == {"a": {"b": 1, "c": 3}, "d": [1]}
    assert find_misread_parts(first.read_text(), first) == []


def test_every_mistake_has_its_line():
    config = set_key(load_config("config/visem.yaml"), "dataset.columns", {"partcipant": "No."})
    [error] = list_errors(config)
    assert error.startswith("dataset.columns: 'partcipant' is not one of ['partici")
    config = set_key(load_config(DEMO), "frames.size", -4) | {"color": True}
    del config["seeds"]
    errors = "\n".join(list_errors(config))
    assert "seeds: missing" in errors and "frames.size: -4" in errors and "color: unknown" in errors


@pytest.mark.parametrize("key, value, question", [
    ("regressor.backbone", "resnet_34", " (is it 'resnet34'?)"),
    ("regressor.backbone", "resnet35", ""),
    ("targets.motility", ["progresive"], " (is it 'progressive'?)"),
    ("dataset.columns", {"partcipant": "No."}, " (is it 'participant'?)"),
    ("inputs.I1.encoder", "nonee", " (is it 'none'?)"),
    ("compute.channels_last", "True", ""), ("compute.device", 7, ""),
])  # fmt: skip
def test_a_misspelled_value_is_asked_about(key, value, question):
    [error] = list_errors(set_key(load_config("config/visem.yaml"), key, value))
    assert error.partition("]")[2] == question


def test_whole_numbers_and_defaults_are_filled_in():
    config, of_demo = load_config(DEMO), check_config(load_config(DEMO), SCHEMA)
    checked = check_config(set_key(load_config(DEMO), "frames.size", 64.0), SCHEMA)
    assert repr(checked["frames"]["size"]) == "64" and checked == of_demo
    assert checked["inputs"]["I1"] == {"frames": 1, "repeats": 1, "encoder": "autoencoder"}
    assert checked["dataset"]["motility_sum"] == {"tolerance": 1, "on_mismatch": "error"}
    assert checked["frames"]["resize_mode"] == "stretch" and "video_list" not in checked["dataset"]
    assert check_config(checked, SCHEMA) == checked, "Snakemake hands the checked one to its jobs"
    set_key(config, "dataset.motility_sum", {"tolerance": 3})
    config["inputs"]["I1"] |= {"encoder": "pca", "regressor": {"epochs": 9.0}}
    checked = check_config(config, SCHEMA)
    assert checked["dataset"]["motility_sum"] == {"tolerance": 3, "on_mismatch": "error"}
    assert checked["inputs"]["I1"]["regressor"] == {"epochs": 9}, "only what it names"


def test_keys_that_stand_twice_are_reported():
    text = "a: &x {b: 1}\nc: {<<: *x, b: 2}\nd:\n  - {e: 1, f: {g: 1,\n    g: 2}}\na: 3\n"
    lines = [f"A, line {k}: {key} is there twice: keep one" for k, key in ((5, "g"), (6, "a"))]
    assert find_misread_parts(text, "A") == lines
    assert find_misread_parts("", "A") == []
    assert find_misread_parts((ROOT / "config/visem.yaml").read_text("utf-8"), "A") == []


def test_numbers_that_yaml_reads_in_another_way_are_reported():
    texts = {"010": 8, "0x10": 16, "1:30": 90, "0b1": 1, "1_000": 1000, "1:30.5": 90.5, "-010": -8,
             "1_0.5": 10.5}  # fmt: skip
    for text, number in texts.items():
        [line] = find_misread_parts(f"a: 1\nb: [{text}]", "my.yaml")
        assert line.startswith(f"my.yaml, line 2: YAML reads {text} as {number}: write it as a pl")
    plain = "[0, 10, -3, +4, 0.5, .5, 1., 010.5, 2.0e-3, 1.0E+4, .inf, -.Inf, .NaN, '010', 1:60, x]"
    assert find_misread_parts(plain, "A") == []


def test_every_backbone_is_torchvisions_and_every_key_is_explained():
    from torchvision import models

    names = SCHEMA["properties"]["regressor"]["properties"]["backbone"]["enum"]
    assert set(names) <= set(models.list_models(module=models))
    page = CONFIG_PAGE.read_text(encoding="utf-8")
    named = [key for key, _ in key_paths(SCHEMA) if not key.endswith("NAME")]
    missing = [key for key in named if f"`{key}`" not in page]
    assert not missing, "give each a description in config/schema.yaml"
    assert page == render_config(page), "write it again: make tables"


def find(**changes):
    """The contradictions of the demo with these sections in place of its own."""
    config = check_config(load_config(DEMO) | changes, SCHEMA)
    return consistency.find_contradictions(config)


@pytest.mark.parametrize("frames, lines", [(1, 1), (3, 0), (4, 1)])
def test_colors_of_imagenet_need_three_channels(frames, lines):
    own = {"frames": frames, "regressor": {"input_normalization": "imagenet"}}
    found = find(inputs={"I1": own | {"encoder": "none"}})
    assert len(found) == lines and all("is for three channels, and I1 has" in f for f in found)
    assert find(inputs={"I1": own}) == []


@pytest.mark.parametrize("section, settings, line", [
    ("autoencoder", {"loss": {"frame_difference": 1}}, "frame_difference: I1 has one frame"),
    ("autoencoder", {"variant": "variational"}, "loss.kl: variant variational needs it"),
    ("autoencoder", {"variant": "adversarial"}, "adversarial: variant adversarial needs it"),
    ("autoencoder", {"loss": {"adversarial": 1}}, "only variant adversarial has it, not stand"),
    ("autoencoder", {"loss": {"mse": 0}}, "autoencoder.loss: all terms of I1 are 0"),
    ("regressor", {"recurrent": True}, "inputs.I1.encoder: none only"),
    ("regressor", {"bag_size": 3}, "bag_size: 5 (frames.clips_per_video) cannot be divided"),
])  # fmt: skip
def test_settings_that_contradict_each_other_are_reported(section, settings, line):
    inputs = {"I1": {"frames": 1}}
    assert find(inputs=inputs) == []
    changed = load_config("config/config.yaml")[section] | settings
    of_all = find(inputs=inputs, **{section: changed})
    of_one = find(inputs={"I1": {"frames": 1, section: settings}})
    assert of_all == of_one and len(of_all) == 1 and line in of_all[0]


def test_names_of_methods_and_lengths_of_tracks_must_be_possible():
    names = ("ZeroR", "median", "average", "cells")
    lines = find(inputs={name: {"frames": 1} for name in names}, baselines=["cells"])
    assert [line.split()[1] for line in lines] == ["ZeroR", "average", "cells", "median"]
    ensembles = {"I1": ["cells", "I1"], "both": ["I1", "cell"], "fine": ["cells", "I1"]}
    assert find(inputs={"I1": {"frames": 1}}, baselines=["cells"], ensembles=ensembles) == [
        "ensembles: I1 is the name of another method in the tables: rename it",
        "ensembles.both: cell is not among inputs, baselines or external; known here: I1, cells",
    ]
    external = {"I1": "a", "msd": "b", "median": "c", "mix": "d", "fine": "e"}
    both = {"mix": ["fine", "I1"]}
    lines = find(inputs={"I1": {"frames": 1}}, baselines=["msd"], external=external, ensembles=both)
    assert [line.split()[:2] for line in lines] == [
        ["external:", name] for name in ("I1", "median", "mix", "msd")
    ]
    assert (
        find(inputs={})
        == find(inputs={}, external={"fine": "e"})
        == find(inputs={}, baselines=["msd"])
        == []
    )
    [line] = find(baselines=["msd"], tracking={"duration": 0.9})
    assert "no track of 1 s fits into the first 0.9 s (tracking.duration)" in line
    assert find(tracking={"duration": 0.9}) == [], "nobody tracks"
    assert find(baselines=["msd"], tracking={"duration": 1}) == []


@pytest.mark.parametrize("name, hint", [
    ("I5", ""), ("i4", " (is it 'I4'?)"), ("zeroR", " (is it 'ZeroR'?)"), ("average", ""),
    ("cell", " (is it 'cells'?)"), ("mine2", ""), ("motility", ""),
])  # fmt: skip
def test_a_reference_that_is_no_method_is_reported_with_all_that_are(name, hint):
    others = {"baselines": ["cells"], "external": {"mine": "a"}, "ensembles": {"mix": ["I4", "I1"]}}
    for known in ("I4", "ZeroR", "median", "cells", "mine", "mix"):
        assert find(reference=known, **others) == []
    methods = "ZeroR, median, I1, I2, I3, I4, cells, mine, mix"
    line = f"reference: {name} is no method of this configuration{hint}; its methods: {methods}"
    assert find(reference=name, **others) == [line]


@pytest.mark.parametrize("value, line", [
    ("", "reference: '' should be non-empty"), (None, "reference: is empty: fill it in"),
    (["I4"], "reference: ['I4'] is not of type 'string'"), (4, "reference: 4 is not of type"),
])  # fmt: skip
def test_a_reference_is_one_name(value, line):
    [found] = list_errors(load_config(DEMO) | {"reference": value})
    assert found.startswith(line)


@pytest.mark.parametrize("key, path, line", [
    ("results", "clone/results", None), ("results", "clone", "holds the pipeline itself"),
    ("results", "clone/lab/../..", "holds the pipeline itself"),
    ("results", "clone/lab/notes/results", "lab/notes is a file"),
    ("results", "clone/lab", "dataset.labels: "),
    ("results", "clone/workflow", "is a part of the pipeline"),
    ("results", "clone/config/mine", "is a part of the pipeline"),
    ("results", "clone/.git", "is a part of the pipeline"),
    ("folds.file", "clone/results/folds.csv", "folds.file: "),
    ("dataset.video_list", "clone/results/list.csv", "overwritten and removed"),
    ("dataset.videos", "clone/results", "dataset.videos: "),
    ("external.old", "clone/results/predictions/I4", "external.old: "),
])  # fmt: skip
def test_paths_that_a_run_would_overwrite_are_reported(tmp_path, key, path, line):
    clone = tmp_path / "clone"
    (clone / "lab").mkdir(parents=True)
    (clone / "lab/notes").touch()
    dataset = {"labels": str(clone / "lab/samples.csv"), "videos": "s3://lab/films"}
    config = {"results": str(clone / "results"), "dataset": dataset, "folds": {"number": 3}}
    lines = consistency.find_misplaced_paths(set_key(config, key, str(tmp_path / path)), clone)
    assert len(lines) == (line is not None) and all(line in text for text in lines)


def test_videos_in_the_folder_of_results_are_reported(tmp_path):
    videos = [tmp_path / "lab/1.avi", tmp_path / "results/2.avi"]
    [line] = consistency.find_misplaced_videos(videos, tmp_path / "results")
    assert "results/2.avi: name another folder" in line and "1.avi" not in line
    assert consistency.find_misplaced_videos(videos, tmp_path / "others") == []


def test_results_in_an_object_store_and_tables_from_the_future_are_reported(tmp_path):
    config = {"results": "s3://lab/results", "dataset": {}, "folds": {}}
    [line] = consistency.find_misplaced_paths(config, tmp_path)
    assert line == "results: cannot be in an object store: name a folder"
    # Snakemake would remove what is made of them, as older than they are.
    labels, split = tmp_path / "samples.csv", tmp_path / "folds.csv"
    config = {"dataset": {"labels": str(labels)}, "folds": {"file": str(split)}}
    assert consistency.find_future_tables(config) == [], "missing files are reported elsewhere"
    labels.touch()
    split.touch()
    assert consistency.find_future_tables(config) == []
    os.utime(split, (4e9, 4e9))
    [line] = consistency.find_future_tables(config)
    assert line.startswith(f"folds.file: {split} has a time in the future (2096-")


NEW_KEYS = dict(key_paths(SCHEMA))
OLD_VALUES = [
    (key, old, new)
    for name, values in RENAMED_VALUES.items()
    for key, part in NEW_KEYS.items()
    for old, new in values.items()
    if key.rpartition(".")[2] == name and "enum" in part
]


def old_places():
    """Yield each old key where it was, and its new name."""
    for key, new in RENAMED_KEYS.items():
        yield from [(key, new)] * (key != "copies")
        if key.startswith(("autoencoder.", "regressor.", "copies")):
            yield f"inputs.I1.{key}", new


def list_new_keys(new):
    """The full names of all keys that a message names."""
    keys, _, parts = new.partition(" (")
    inside = [f"{keys}.{name}" for name in re.findall(r": (\w+)", parts)]
    return keys.split(" and ") + inside


def only_error(key, value):
    [line] = list_errors(set_key(load_config("config/visem.yaml"), key, value))  # has an archive
    return line


@pytest.mark.parametrize("key, new", list(old_places()))
def test_each_old_key_has_a_line_with_its_new_name(key, new):
    name = f"was renamed {new}" if new else "was removed, see docs/reference/migration.md"
    assert only_error(key, {"any": "value"}) == f"{key}: {name}"


@pytest.mark.parametrize("key, old, new", OLD_VALUES)
def test_each_old_value_has_a_line_with_its_new_name(key, old, new):
    assert only_error(key, old) == f"{key}: {old} was renamed {new}"
    assert new in NEW_KEYS[key]["enum"] and old not in NEW_KEYS[key]["enum"]


def test_new_names_are_keys_and_old_names_are_not():
    error = only_error("regressor.loss", ["squared"])
    assert error.startswith("regressor.loss: ['squared'] is not")
    new = {key for names in RENAMED_KEYS.values() if names for key in list_new_keys(names)}
    assert len(new) > len(RENAMED_KEYS)
    assert new - {"repeats"} <= NEW_KEYS.keys() and "inputs.NAME.repeats" in NEW_KEYS
    old = {key.replace("inputs.I1", "inputs.NAME") for key, _ in old_places()}
    assert not NEW_KEYS.keys() & old
    assert {key.rpartition(".")[2] for key, _, _ in OLD_VALUES} == RENAMED_VALUES.keys()
