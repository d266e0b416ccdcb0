"""Snakemake's own records of what is finished: written as it does, and looked for where it does."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.io import _IOFile
from snakemake.persistence import RECORD_FORMAT_VERSION
from snakemake.persistence.file import FilePersistence

from motilens.core.errors import InputError
from motilens.pipeline import snakemake_metadata
from motilens.pipeline.snakemake_metadata import (
    INCOMPLETE,
    find_edited_outputs,
    metadata_path,
    record_finished,
)

DEPENDS_ON = {"settings": {"frames.size": 64, "name": "Zoë's"}, "upstream": None}
# Of more than 189 bytes, Snakemake cuts the name of the record.
PATHS = ["a", "a" * 181, "a" * 189, "a" * 190, "ä" * 127, "long folder/" * 200 + "a"]


class Job(SimpleNamespace):
    """What `FilePersistence` looks at of a job; it remembers its answers."""

    __hash__ = object.__hash__


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of results, in which Snakemake works."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(name):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).touch()


def params_changed(outputs, *params):
    """Snakemake's own answer; None where it knows nothing of an output."""
    persistence = FilePersistence()
    files = [_IOFile(name, None) for name in outputs]
    job = Job(output=files, non_derived_params=params)
    if not persistence.has_metadata(job) or persistence.has_outdated_metadata(job):
        return None
    return bool(persistence.params_changed(job))


def test_snakemake_takes_our_record_for_its_own_in_place_of_an_older_one(results):
    outputs = ["regressors/I1/model.pt", "predictions/I1.csv"]
    for name in outputs:
        touch(name)
    assert params_changed(outputs, DEPENDS_ON) is None
    record_finished(outputs, [repr(DEPENDS_ON), "7"])
    assert params_changed(outputs, DEPENDS_ON, 7) is False
    assert params_changed(outputs, DEPENDS_ON | {"upstream": "ab"}, 7) is True
    record = FilePersistence().metadata(_IOFile(outputs[0], None))
    assert record.endtime == os.stat(outputs[0]).st_mtime and not record.incomplete
    assert record.record_format_version == RECORD_FORMAT_VERSION
    touch("a.csv")
    record_finished(["a.csv"], ["{'seeds': [0]}"])
    record_finished(["a.csv"], ["{'seeds': [1]}"])
    assert params_changed(["a.csv"], {"seeds": [1]}) is False


def test_tables_and_figures_that_were_edited_are_found(results):
    outputs = ["tables/table1.md", "figures/contact_sheets/P1.png", "clips/P1.h5"]
    for name in outputs:
        touch(name)
    record_finished(outputs, ["7"])
    touch("tables/notes.txt")  # the user's own
    assert find_edited_outputs(results) == []
    for name in outputs:
        Path(name).write_text("edited")
    lines = find_edited_outputs(results)
    assert [line.split(": ")[0] for line in lines] == [f"{results}/{n}" for n in outputs[:2]]
    assert all(line.endswith("delete it and run again") for line in lines)


def test_what_outputs_depended_on_is_read_from_the_first_record(results):
    assert snakemake_metadata.read_depends_on(["a.csv", "b.csv"]) is None
    touch("b.csv")
    record_finished(["b.csv"], [repr(DEPENDS_ON)])
    assert snakemake_metadata.read_depends_on(["a.csv", "b.csv"]) == DEPENDS_ON
    record_finished(["b.csv"], [])
    assert snakemake_metadata.read_depends_on(["b.csv"]) == {}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path[0]}{len(path)}")
def test_records_of_short_and_long_paths_are_where_snakemake_looks(results, path):
    touch(path)
    record_finished([path], [repr(DEPENDS_ON)])
    assert params_changed([path], DEPENDS_ON) is False
    assert FilePersistence()._record_path(".snakemake/metadata", path) == str(metadata_path(path))


def test_results_without_metadata_or_of_an_older_version_are_refused(results):
    """Snakemake would take them for up to date."""
    for name in ("folds.csv", "notes.json", "splits/seed0.json"):
        touch(results / name)
    assert (
        snakemake_metadata.find_untracked_records(results / "none")
        == snakemake_metadata.find_untracked_records(results)
        == []
    )
    snakemake_metadata.check_results(results)
    names = ["clips/7.json", "tables/mae.json"]
    for name in names:
        touch(results / name)
    assert snakemake_metadata.find_untracked_records(results) == names
    touch(metadata_path(names[0], INCOMPLETE))  # of a killed run: Snakemake makes it again
    assert snakemake_metadata.find_untracked_records(results) == names[1:]
    with pytest.raises(InputError, match="nothing says how these were made: tables/mae.json. Copy"):
        snakemake_metadata.check_results(results)
    record_finished(names, [])
    snakemake_metadata.check_results(results)
    (results / ".metadata").mkdir()
    with pytest.raises(InputError, match="made by Motilens 0.1, .*: set `results` to another"):
        snakemake_metadata.check_results(results)


def test_no_file_of_results_stays_in_the_future(results):
    for name, seconds in (("old", 1e9), ("tables/new", 4e9)):
        touch(name)
        os.utime(name, (seconds, seconds))
    os.symlink("nowhere", "broken link")
    snakemake_metadata.clamp_future_mtimes(results)
    assert os.stat("old").st_mtime == 1e9 and os.stat("tables/new").st_mtime <= time.time()
