"""A laboratory's own table of samples: every error at once, with a hint where there is one."""

import os
import re

import pandas as pd
import pytest

from motilens.core.labels import MOTILITY
from motilens.dataset.issues import Issues
from motilens.dataset.samples import read_samples
from support.sample_tables import (
    HEADER,
    OWN,
    STRICT_SUM,
    assert_reported,
    edit,
    errors_of,
    read,
    table_of,
    write_rows,
)


def test_own_data_in_one_table(own):
    table = table_of(own, **OWN)
    assert list(table.index) == ["P1", "P1+2", "P2"]
    assert table["video"].tolist() == [str(own / "films" / f"{name}.mp4") for name in "acb"]
    assert table.loc["P1+2", "progressive"] == 40, "each video has its own labels"
    assert list(table) == ["participant", "video", "progressive", "nonprogressive", "immotile"]
    text = (own / "labels.csv").read_text()
    (own / "labels.csv").write_text(text.replace("films/", ""))
    again = table_of(own, **OWN | {"videos": str(own / "films")})
    pd.testing.assert_frame_equal(again, table)


def test_errors_of_own_data(own):
    (own / "films/b.mp4").unlink()
    (own / "films/b.mp4").symlink_to(own / "gone.mp4")
    edit(own / "labels.csv", "films/c", "films/C")
    settings = OWN | {"video_list": "list.csv"}
    errors = errors_of(own, **settings | {"needed": ["progressive", "head"]})
    assert "missing 'Head defects (%)' or 'head'" in errors[0]
    errors = errors_of(own, **settings)
    assert_reported((
        "labels.csv: names the videos: remove dataset.video_list",
        "line 3: participant P2: .*b.mp4 is a broken link",
        "line 4: participant P1: .*C.mp4 is no file",
    ), errors)  # fmt: skip


def test_frame_rate_and_scale_of_each_video(own):
    rows = (own / "labels.csv").read_text().splitlines()
    facts = ["frame_rate,microns_per_pixel", "50,0.3", ",0.3", "60,0.4"]
    write_rows(own, *(f"{row},{more}" for row, more in zip(rows, facts, strict=True)))
    table, issues = read(own, **OWN)
    assert issues.errors == []
    assert table["frame_rate"].tolist()[:2] == [50, 60] and pd.isna(table["frame_rate"].iloc[2])
    [warning] = issues.warnings
    assert warning.startswith("videos differ in scale, 0.3 to 0.4 µm per pixel: nothing corrects")
    edit(own / "labels.csv", "60,0.4", "0,x")
    errors = errors_of(own, **OWN)
    assert "frame_rate: '0' is not between 0.1 and 1e+06: correct it" in errors[0]
    assert "microns_per_pixel: 'x' is not between 0.001 and 1000" in errors[1]


def test_percent_signs_are_understood_and_empty_cells_reported(own):
    expected = table_of(own, **OWN)
    edit(own / "labels.csv", "P2,films/b.mp4,60", "P2,films/b.mp4,60 %")
    pd.testing.assert_frame_equal(table_of(own, **OWN), expected)
    edit(own / "labels.csv", "P2,films/b.mp4,60 %", "P2,films/b.mp4,")
    [error] = errors_of(own, **OWN)
    assert "participant P2: progressive: empty: fill it in, or remove the row" in error
    edit(own / "labels.csv", ",,20,20", ",,,")
    [error] = errors_of(own, videos=None, needed=list(MOTILITY))
    assert ": progressive, nonprogressive, immotile: empty: fill it in" in error, "one line a row"


def test_fractions_are_reported(own):
    """What Excel shows as 95 % it holds as 0.95."""
    rows = "P1,films/a.mp4,0.5,0.3,0.2,0.95,10", "P2,films/b.mp4,50,30,20,0.9,1 %"
    write_rows(own, f"{HEADER},head,tail", *rows)
    needed = [*MOTILITY, "head", "tail"]
    first, second = errors_of(own, videos=None, needed=needed)
    assert "add up to 1, not 100: multiply them by 100" in first
    assert "none of head is above 1: these are fractions, multiply them by 100" in second
    lenient = {"tolerance": 1, "on_mismatch": "warn"}
    told = errors_of(own, videos=None, needed=needed, motility_sum=lenient)
    assert told == [first, second], "no other sum that is allowed makes fractions right"
    edit(own / "labels.csv", "0.5,0.3,0.2,0.95", "50,30,20,95")
    edit(own / "labels.csv", "20,0.9,", "20,90,")
    assert errors_of(own, videos=None, needed=needed) == []
    write_rows(own, HEADER, "P1,films/a.mp4,0.5,0.3,0.2", "P2,films/b.mp4,0.6,0.2,0.2")
    [error] = errors_of(own, **OWN)
    assert "none of progressive is above 1: these are fractions" in error, "of one class alone"


