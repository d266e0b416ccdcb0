"""Locks of killed runs are taken away, those of living ones are not."""

import subprocess
import sys
from pathlib import Path

import pytest

from motilens.pipeline import run_locks
from motilens.pipeline.run_locks import _held, acquire_results_lock, acquire_workdir_lock

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
ENTER = "import sys; from pathlib import Path; from motilens.pipeline import run_locks as runs; "


def another(folder, then=""):
    """Another process that counts itself among the living, and says whether it is alone."""
    code = f"{ENTER} print(runs.acquire_workdir_lock(Path(sys.argv[1])), flush=True); {then}"
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=SCRIPTS, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """What a killed run leaves behind."""
    assert another(tmp_path).wait() == 0
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks/0.input.lock").write_text("results/a.csv")
    return tmp_path


def leave_all():
    while _held:
        _held.pop().close()


@pytest.fixture(autouse=True)
def leave():
    yield
    leave_all()


def test_the_lock_of_a_killed_run_is_removed(folder, capsys):
    assert acquire_workdir_lock(folder) and not (folder / "locks").exists()
    assert "its lock has been removed" in capsys.readouterr().err


def test_a_living_run_keeps_its_lock(folder):
    living = another(folder, then="sys.stdin.read()")
    assert living.stdout.readline() == "True\n"
    (folder / "locks").mkdir()
    (folder / "locks/0.input.lock").write_text("results/a.csv")
    assert not acquire_workdir_lock(folder) and (folder / "locks/0.input.lock").exists()
    leave_all()
    living.kill()
    living.wait()
    assert acquire_workdir_lock(folder) and not (folder / "locks").exists()


def test_many_may_be_alive(tmp_path):
    assert acquire_workdir_lock(tmp_path)
    others = [another(tmp_path) for _ in range(3)]
    assert [other.communicate()[0] for other in others] == ["False\n"] * 3


def test_locks_of_other_hosts_and_of_unknown_runs_are_left(folder):
    (folder / "alive").write_text("login2")
    assert acquire_workdir_lock(folder) and (folder / "locks").exists()


def test_a_file_system_without_locks(folder, monkeypatch):
    def refuse(*_):
        raise OSError("No locks available")

    monkeypatch.setattr(run_locks.fcntl, "flock", refuse)
    assert not acquire_workdir_lock(folder) and (folder / "locks").exists()
    assert acquire_results_lock(folder) is None


CLAIM = f"{ENTER} print(runs.claim(sys.argv[1]), flush=True); sys.stdin.read()"


def claiming(results, clone):
    """Another process, in a clone, that says whose the results are."""
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(results)], cwd=clone, env={"PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_results_belong_to_one_clone_as_long_as_it_runs(tmp_path, monkeypatch):
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir(), other.mkdir()
    monkeypatch.chdir(mine)
    first = claiming(tmp_path / "results", other)
    assert first.stdout.readline() == "None\n"
    second = claiming(tmp_path / "results", other)
    assert second.stdout.readline() == "None\n", "Snakemake's own locks keep them apart"
    first.kill(), first.wait()
    assert acquire_results_lock(tmp_path / "results").endswith(f":{other}")
    second.kill(), second.wait()
    assert acquire_results_lock(tmp_path / "results") is None
    third = claiming(tmp_path / "results", other)
    assert third.stdout.readline().endswith(f":{mine}\n")
    third.kill(), third.wait()


def test_it_starts_without_any_folder(tmp_path):
    assert acquire_workdir_lock(tmp_path / ".snakemake")
