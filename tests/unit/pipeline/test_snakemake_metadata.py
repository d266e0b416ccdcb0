"""Snakemake's metadata travel with the results."""

import base64
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from motilens.pipeline.snakemake_metadata import (
    SNAKEMAKE,
    UNFINISHED,
    _kept,
    _name,
    _noted,
    find_untracked_records,
    mark_incomplete,
    mark_run,
    sync_metadata,
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def note(output, ended, **more):
    """As Snakemake does it, names longer than a file system allows included."""
    name = base64.urlsafe_b64encode(output.encode()).decode()
    parts = ["@" + name[:254], name[254:]] if len(name) > 255 else [name]
    path = SNAKEMAKE.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"endtime": ended} | more))
    return path


def test_they_go_and_come_back(place):
    ours = [note("results/a.csv", 1.0), note(f"results/{'long/' * 50}a b.csv", 1.0)]
    other = note("elsewhere/a.csv", 1.0)
    texts = [path.read_text() for path in ours]
    sync_metadata("results")
    assert (place / "results/.metadata/a.csv.json").exists()
    for path in [*ours, other]:
        path.unlink()
    sync_metadata("results")
    assert [path.read_text() for path in ours] == texts and not other.exists()


def test_the_newer_counts_on_both_sides(place):
    here = note("results/a.csv", 1.0, params=["old"])
    sync_metadata("results")
    note("results/a.csv", 2.0, params=["new"])
    sync_metadata("results")
    assert "new" in here.read_text(), "what was kept is older"
    note("results/a.csv", 1.0, params=["old"])
    sync_metadata("results")
    assert "new" in here.read_text(), "what was kept is newer"


def test_results_may_be_renamed(place):
    note("results/a.csv", 1.0, input_checksums={"results/b.csv": "1", "lab/results/c": "2"})
    sync_metadata("results")
    (place / "results").rename(place / "re-sultä")
    sync_metadata("re-sultä")
    [here] = [path for path in _noted("re-sultä")]
    assert here == "a.csv"
    record = json.loads((SNAKEMAKE / _name("re-sultä/a.csv")).read_text())
    assert record["input_checksums"] == {"re-sultä/b.csv": "1", "lab/results/c": "2"}


def test_what_is_not_snakemakes_is_left(place):
    note("results/a.csv", 1.0).with_name("notes.txt").write_text("mine")
    sync_metadata("results")
    assert [path for path in _kept("results")] == ["a.csv"]


def test_half_a_record_is_replaced(place):
    here = note("results/a.csv", 1.0)
    sync_metadata("results")
    here.write_text('{"endtime": 5')
    sync_metadata("results")
    assert json.loads(here.read_text())["endtime"] == 1.0


def test_without_results_nothing_is_kept(place):
    note("results/a.csv", 1.0)
    (place / "results").rmdir()
    sync_metadata("results")
    assert not (place / "results").exists()


def test_what_a_killed_run_was_making_is_in_doubt(place):
    here = note("results/a.csv", 1.0, params=["old"])
    sync_metadata("results")
    mark_incomplete("results", ["results/a.csv", "results/b.csv"])
    sync_metadata("results")
    assert UNFINISHED in here.read_text(), "another clone has only older metadata"

    output = place / "results/a.csv"
    output.write_text("made anew")
    note("results/a.csv", output.stat().st_mtime, params=["new"])
    sync_metadata("results")
    here.unlink()
    sync_metadata("results")
    assert "new" in here.read_text(), "the clone that goes on knows better"


def test_beside_another_run_only_what_is_missing_is_brought(place):
    here, lost = note("results/a.csv", 1.0, params=["old"]), note("results/b.csv", 1.0)
    sync_metadata("results")
    lost.unlink()
    mark_incomplete("results", ["results/a.csv", "results/c.csv"])
    sync_metadata("results", alone=False)
    assert "old" in here.read_text() and lost.exists()
    assert not (SNAKEMAKE / _name("results/c.csv")).exists()


def test_results_that_take_the_place_of_others_bring_their_own(place):
    """A copy of before, put back: what is noted here is of the results that lay there since."""
    here = note("results/a.csv", 1.0, params=["old"])
    sync_metadata("results")
    mark_run("results")
    shutil.copytree("results", "copy")
    mark_run("results")
    note("results/a.csv", 2.0, params=["new"])
    since = note("results/b.csv", 2.0)
    nobody = note("results/c.csv", 2.0)
    Path("copy/c.csv").touch()
    sync_metadata("results")
    assert "new" in here.read_text()
    shutil.rmtree("results")
    Path("copy").rename("results")
    sync_metadata("results")
    assert "old" in here.read_text() and not since.exists()
    assert UNFINISHED in nobody.read_text(), "nobody knows how it was made"
    note("results/a.csv", 3.0, params=["newest"])
    sync_metadata("results")
    assert "newest" in (place / "results/.metadata/a.csv.json").read_text(), "it is at home now"


def test_a_damaged_copy_is_a_doubt(place):
    """Without any metadata Snakemake would take the output for up to date."""
    here = note("results/a.csv", 1.0)
    sync_metadata("results")
    here.unlink()
    (place / "results/a.csv").touch()
    (place / "results/.metadata/a.csv.json").write_bytes(b"\xff\xfe")
    sync_metadata("results")
    assert UNFINISHED in here.read_text()


def test_no_file_of_results_stays_in_the_future(place):
    for name in ("old", "new"):
        (place / "results" / name).write_text("")
    os.utime("results/old", (1e9, 1e9))
    os.utime("results/new", (4e9, 4e9))
    mark_run("results")
    assert os.stat("results/old").st_mtime == 1e9
    assert os.stat("results/new").st_mtime <= time.time()


def test_results_of_which_nothing_is_noted(place):
    """Snakemake would take them for up to date."""
    assert find_untracked_records("results") == []
    record = place / "results/tables/mae.json"
    record.parent.mkdir()
    for name in ("folds.csv", "notes.json"):
        (place / "results" / name).touch()
    assert find_untracked_records("results") == [], "what somebody brought"
    record.touch()
    note("results/a.csv", 1.0)
    sync_metadata("results")
    assert find_untracked_records("results") == ["tables/mae.json"], "a copy that broke off"
    note("results/tables/mae.json", 1.0)
    sync_metadata("results")
    assert find_untracked_records("results") == []
