"""Locks of killed runs are taken away, those of living ones are not."""

import socket
import subprocess
import sys

import psutil
import pytest

from motilens import runs


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks/0.input.lock").write_text("results/a.csv")
    (tmp_path / "runs").mkdir()
    return tmp_path


def note(folder, pid, started, host=None):
    path = folder / "runs" / f"{host or socket.gethostname()}-{pid}"
    path.write_text(str(started))
    return path


def locked(folder):
    runs.enter(folder)
    return (folder / "locks").exists()


@pytest.fixture
def dead():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_of_a_killed_run_is_removed(folder, dead, capsys):
    path = note(folder, dead, 1.0)
    assert not locked(folder) and not path.exists()
    assert "its lock has been removed" in capsys.readouterr().err


def test_a_living_run_keeps_its_lock_whoever_else_died(folder, dead):
    note(folder, dead, 1.0)
    parent = psutil.Process().parent()
    note(folder, parent.pid, parent.create_time())
    assert locked(folder)


def test_another_process_with_the_same_number_is_another(folder):
    note(folder, psutil.Process().parent().pid, 1.0)
    assert not locked(folder)


def test_runs_on_other_hosts_and_unknown_locks_are_left(folder, dead):
    assert locked(folder), "nobody knows whose lock this is"
    note(folder, dead, 1.0)
    note(folder, 1, 1.0, host="login2")
    assert locked(folder)


def test_it_starts_without_any_folder(tmp_path):
    runs.enter(tmp_path / ".snakemake")
    [path] = (tmp_path / ".snakemake/runs").iterdir()
    assert path.read_text() == str(psutil.Process().create_time())
