"""Files are written whole or not at all."""

import os
import subprocess

import pytest

from motilens.core.files import atomic_write, is_process_alive, process_identity


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


def test_only_temporary_files_of_dead_processes_are_removed(tmp_path, dead_pid):
    """Two processes may write into one folder."""
    dead, alive = (tmp_path / f".a.csv.{pid}.part.csv" for pid in (dead_pid, os.getppid()))
    for half in (dead, alive):
        half.write_text("half")
    with atomic_write(tmp_path / "a.csv") as temporary:
        temporary.write_text("whole")
    assert alive.exists() and not dead.exists()


def test_a_process_of_another_namespace_counts_as_alive(dead_pid):
    assert is_process_alive(process_identity()) and is_process_alive(None)
    assert not is_process_alive(process_identity(dead_pid))
    assert is_process_alive(f"{dead_pid} pid:[1]")
