"""Records are plain, and name their file where something is wrong."""

import pytest

from motilens.core import records
from motilens.core.errors import InputError


def test_the_order_of_keys_does_not_matter():
    first, second = {"b": {"d": 1, "c": (2, 3)}, "a": 1}, {"a": 1, "b": {"c": [2, 3], "d": 1}}
    assert repr(records.to_plain(first)) == repr(records.to_plain(second))
    assert records.short_digest(first) == records.short_digest(second) != records.short_digest({})


def test_settings_of_one_input_type_replace_the_others():
    settings = {"epochs": 5, "loss": {"mse": 1, "ssim": 0}, "weights": "none"}
    merged = records.deep_merge(settings, {"loss": {"ssim": 2}, "weights": {"file": "a"}})
    assert merged == {"epochs": 5, "loss": {"mse": 1, "ssim": 2}, "weights": {"file": "a"}}
    assert settings["loss"] == {"mse": 1, "ssim": 0}


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = str(tmp_path / "run.json")
    records.write_record(path, {"seconds": 1.5})
    assert records.read_record(path) == {"seconds": 1.5}
    with pytest.raises(InputError, match="run.json lacks 'device' .*: delete it and run again"):
        records.read_record(path)["device"]


@pytest.mark.parametrize(
    "content, message", [('{"input": ', "cannot be read"), ("[]", "cannot be read .*no object")]
)
def test_a_damaged_record_is_named(tmp_path, content, message):
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(InputError, match=f"model.json {message}"):
        records.read_record(str(tmp_path / "model.json"))


def test_provenance_is_plain_and_names_versions():
    provenance = records.make_provenance({"step.py": "abc"}, {"size": 64})
    assert provenance["settings"] == {"size": 64} and provenance["code"] == {"step.py": "abc"}
    assert provenance["libraries"]["torch"].startswith("2.")
