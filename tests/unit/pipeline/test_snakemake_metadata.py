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
    find_changed_outputs,
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


@pytest.mark.parametrize("change", [
    lambda data: b"", lambda data: data[:-1], lambda data: data + b"\n",
    lambda data: b"7" + data[1:], lambda data: bytes(len(data)),
])  # fmt: skip
def test_outputs_that_were_emptied_cut_off_or_edited_are_reported(results, change):
    outputs = ["samples.csv", "clips/index/all.csv", "tables/table1.md", "predictions/I1/fold1.csv",
               "tracks/P1.csv.gz", "clips/P1.json"]  # fmt: skip
    for name in outputs:
        touch(name)
        Path(name).write_text("sample,participant\n1,1\n")
    record_finished(outputs, ["7"])
    touch("tables/notes.txt")  # the user's own
    snakemake_metadata.check_results(results)
    for name in outputs:
        Path(name).write_bytes(change(Path(name).read_bytes()))
    assert find_changed_outputs(results) == sorted(outputs)
    with pytest.raises(InputError, match="changed or cut off since they were made: clips/P1.json"):
        snakemake_metadata.check_results(results)
    touch(metadata_path("samples.csv", INCOMPLETE))  # a killed step: Snakemake makes it again
    for name in outputs[1:]:
        Path(name).unlink()  # and what is gone
    snakemake_metadata.check_results(results)


def test_of_a_big_output_the_size_counts(results):
    Path("clips").mkdir()
    Path("clips/P1.h5").write_bytes(bytes(100_000))
    record_finished(["clips/P1.h5"], ["7"])
    assert find_changed_outputs(results) == []
    Path("clips/P1.h5").write_bytes(bytes(99_999))
    assert find_changed_outputs(results) == ["clips/P1.h5"]


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
    for name in ("notes.csv", "notes.json", "splits/seed0.json"):
        touch(results / name)
    assert (
        snakemake_metadata.find_untracked_records(results / "none")
        == snakemake_metadata.find_untracked_records(results)
        == []
    )
    snakemake_metadata.check_results(results)
    names = ["clips/7.json", "tables/mae.json", "samples.csv", "folds.csv"]
    for name in names:
        touch(results / name)
    assert snakemake_metadata.find_untracked_records(results) == names
    touch(metadata_path(names[0], INCOMPLETE))  # of a killed run: Snakemake makes it again
    assert snakemake_metadata.find_untracked_records(results) == names[1:]
    with pytest.raises(
        InputError, match="nothing says how these were made: tables/mae.json, samples"
    ):
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