@pytest.mark.parametrize("head, tail, messages", [
    ("0.94 92 95", "10 5 4", ["line 2: participant P1, head: 0.94 among values like 93.5: a frac"]),
    ("94 0.06 0.1", "5 4 3", ["P2, head: 0.06 among values like 94", "P3, head: 0.1 among"]),
    ("94 92 95", "0.2 0.1 0", ["none of tail is above 1: these are fractions"]),
    ("94 0.5% 95", "0.2% 0.1% 0%", []),
    ("1 92 95", "0.5 1 0", ["P1, head: 1 among values like 93.5", "none of tail is above"]),
    ("94 92 95", "0.5 2 8", []), ("94 92 95", "0 0 0", []),
    ("0 0.9 40", "0 0 5", ["P2, head: 0.9 among values like 40"]),
    ("5% 0.06 0.04", "7 8 9", ["P2, head: 0.06 among", "P3, head: 0.04 among values like 5"]),
    ("1% 1 5%", "0.05 0.5 2", ["P2, head: 1 among values like 5", "P1, tail: 0.05 among"]),
])  # fmt: skip
def test_some_fractions_among_percentages_are_reported(own, head, tail, messages):
    rows = zip("abc", head.split(), tail.split(), strict=True)
    lines = [f"P{n},films/{a}.mp4,{h},{t}" for n, (a, h, t) in enumerate(rows, start=1)]
    write_rows(own, "participant,video,head,tail", *lines)
    errors = errors_of(own, videos=None, needed=["head", "tail"])
    assert len(errors) == len(messages)
    assert_reported(messages, errors)


def test_two_tables_side_by_side_are_refused(own):
    header = "participant,video,progressive,,Patient,head"
    rows = ["P1,films/a.mp4,50,,P2,90", "P2,films/b.mp4,40,,P1,80"]
    write_rows(own, header, *rows)
    [error] = errors_of(own, videos=None, needed=["progressive", "head"])
    assert "column 5 (Patient) holds the IDs of the participants in another order" in error
    write_rows(
        own, header, *(row.replace(",,P2", ",,P1") for row in rows[:1]), "P2,films/b.mp4,40,,P2,8"
    )
    assert errors_of(own, videos=None, needed=["progressive", "head"]) == []


@pytest.mark.parametrize("rate, error", [
    ("1.000", "frame_rate: '1.000' may be 1000 or 1: write one"), ('"1,000"', "may be 1000 or 1:"),
    ("12.500", "may be 12500 or 12.5"), ("23.976", None), ("0.500", None), ("12.50", None),
])  # fmt: skip
def test_thousands_and_decimals_are_not_confused(own, rate, error):
    write_rows(own, "participant,video,progressive,frame_rate", f"P1,films/a.mp4,94.500,{rate}")
    errors = errors_of(own, **OWN)
    assert len(errors) == bool(error)
    assert_reported([error] if error else [], errors)


@pytest.mark.parametrize("written, there, hint", [
    ("films\\a.mp4", "a.mp4", "write / where Windows has"),
    ("films/M\u00fcller.mp4", "Mu\u0308ller.mp4", r"other characters, 'Mu\u0308ller.mp4'"),
    ("films/Mu\u0308ller.mp4", "M\u00fcller.mp4", r"other characters, 'M\xfcller.mp4'"),
    ("films/tuesday.MP4", "tuesday.mp4", "is it 'tuesday.mp4'?"),
    ("films/tuesdays.mp4", "tuesday.mp4", "is it 'tuesday.mp4'?"),
    ("films/Patient 4", "Patient 4.avi", "is it 'Patient 4.avi'?"),
    ("films/patient 4.mp4", "Patient 4.avi", "is it 'Patient 4.avi'?"),
])  # fmt: skip
def test_a_name_that_is_nearly_right_gets_a_hint(own, written, there, hint):
    (own / "films" / there).write_text("x")
    edit(own / "labels.csv", "P2,films/b.mp4", f"P2,{written}")
    [error] = errors_of(own, **OWN)
    assert "is no file: correct it" in error and hint in error


@pytest.mark.parametrize("written", ["V2.AVI", "v2.avi", "Films/v2.avi", "films/films/V2.avi"])
def test_a_video_in_another_folder_is_a_hint(own, written):
    (own / "films/v2.avi").write_text("x")
    edit(own / "labels.csv", "P2,films/b.mp4", f"P2,{written}")
    [error] = errors_of(own, **OWN)
    assert error.endswith("is no file: correct it (is it 'films/v2.avi'?)")
    (own / "films/v2.avi").rename(own / "v2.avi")
    assert all(error.endswith("(is it 'v2.avi'?)") for error in errors_of(own, **OWN))


