"""What the records of all clips tell together."""

import json

import pytest

from motilens.clips.records import (
    check_clips_differ,
    describe_run_end,
    read_clips_record,
    skip_reason,
)
from motilens.core.errors import InputError
from support.errors import assert_refused


@pytest.fixture
def write_record(tmp_path):
    def write(sample, digest, **rest):
        record = {"sample": sample, "video": f"{sample}.avi", "content_sha256": digest * 64}
        (tmp_path / f"{sample}.json").write_text(json.dumps(record | rest))
        return record | rest

    return write


def test_a_record_is_read_if_it_is_there_and_the_samples_own(tmp_path, write_record):
    assert read_clips_record(tmp_path, "1") == {} and skip_reason(tmp_path, "1") is None
    record = write_record("1", "a", skip_reason="damaged")
    assert read_clips_record(tmp_path, "1") == record
    assert skip_reason(tmp_path, "1") == "damaged"
    (tmp_path / "2.json").write_text(json.dumps(record))
    assert_refused("2.json is no record of clips of 2: delete it", read_clips_record, tmp_path, "2")
    write_record("2", "z")
    assert_refused("2.json is no record of clips of 2: delete it", read_clips_record, tmp_path, "2")


def test_two_videos_with_the_same_frames_are_reported(write_record):
    records = [write_record("1", "a"), write_record("2", "b")]
    excluded = [write_record(sample, "c", skip_reason="damaged") for sample in "34"]
    check_clips_differ([*records, *excluded, records[0]])
    with pytest.raises(InputError, match=r"samples 1 and 5 \(1.avi and 5.avi\) show the same"):
        check_clips_differ([*records, write_record("5", "a")])


def test_the_end_of_a_run_reports_what_the_user_should_know(tmp_path, write_record):
    write_record("1", "a", video_frame_rate=50.0, given_frame_rate=50.0, file_frame_rate=25.0)
    write_record("2", "b", video_frame_rate=50.5, given_frame_rate=50.5, file_frame_rate=50.0)
    assert "1 (50, not 25)." in describe_run_end(tmp_path, tmp_path, "12", True, skip=False)
    assert describe_run_end(tmp_path, tmp_path, "2", True, skip=False) == ""
    write_record("3", "c", video_frame_rate=60.0)
    write_record("4", "d", skip_reason="damaged")
    (tmp_path / "5.log").write_text("...\nERROR: 5.avi: is empty\n")
    report = describe_run_end(tmp_path, tmp_path, "2345", True, skip=False)
    assert "Videos have 50.5 to 60 frames a second" in report
    assert "2 of 4 videos could not be used:" in report
    assert "  4 was skipped: damaged\n  5 failed: 5.avi: is empty\n" in report
    assert "snakemake --keep-going clips" in report
    report = describe_run_end(tmp_path, tmp_path, "234", False, skip=True)
    assert "1 of 3 videos" in report and "frames a second" not in report
    assert "keep-going" not in report
