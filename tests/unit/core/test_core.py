"""Files are written whole or not at all; records are plain; names and errors are for people."""

import os
import pickle
import subprocess

import pytest

from motilens.core import records
from motilens.core.errors import InputError
from motilens.core.files import atomic_write, is_process_alive, process_identity
from motilens.core.text import describe_error, natural_sorted, shorten_list, to_printable
from support.errors import assert_refused


@pytest.fixture
def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with pytest.raises(KeyError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert list(path.parent.iterdir()) == []
    with atomic_write(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists() and temporary.suffix == ".csv"
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]
    with pytest.raises(KeyError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "whole", "a failure keeps what is there"


@pytest.mark.parametrize("name", ["a" * 255, f"{'a' * 251}.csv", "µ" * 127])
def test_a_file_may_have_the_longest_name(tmp_path, name):
    with atomic_write(tmp_path / name) as temporary:
        temporary.write_text("whole")
    assert os.listdir(tmp_path) == [name]


def test_only_temporary_files_of_dead_processes_of_this_host_are_removed(tmp_path, dead_pid):
    """Two processes may write into one folder."""
    dead, alive = (tmp_path / f".a.csv.{pid}.part.csv" for pid in (dead_pid, os.getppid()))
    for half in (dead, alive):
        half.write_text("half")
    with atomic_write(tmp_path / "a.csv") as temporary:
        temporary.write_text("whole")
    assert alive.exists() and not dead.exists()
    assert is_process_alive(process_identity()) and is_process_alive(None)
    assert not is_process_alive(process_identity(dead_pid))
    assert is_process_alive(f"{dead_pid} pid:[1]")


def test_records_are_plain_in_any_order_and_settings_merged_section_by_section():
    first, second = {"b": {"d": 1, "c": (2, 3)}, "a": 1}, {"a": 1, "b": {"c": [2, 3], "d": 1}}
    assert repr(records.to_plain(first)) == repr(records.to_plain(second))
    assert records.short_digest(first) == records.short_digest(second) != records.short_digest({})
    settings = {"epochs": 5, "loss": {"mse": 1, "ssim": 0}, "weights": "none"}
    merged = records.deep_merge(settings, {"loss": {"ssim": 2}, "weights": {"file": "a"}})
    assert merged == {"epochs": 5, "loss": {"mse": 1, "ssim": 2}, "weights": {"file": "a"}}
    assert settings["loss"] == {"mse": 1, "ssim": 0}
    provenance = records.make_provenance({"step.py": "abc"}, {"size": 64})
    assert provenance["settings"] == {"size": 64} and provenance["code"] == {"step.py": "abc"}
    assert provenance["libraries"]["torch"].startswith("2.")


def test_a_record_is_read_as_it_was_written_or_its_file_named(tmp_path):
    path = str(tmp_path / "run.json")
    records.write_record(path, {"seconds": 1.5})
    assert records.read_record(path) == {"seconds": 1.5}
    with pytest.raises(InputError, match="run.json lacks 'device' .*: delete it and run again"):
        records.read_record(path)["device"]
    written = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(" ".join(written.split()))  # layout does not count
    assert records.read_record(path) == {"seconds": 1.5}
    edited = written.replace("1.5", '"long"'), written.replace('"seconds"', '"hours"')
    cases = [('{"input": ', ""), ("[]", ".*no object")] + [
        (text, ".*was edited") for text in edited
    ]
    for content, problem in cases:
        (tmp_path / "run.json").write_text(content)
        assert_refused(f"run.json cannot be read {problem}", records.read_record, path)


def test_names_lists_and_errors_are_written_for_people():
    assert natural_sorted(["I10", "I2", "A", "I1b", "I1"]) == ["A", "I1", "I1b", "I2", "I10"]
    assert shorten_list("abcdefgh") == "a, b, c, d, e, f, g, h"
    assert shorten_list("abcdefghij") == "a, b, c, d, e, f, g, h and 2 more"
    errors = ValueError("wrong\n  twice"), ValueError(), pickle.UnpicklingError("Weights only ...")
    lines = ["wrong twice", "ValueError", "it does not hold tensors alone"]
    assert list(map(describe_error, errors)) == lines
    name = os.fsdecode(b"lat\xe9in.avi")
    assert to_printable(name) == "lat\\xe9in.avi" and to_printable("süß") == "süß"
    assert to_printable("a\nb\u2028c\x85.avi") == "a\\nb\\u2028c\\x85.avi"
    assert to_printable("P1\u202eiva.mp4") == "P1\\u202eiva.mp4"
