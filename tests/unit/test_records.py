"""Snakemake's records travel with the results."""

import base64
import json

import pytest

from motilens import records


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(target, ended, place, **more):
    name = base64.urlsafe_b64encode(target.encode()).decode()
    # As Snakemake does with names longer than a file system allows.
    parts = ["@" + name[:254], name[254:]] if len(name) > 255 else [name]
    path = place / records.SNAKEMAKE.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"endtime": ended} | more))
    return path


def test_records_go_and_come_back(place):
    ours = [write("results/a.csv", 1.0, place), write(f"results/{'long' * 60}.csv", 1.0, place)]
    other = write("elsewhere/a.csv", 1.0, place)
    texts = [path.read_text() for path in ours]
    records.keep("results")
    for path in [*ours, other]:
        path.unlink()
    records.bring_back("results")
    assert [path.read_text() for path in ours] == texts and not other.exists()


def test_the_newer_record_counts(place):
    path = write("results/a.csv", 1.0, place, params=["old"])
    records.keep("results")
    write("results/a.csv", 2.0, place, params=["new"])
    records.bring_back("results")
    assert "new" in path.read_text(), "what was kept is older"
    records.keep("results")
    write("results/a.csv", 1.0, place, params=["old"])
    records.bring_back("results")
    assert "new" in path.read_text(), "the run that was kept is newer"


def test_half_a_record_is_replaced(place):
    path = write("results/a.csv", 1.0, place)
    records.keep("results")
    path.write_text('{"endtime": 5')
    records.bring_back("results")
    assert json.loads(path.read_text())["endtime"] == 1.0


def test_nothing_to_do(place):
    records.keep("results")
    records.bring_back("results")
    assert not (place / "results").exists()


def test_what_a_killed_run_was_making_is_in_doubt(place):
    here = write("results/a.csv", 1.0, place, params=["old"])
    records.keep("results")
    records.doubt(place / "results", ["results/a.csv", "results/b.csv"])
    records.bring_back("results")
    assert records.UNFINISHED in here.read_text(), "another clone has only older records"

    output = place / "results/a.csv"
    output.write_text("made anew")
    write("results/a.csv", output.stat().st_mtime, place, params=["new"])
    records.bring_back("results")
    assert "new" in here.read_text(), "the clone that goes on knows better"
    records.keep("results")
    here.unlink()
    records.bring_back("results")
    assert "new" in here.read_text()
