"""Params are plain, sorted, and hold what counts and nothing else."""

import json

import pytest

from motilens.core.errors import InputError
from motilens.core.records import deep_merge, to_plain
from motilens.core.text import natural_sorted
from motilens.pipeline.params import clips_content, select_settings


def test_names_in_the_order_people_count():
    assert natural_sorted(["I10", "I2", "A", "I1b", "I1"]) == ["A", "I1", "I1b", "I2", "I10"]


def test_the_order_of_keys_does_not_matter():
    first, second = {"b": {"d": 1, "c": (2, 3)}, "a": 1}, {"a": 1, "b": {"c": [2, 3], "d": 1}}
    assert repr(to_plain(first)) == repr(to_plain(second))


def test_parts_of_a_configuration():
    config = {"frames": {"size": 64, "clips": 5}, "inputs": {"I1": {"frames": 1}}, "seeds": [0]}
    assert select_settings(config, "inputs.I1", "frames.size", clip_length=18) == {
        "inputs.I1": {"frames": 1}, "frames.size": 64, "clip_length": 18,
    }  # fmt: skip


def test_settings_of_one_input_type_take_the_place_of_the_others():
    settings = {"epochs": 5, "loss": {"squared": 1, "ssim": 0}, "weights": "none"}
    changed = deep_merge(settings, {"loss": {"ssim": 2}, "weights": {"file": "a"}})
    assert changed == {
        "epochs": 5, "loss": {"squared": 1, "ssim": 2}, "weights": {"file": "a"},
    }  # fmt: skip
    assert settings["loss"] == {"squared": 1, "ssim": 0}


def test_content_is_the_digest_and_the_labels_that_count(tmp_path):
    (tmp_path / "frames").mkdir()
    record = tmp_path / "frames/7.json"
    record.write_text(json.dumps({"content_sha256": "a" * 64, "sample": "7"}))
    rows = {
        "7": {"participant": "7", "head": 90.0, "tail": 10.0, "fold": 1},
        "7+2": {"participant": "7", "head": 80.0, "tail": 20.0},
        "8": {"participant": "8", "head": 70.0},
    }
    left_out = json.dumps({"content_sha256": "c" * 64, "sample": "8", "problem": "damaged"})
    (tmp_path / "frames/8.json").write_text(left_out)

    def content():
        return clips_content(str(tmp_path), "training", ["7", "7+2", "8"], rows, ["head"])

    assert content() == {
        "training": {
            "7": {"participant": "7", "frames": "a" * 16, "head": 90.0},
            "7+2": {"participant": "7", "frames": None, "head": 80.0},
        }
    }
    record.write_text(json.dumps({"content_sha256": "b" * 64, "sample": "7"}))
    assert content()["training"]["7"]["frames"] == "b" * 16
    for damaged, told in (
        ("{", "7.json cannot be read"),
        ("{}", "7.json is no record of clips of 7"),
        (json.dumps({"content_sha256": None, "sample": "7"}), "7.json is no record"),
        (json.dumps({"content_sha256": "b" * 64, "sample": "8"}), "7.json is no record"),
    ):
        record.write_text(damaged)
        with pytest.raises(InputError, match=told):
            content()
