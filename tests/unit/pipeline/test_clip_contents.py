"""What models depend on of each sample: the digest of its clips and the labels that count."""

from types import SimpleNamespace

import pytest

from motilens.core.records import write_record
from motilens.pipeline.dependencies import Dependencies
from support.errors import assert_refused

ROWS = {
    "7": {"participant": "7", "head": 90.0, "tail": 10.0, "fold": 1},
    "7+2": {"participant": "7", "head": 80.0, "tail": 20.0, "fold": 1},
    "8": {"participant": "8", "head": 70.0, "fold": 2},
}
CLIPS = {"sample": "7", "content_sha256": "a" * 64}


@pytest.fixture
def dependencies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Dependencies(SimpleNamespace(rows=ROWS, config={}), tmp_path, tmp_path)


def test_contents_are_digests_and_labels(dependencies):
    write_record("clips/7.json", CLIPS)
    write_record("clips/8.json", CLIPS | {"sample": "8", "skip_reason": "damaged"})
    assert dependencies.clip_contents(ROWS, ["head"]) == {
        "7": {"participant": "7", "clips": "a" * 16, "head": 90.0},
        "7+2": {"participant": "7", "clips": None, "head": 80.0},
    }
    write_record("clips/7.json", CLIPS | {"content_sha256": "b" * 64})
    assert dependencies.clip_contents(["7"]) == {"7": {"participant": "7", "clips": "b" * 16}}


@pytest.mark.parametrize(
    "change", [{"content_sha256": None}, {"content_sha256": "a"}, {"sample": "8"}]
)
def test_a_record_of_something_else_is_refused(dependencies, change):
    write_record("clips/7.json", CLIPS | change)
    assert_refused("7.json is no record of clips of 7", dependencies.clip_contents, ["7"])
