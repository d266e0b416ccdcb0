"""IDs of participants: spellings, spaces, initials and rows of means."""

import pytest

from motilens.dataset.participants import find_related, parse_participant_id
from support.sample_tables import (
    HEADER,
    OWN,
    assert_reported,
    edit,
    errors_of,
    read,
    rewrite,
    table_of,
    write_rows,
)

ALIKE, DIFFERENT = ("p1", "P-1", "P_01", "p.001"), ("1-12", "P1.1", "P10")


@pytest.mark.parametrize("other", ALIKE + DIFFERENT)
def test_ids_that_look_alike_are_reported(own, other):
    edit(own / "labels.csv", "P2,", f"{other},")
    edit(own / "labels.csv", "P1,films/c", "11-2,films/c")
    if other in ALIKE:
        [error] = errors_of(own, **OWN)
        assert f"line 3: participants P1 and {other} differ only in case, leading zeros" in error
        assert "one person?" in error
    else:
        table, issues = read(own, **OWN)
        assert table["participant"].nunique() == 3 and not issues.errors


@pytest.mark.parametrize("first, second", [("7", "007"), ("P 1", "P_1"), ("A-1", "A 1")])
def test_two_spellings_of_one_id_are_reported(own, first, second):
    edit(own / "labels.csv", "P1,films/a", f"{first},films/a")
    edit(own / "labels.csv", "P1,films/c", f"{second},films/c")
    assert_reported([f"line 4: participants {first} and {second} differ"], errors_of(own, **OWN))
    for video in ("video,", "films/a.mp4,", "films/b.mp4,", "films/c.mp4,"):
        edit(own / "labels.csv", video, "")
    assert_reported([f"line 4: participants {first} and {second} differ"], errors_of(own))


@pytest.mark.parametrize("spelling", ["7", "7.0", "007"])
def test_one_spelling_of_a_number_is_enough(own, spelling):
    for film in "ac":
        edit(own / "labels.csv", f"P1,films/{film}", f"{spelling},films/{film}")
    assert list(table_of(own, **OWN).index) == ["7", "7+2", "P2"]


def test_two_spellings_of_a_number_in_names_of_videos_are_reported(files):
    (files / "videos/02_again.avi").write_text("another")
    [error] = errors_of(files)
    name = next((files / "videos").glob("2_*")).name
    assert f"{name}: another name begins with 02, which is the same number: one person?" in error
    (files / "videos" / name).unlink()
    assert table_of(files).loc["2", "video"].endswith("02_again.avi")


def test_another_spelling_in_the_list_of_videos_is_a_warning(files):
    edit(files / "videos.csv", "\r\n1;", "\r\n001;")
    edit(files / "videos.csv", "\r\n2;", "\r\n2.0;")
    table, issues = read(files, "videos.csv")
    [warning] = issues.warnings
    assert "videos.csv: participants are written in another way than in the labels" in warning
    assert warning.endswith(": 001 as 1") and len(table) == 4 and issues.errors == []


def test_spaces_in_ids_become_underscores(own):
    for film in "ac":
        edit(own / "labels.csv", f"P1,films/{film}", f"Patient  1,films/{film}")
    edit(own / "labels.csv", "P2", "Patient\xa02")
    assert list(table_of(own, **OWN).index) == ["Patient_1", "Patient_1+2", "Patient_2"]


def test_ids_with_the_same_fault_are_one_error(own):
    write_rows(own, HEADER, *(f"P#{k},films/{k}.mp4,50,30,20" for k in range(9)), "Ä,b,1,1,1")
    first, second = errors_of(own, **OWN)
    assert "labels.csv, line 2: 'P#0' is no ID: use letters, digits, spaces and . - _" in first
    assert first.endswith("(also lines 3, 4, 5, 6, 7, 8, 9, 10)") and "line 11: 'Ä'" in second


SUMMARIES = ("mean", "Mittelwert", "SD", "Mean (n=6)", "Summe", "total", "MW ± SD", "")


DELETE = "(delete the row if it holds means|Then delete it)"


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_row_of_means_in_a_table_of_videos_is_reported(own, name):
    rows = (own / "labels.csv").read_text()
    (own / "labels.csv").write_text(f"{rows}{name},,50,30,20\n")
    assert_reported([f"line 5: .*{DELETE}"], errors_of(own, **OWN))


@pytest.mark.parametrize("name", SUMMARIES)
@pytest.mark.parametrize("video_list", [None, "videos.csv"])
def test_a_row_of_means_without_a_video_is_reported(files, name, video_list):
    rewrite(files, lambda text: f"{text}{name};50;30;20;95;20;10\r\n")
    assert_reported([f"line 6: .*{DELETE}"], errors_of(files, video_list))


@pytest.mark.parametrize("name", ["SD", "MIN", "N", "Max"])
def test_initials_that_look_like_means_are_ids(own, name):
    edit(own / "labels.csv", "P2", name)
    assert name in table_of(own, **OWN).index


def test_numbers_as_ids_are_compared_by_their_value(own):
    (own / "films/c.mp4").unlink()
    write_rows(own, HEADER, "1,films/a.mp4,50,30,20", "1.0,films/b.mp4,60,20,20")
    assert list(table_of(own, **OWN).index) == ["1", "1+2"]
    assert parse_participant_id("1" * 65) is None and parse_participant_id("007.0") == "7"


def test_ids_that_snakemake_would_refuse_as_periodic_are_refused_first():
    assert parse_participant_id("B" + "A" * 20) is parse_participant_id("Ab" * 20) is None
    assert parse_participant_id("A" * 19) and parse_participant_id("A" * 20 + "B")


@pytest.mark.parametrize("ids, related", [
    (["7", "7 Wdh", "8", "8b"], "7 + 7 Wdh, 8 + 8b"), (["P1-1", "P1-2", "P3"], "P1-1 + P1-2"),
    (["P1", "P1.1", "P2"], "P1 + P1.1"), (["A-1", "A-2", "B-1"], None), (["NA", "P1", "P2"], None),
    (["P1 visit 1", "P1 visit 2", "P2 visit 1"], "P1 visit 1 + P1 visit 2"),
    (["01a", "01b", "02a"], "01a + 01b"), (["101_20210304", "101_20220304"], "101_20210304 + 101_"),
    (["1", "2", "10", "11"], None), (["anna", "ben", "ben 2"], "ben + ben 2"),
])  # fmt: skip
def test_ids_that_may_be_samples_of_one_person_are_reported(ids, related):
    lines = find_related(ids)
    assert [f"IDs are alike: {related}" in line for line in lines] == [True] * bool(related)