@pytest.mark.parametrize("written, there, hint", [
    ("Patient 4", ["Patient 8.mp4", "Patient 4.avi", "Patient 4.txt"], ["Patient 4.avi"]),
    ("Patient 4.mp4", ["Patient 8.mp4", "Patient 14.mp4", "Patient 44.mp4"], []),
    ("Patient 4", ["Patient 4.mp4", "Patient 4.avi"], ["Patient 4.avi", "Patient 4.mp4"]),
    ("Patient D.mp4", ["Patient A.mp4", "Patient B.mp4"], ["Patient A.mp4", "Patient B.mp4"]),
    ("4.mp4", ["8.mp4", "m.mp4"], []), ("a4.mp4", ["a.mp4"], []),
])  # fmt: skip
def test_a_hint_is_no_more_certain_than_it_can_be(own, written, there, hint):
    for name in there:
        (own / "films" / name).write_text("x")
    edit(own / "labels.csv", "P2,films/b.mp4", f"P2,films/{written}")
    [error] = errors_of(own, **OWN)
    question = " or ".join(map(repr, hint))
    assert error.endswith(f": correct it (is it {question}?)" if hint else ": correct it")


def test_a_video_of_another_row_is_no_hint(own):
    (own / "films/Patient A.mp4").write_text("x")
    edit(own / "labels.csv", "films/a.mp4", "films/Patient A.mp4")
    edit(own / "labels.csv", "films/b.mp4", "films/Patient B.mp4")
    [error] = errors_of(own, **OWN)
    assert error.endswith("Patient B.mp4 is no file: correct it")


def test_unused_videos_and_those_from_the_future_are_reported(own):
    """Beside the table, and in all folders that it names."""
    for name in ("films/d.MP4", "e.avi", "films/notes.txt"):
        (own / name).touch()
    table, issues = read(own, **OWN)
    assert len(table) == 3 and issues.errors == []
    beside, inside = issues.warnings
    assert re.search(r"labels.csv names these videos, unused: e.avi$", beside)
    assert re.search(r"films: no row of .*labels.csv names these videos, unused: d.MP4$", inside)
    # Snakemake would remove what is made from it, as older than it.
    os.utime(own / "films/b.mp4", (4e9, 4e9))
    [error] = errors_of(own, **OWN)
    assert "line 3: participant P2: " in error and "b.mp4 has a time in the future" in error


def test_a_missing_column_is_reported_with_a_suggestion(files):
    edit(files / "labels.csv", "Immotile sperm (%)", "immotile sperms")
    [error, *_] = errors_of(files)
    assert "missing 'Immotile sperm (%)' or 'immotile' (is it 'immotile sperms'?)" in error
    columns = {"immotile": "immotile sperms"}
    assert table_of(files, columns=columns)["immotile"].notna().all()
    assert "immotile" not in table_of(files, needed=["head"])


def test_the_column_of_another_label_is_no_hint(own):
    edit(own / "labels.csv", "participant,video,progressive", "participant,video,PR1")
    for known in ({}, {"columns": {"progressive": "PR2"}}):
        [error] = errors_of(own, **OWN, **known)
        assert "missing 'PR2'" in error or "missing 'Progressive motility (%)'" in error
        assert "is it" not in error


def test_two_headers_that_mean_the_same_are_reported(own):
    """A row's number may be called ID: as the participant, it would separate one's videos."""
    rows = (own / "labels.csv").read_text().splitlines()
    numbered = [f"ID,{rows[0]}", *(f"{n},{row}" for n, row in enumerate(rows[1:], start=1))]
    write_rows(own, *numbered)
    errors = errors_of(own, **OWN)
    assert "'ID' and 'participant' both mean 'participant': keep one, or say which" in errors[0]
    table = table_of(own, columns={"participant": "participant"}, **OWN)
    assert list(table.index) == ["P1", "P1+2", "P2"]


def test_headers_that_the_user_gives_must_be_there(own):
    [error] = errors_of(own, columns={"frame_rate": "fps"}, **OWN)
    assert "missing 'fps'" in error
    # Names of files say nothing where a column is to name them.
    [error] = errors_of(own, columns={"video": "Film"}, **OWN | {"videos": str(own / "films")})
    assert "missing 'Film'" in error
    same = {"progressive": "immotile", "nonprogressive": " Immotile "}
    errors = errors_of(own, columns=same, **OWN)
    assert "one column is to be 'progressive' and 'nonprogressive' and 'immotile'" in errors[0]


def test_a_wrong_header_does_not_hide_the_rows(own):
    edit(own / "labels.csv", "nonprogressive", "nonprog")
    edit(own / "labels.csv", "P2,films/b.mp4,60", "P2,films/gone.mp4,16 p")
    errors = errors_of(own, videos=None, needed=["progressive", "nonprogressive"])
    messages = ("missing 'Non prog", "'16 p' is not a percentage", "gone.mp4 is no file")
    assert_reported(messages, errors)


