"""Settings that do not fit together, and paths that would do harm."""

import os

import pytest

from motilens.pipeline import consistency
from motilens.pipeline.config import check_config
from support.configs import SCHEMA, load_config, set_key


def find(**changes):
    """The contradictions of the demo with these sections in place of its own."""
    return consistency.find_contradictions(
        check_config(load_config("config/config.yaml") | changes, SCHEMA)
    )


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


def test_names_of_other_methods_are_refused():
    names = ("ZeroR", "median", "average", "cells")
    lines = find(inputs={name: {"frames": 1} for name in names}, baselines=["cells"])
    assert [line.split()[1] for line in lines] == ["ZeroR", "average", "cells", "median"]
    ensembles = {"I1": ["cells", "I1"], "both": ["I1", "cell"], "fine": ["cells", "I1"]}
    assert find(inputs={"I1": {"frames": 1}}, baselines=["cells"], ensembles=ensembles) == [
        "ensembles: I1 is the name of another method in the tables: rename it",
        "ensembles.both: cell is neither among inputs nor among baselines; known here: I1, cells",
    ]


def test_tracks_must_fit_into_the_searched_seconds():
    [line] = find(baselines=["msd"], tracking={"duration": 0.9})
    assert "no track of 50 frames fits into the first 0.9 s (tracking.duration)" in line
    assert find(tracking={"duration": 0.9}) == [], "nobody tracks"
    assert find(baselines=["msd"], tracking={"duration": 1}) == []


@pytest.mark.parametrize("key, path, line", [
    ("results", "clone/results", None),
    ("results", "clone", "holds the pipeline itself"),
    ("results", "clone/lab/../..", "holds the pipeline itself"),
    ("results", "clone/lab/notes/results", "lab/notes is a file"),
    ("results", "clone/lab", "dataset.labels: "),
    ("folds.file", "clone/results/folds.csv", "folds.file: "),
    ("dataset.video_list", "clone/results/list.csv", "overwritten and removed"),
    ("dataset.videos", "clone/results", "dataset.videos: "),
])  # fmt: skip
def test_paths_that_a_run_would_overwrite_are_reported(tmp_path, key, path, line):
    clone = tmp_path / "clone"
    (clone / "lab").mkdir(parents=True)
    (clone / "lab/notes").touch()
    dataset = {"labels": str(clone / "lab/samples.csv"), "videos": "s3://lab/films"}
    config = {"results": str(clone / "results"), "dataset": dataset, "folds": {"number": 3}}
    lines = consistency.find_misplaced_paths(set_key(config, key, str(tmp_path / path)), clone)
    assert len(lines) == (line is not None) and all(line in text for text in lines)


def test_results_cannot_be_in_an_object_store(tmp_path):
    config = {"results": "s3://lab/results", "dataset": {}, "folds": {}}
    [line] = consistency.find_misplaced_paths(config, tmp_path)
    assert line == "results: cannot be in an object store: name a folder"


def test_tables_from_the_future_are_reported(tmp_path):
    """Snakemake would remove what is made of them, as older than they are."""
    labels, split = tmp_path / "samples.csv", tmp_path / "folds.csv"
    config = {"dataset": {"labels": str(labels)}, "folds": {"file": str(split)}}
    assert consistency.find_future_tables(config) == [], "missing files are reported elsewhere"
    labels.touch()
    split.touch()
    assert consistency.find_future_tables(config) == []
    os.utime(split, (4e9, 4e9))
    [line] = consistency.find_future_tables(config)
    assert line.startswith(f"folds.file: {split} has a time in the future (2096-")
