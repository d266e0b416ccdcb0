"""Files of videos: identified by their content; names in object stores."""

from pathlib import Path

import pytest

from motilens.dataset import video_files
from motilens.dataset.issues import Issues
from motilens.dataset.video_files import (
    find_unlisted_videos,
    list_numbered_videos,
    resolve_video_paths,
)
from motilens.video import fingerprints
from support.errors import assert_refused


def test_a_fingerprint_is_of_the_content(tmp_path):
    def fingerprint(name, content):
        (tmp_path / name).write_bytes(content)
        return fingerprints.fingerprint_file(str(tmp_path / name))

    content = bytes(range(256)) * 20_000
    assert fingerprint("1.avi", content) == fingerprint("2.avi", content)
    contents = (content, content[:-1], b"x" + content[1:], content[:-1] + b"x", content + b"x",
                content.replace(b"\x07", b"\x08"), b"", b"short")  # fmt: skip
    assert len({fingerprint("2.avi", changed) for changed in contents}) == 8
    assert_refused("3.avi: cannot be read", fingerprints.fingerprint_file, str(tmp_path / "3.avi"))


def test_equal_fingerprints_do_not_make_files_identical_nor_does_being_empty(tmp_path):
    """Two recordings in raw gray may differ in less than the fingerprint sees."""
    content = bytearray(10_000_000)
    for name, place in (("1.avi", 40_000), ("2.avi", 41_000), ("3.avi", 40_000)):
        content[place] = 1
        (tmp_path / name).write_bytes(content)
        content[place] = 0
    paths = [str(tmp_path / f"{k}.avi") for k in (1, 2, 3)]
    assert len(set(map(fingerprints.fingerprint_file, paths))) == 1
    [error] = fingerprints.find_identical_files(list(zip("abc", paths, strict=True)))
    assert error == f"c: {paths[2]} has the same content as {paths[0]} (a): keep one"
    Path(paths[2]).write_bytes(Path(paths[1]).read_bytes())
    [error] = fingerprints.find_identical_files(list(zip("abc", paths, strict=True)))
    assert error.startswith(f"c: {paths[2]} has the same content as {paths[1]} (b)")
    for path in paths[::2]:
        Path(path).write_bytes(b"")
    assert fingerprints.find_identical_files([("a", paths[0]), ("c", paths[2])]) == []
    Path(paths[2]).unlink()
    [error] = fingerprints.find_identical_files([("a", paths[0]), ("c", paths[2])])
    assert error.startswith(f"{paths[2]}: cannot be read (No such file")


STORED = ("1_a.avi", "2_b.MP4", "notes.txt", "old/3_c.avi", "nobody.avi")


def test_videos_in_an_object_store_are_found_by_their_names_alone():
    issues = Issues()
    videos = video_files.list_numbered_videos("s3://lab/films", issues, STORED)
    assert [row["video"] for row in videos] == ["1_a.avi", "2_b.MP4"]
    [error] = issues.errors
    assert error.startswith("s3://lab/films/nobody.avi: its name does not begin")
    issues = Issues()
    rows = [{"place": "here", "video": name} for name in ("./old/3_c.avi", "3_c.avi", "")]
    usable = video_files.resolve_video_paths(rows, "s3://lab/films", issues, STORED)
    assert usable == rows[:1] and rows[1]["video"] == "s3://lab/films/3_c.avi"
    missing, unnamed = issues.errors
    assert unnamed == "here: names no video: correct it"
    assert missing.startswith("here: s3://lab/films/3_c.avi is not in the store: correct it (names")
    issues, row = Issues(), {"place": "here", "video": "1_#2.avi"}
    assert not video_files.resolve_video_paths([row], "s3://lab", issues, STORED)
    assert issues.errors == ["here: s3://lab/1_#2.avi: # and ? end an address: rename it"]
    paths = [("line 2", "s3://lab/a/1.avi"), ("line 3", "s3://lab/a/./b/../1.avi")]
    [error] = fingerprints.find_repeated_addresses([*paths, ("line 4", "s3://lab/a/2.avi")])
    assert error.startswith("line 3: s3://lab/a/./b/../1.avi is the video of line 2, too")
    assert all(map(video_files.is_storage_url, ("s3://a/b", "gcs://a")))
    assert not any(map(video_files.is_storage_url, (None, "a/b", "/a", "C:/films", "a//b")))


@pytest.mark.parametrize(
    "name, participant",
    [
        ("2_09.09.03_lots of debris_SSW.avi", "2"),
        ("12.avi", "12"),
        ("a/7 left.avi", "7"),
        ("07-left.avi", "7"),
        *((name, None) for name in ("01.05.2026_P3.mkv", "2026-05-01_P3.mkv", "1 05 26.mkv",
                                    "1.5.mkv", "1 (Copy).mkv", "1b.mkv")),
    ],
)  # fmt: skip
def test_the_number_of_a_participant_ends_clearly(name, participant):
    issues = Issues()
    videos = list_numbered_videos("s3://lab", issues, [name], ["*"])
    assert [row["participant"] for row in videos] == ([participant] if participant else [])
    remedy = "rename it, or name its participant in a column `video` or in a CSV"
    assert [remedy in line and name in line for line in issues.errors] == [True] * (not videos)


def test_a_line_break_in_a_name_does_not_split_the_message(tmp_path):
    (tmp_path / "1_a\nb.avi").touch()
    issues = Issues()
    videos = list_numbered_videos(str(tmp_path), issues, None)
    assert resolve_video_paths(videos, tmp_path, issues) == []
    [error] = issues.errors
    assert error.endswith(r"1_a\nb.avi: a line break or the like is in its name: rename it")
    [line] = find_unlisted_videos(tmp_path, [], "labels.csv")
    assert line.endswith(r"unused: 1_a\nb.avi")


def test_a_video_is_compared_with_the_plan(tmp_path):
    path = tmp_path / "1.avi"
    path.write_bytes(b"as it was")
    planned = [None, fingerprints.fingerprint_file(str(path)), {"size": 9, "changed": 1.0}]
    assert all(fingerprints.matches_plan(str(path), identity) for identity in planned)
    path.write_bytes(b"as it is now")
    assert [fingerprints.matches_plan(str(path), identity) for identity in planned] == [
        True,
        False,
        False,
    ]


def test_a_video_that_vanishes_while_it_is_compared_is_reported(tmp_path, monkeypatch):
    paths = [str(tmp_path / f"{k}.avi") for k in (1, 2)]
    for path in paths:
        Path(path).write_bytes(b"the same")

    def vanish(first, second, shallow):
        Path(first).unlink()
        return Path(first).read_bytes() == Path(second).read_bytes()

    monkeypatch.setattr(fingerprints.filecmp, "cmp", vanish)
    [error] = fingerprints.find_identical_files(list(zip("ab", paths, strict=True)))
    assert error.startswith(f"{paths[0]}: cannot be read (No such file")


def test_names_that_hold_two_numbers_of_participants_are_reported(tmp_path):
    for name in ("1_P3.avi", "2_P2.avi", "3_p_1080.avi"):
        (tmp_path / name).touch()
    issues = Issues()
    videos = list_numbered_videos(str(tmp_path), issues, None)
    assert [video["participant"] for video in videos] == ["1", "2", "3"]
    [warning] = issues.warnings
    assert warning.endswith("the first one of the file's own name is taken: 1_P3.avi")
    list_numbered_videos("s3://lab", issues, ["5/1_a.avi", "2026/1_b.avi"], ["*"])
    assert issues.warnings[1].endswith(": 5/1_a.avi")