def test_a_column_of_videos_that_was_sorted_alone_is_reported(own):
    for name in ("P1.mp4", "P2.mp4", "1.mp4", "2.mp4"):
        (own / name).write_text(name)
    write_rows(own, HEADER, "P1,P2.mp4,50,30,20", "P2,P1.mp4,60,20,20")
    assert_reported(
        ["named after another participant .*: P2.mp4 \\(P1\\), P1"], errors_of(own, **OWN)
    )
    write_rows(own, HEADER, "1,2.mp4,50,30,20", "2,1.mp4,60,20,20")
    _, issues = read(own, **OWN)
    assert issues.errors == [] and any("sorted alone" in line for line in issues.warnings)


MEASURED = [(50, 30, 20), (60, 20, 20), (41, 29, 30), (53, 17, 30), (46, 24, 30)]


@pytest.mark.parametrize("name, is_error", [("Mean", True), ("Ortalama", False)])
def test_a_row_of_means_of_a_study_without_videos_is_reported(own, name, is_error):
    rows = [f"P{number},{','.join(map(str, row))}" for number, row in enumerate(MEASURED)]
    dataset = {"labels": str(own / "labels.csv"), "motility_sum": STRICT_SUM}

    def read_rows(row):
        write_rows(own, HEADER.replace("video,", ""), *rows, row)
        return read_samples(dataset, MOTILITY, needs_videos=False)

    _, issues = read_rows(f"{name},50,24,26")
    lines = issues.errors if is_error else issues.warnings
    assert_reported([f"means or the like, not .*: {name}: "], lines)
    table, issues = read_rows("P6,51,24,25")
    assert len(table) == 6 and issues == Issues()


@pytest.mark.parametrize("ids, names", [
    (("07", "08"), ("2024_P08_a.mp4", "2024_P07_a.mp4")),
    (("AB", "CD"), ("x_CD_1.mp4", "x_AB_1.mp4")),
])  # fmt: skip
def test_ids_anywhere_in_names_of_videos_are_compared(own, ids, names):
    for name in names:
        (own / name).write_text(name)
    rows = [f"{who},{name},50,30,20" for who, name in zip(ids, names, strict=True)]
    write_rows(own, HEADER, *rows)
    assert any("sorted alone" in line for line in read(own, **OWN)[1].warnings)
    rows = [f"{who},{name},50,30,20" for who, name in zip(ids, names[::-1], strict=True)]
    write_rows(own, HEADER, *rows)
    assert not any("sorted alone" in line for line in read(own, **OWN)[1].warnings)


def test_running_numbers_beside_ids_are_no_second_table(own):
    write_rows(own, f"Nr,{HEADER}", "1,2,films/a.mp4,50,30,20", "2,1,films/b.mp4,60,20,20")
    assert not errors_of(own, **OWN)


def test_fractions_are_wrong_whatever_sum_is_allowed(own):
    edit(own / "labels.csv", "50,30,20", "0.5,0.3,0.2")
    allowed = {"tolerance": 100, "on_mismatch": "error"}
    errors = errors_of(own, **OWN | {"needed": MOTILITY, "motility_sum": allowed})
    assert_reported(["add up to 1, not 100: multiply them by 100"], errors)


def test_a_table_of_numbers_beside_another_one_is_noticed(own):
    header = "ID,progressive,nonprogressive,immotile,,No,head"
    rows = ["1,50,30,20,,3,90", "2,60,20,20,,1,91", "3,40,40,20,,2,92"]
    write_rows(own, header, *rows)
    assert_reported(["column 6 \\(No\\) holds the IDs"], errors_of(own, **OWN))


def test_scans_of_a_day_are_no_ids(own):
    names = ("0112_S1.mp4", "0112_S2.mp4", "0113_S1.mp4", "0113_S2.mp4")
    for name in names:
        (own / name).write_text(name)
    rows = [f"S{number},{name},50,30,20" for number, name in enumerate(names, 1)]
    write_rows(own, HEADER, *rows)
    _, issues = read(own, **OWN)
    assert issues.errors == [] and any("sorted alone" in line for line in issues.warnings)


def test_several_samples_of_a_participant_need_no_videos(own):
    write_rows(own, HEADER.replace("video,", ""), "P1,50,30,20", "P1,40,40,20", "P2,60,20,20")
    dataset = {"labels": str(own / "labels.csv"), "motility_sum": STRICT_SUM}
    table, issues = read_samples(dataset, MOTILITY, needs_videos=False)
    assert list(table.index) == ["P1", "P1+2", "P2"] and not issues.errors
    assert "participant P1 has another row: taken for another sample" in issues.warnings[0]
