"""A laboratory's own table of samples, in every dialect: every error reported at once."""

import os
import re

import pandas as pd
import pytest

from motilens.core.labels import MOTILITY
from motilens.dataset.participants import parse_participant_id
from support.sample_tables import edit, errors_of, read, rewrite, table_of

HEADER = "participant,video,progressive,nonprogressive,immotile"
OWN = {"videos": None, "needed": ["progressive"]}


def write_rows(own, *rows):
    (own / "labels.csv").write_text("\n".join(rows))


def assert_reported(messages, errors):
    for message in messages:
        assert any(re.search(message, line) for line in errors), (message, errors)


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
        assert table_of(own, **OWN)["participant"].nunique() == 3


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
    rows = "P1,films/a.mp4,0.5,0.3,0.2,0.95,0.1", "P2,films/b.mp4,50,30,20,0.9,1"
    write_rows(own, f"{HEADER},head,tail", *rows)
    needed = [*MOTILITY, "head", "tail"]
    first, second = errors_of(own, videos=None, needed=needed)
    assert "add up to 1, not 100: multiply them by 100" in first
    assert "none of head, tail is above 1: these are fractions, multiply them by 100" in second
    edit(own / "labels.csv", "0.5,0.3,0.2,0.95", "50,30,20,95")
    assert errors_of(own, videos=None, needed=needed) == []
    write_rows(own, HEADER, "P1,films/a.mp4,0.5,0.3,0.2", "P2,films/b.mp4,0.6,0.2,0.2")
    [error] = errors_of(own, **OWN)
    assert "none of progressive is above 1: these are fractions" in error, "of one class alone"


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


@pytest.mark.parametrize("change", [
    lambda text: text.replace(",", ".").replace(";", ","), lambda text: text.replace(";", "\t"),
    lambda text: text.replace("\r\n", "\n").removeprefix("\ufeff"),
    lambda text: text.replace("\r\n", "\r"),
    lambda text: text.replace("\r\n", ";;\r\n"),  # cells without a name, but empty
    lambda text: text + ";;;;;;\r\n\r\n", lambda text: "\r\n\r\n" + text,
    lambda text: text.replace("Head defects (%)", " HEAD  defects (%) "),
    lambda text: text.replace("\r\n1;", "\r\n01;"),
])  # fmt: skip
def test_other_dialects_are_read_alike(files, change):
    expected = table_of(files)
    rewrite(files, change)
    pd.testing.assert_frame_equal(table_of(files), expected)


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;;;;;;;", "\r\nsep=;"])
def test_the_line_that_names_the_separator_is_respected(files, first):
    expected = table_of(files)
    rewrite(files, lambda text: f"{first}\r\n{text}")
    pd.testing.assert_frame_equal(table_of(files), expected)
    rewrite(files, lambda text: re.sub("\r\n2;[^;]*;", "\r\n2;x;", text))
    line = 5 if first.startswith("\r") else 4
    assert f"line {line}: participant 2, progressive: 'x" in errors_of(files)[0]
    rewrite(files, lambda text: text.replace(";", "|"))
    assert f"line {line}: participant 2, progressive: 'x" in errors_of(files)[0]


@pytest.mark.parametrize("header", [
    '"Progressive, %, of all, by two, WHO 2021, mean, rounded"', '"PR; or ""a""; or b"',
    "PR, %, of all, by two, WHO 2021, mean, rounded",
])  # fmt: skip
def test_separators_within_a_header_do_not_separate(files, header):
    expected = table_of(files)
    edit(files / "labels.csv", "Progressive motility (%)", header)
    title = header.strip('"').replace('""', '"')
    assert_same = pd.testing.assert_frame_equal
    assert_same(table_of(files, columns={"progressive": title}), expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "xlsx"])
def test_other_files_are_read_alike(files, encoding):
    expected, path = table_of(files), files / "labels.csv"
    sheet = pd.read_csv(path, sep=";", decimal=",", encoding="utf-8-sig")
    if encoding == "xlsx":
        sheet.to_excel(path := files / "labels.xlsx", index=False)
    else:
        path.write_bytes(path.read_bytes().decode("utf-8-sig").encode(encoding))
    pd.testing.assert_frame_equal(table_of(files, labels=str(path)), expected)


@pytest.mark.parametrize("change, message", [
    (lambda text: text.replace(";", ","), "line 2: 13 cells under a header of 7"),
    (lambda text: text.replace("\r\n2;", "\r\n2;4;"), "line 3: 8 cells under a header of 7"),
    (lambda text: "", "it is empty"),
    (lambda text: text.partition("\r\n")[0], "has no row under its header"),
    (lambda text: text.replace("Head def", "Tail def"), "missing 'Head defects.*both mean 'tail'"),
    (lambda text: text.replace(";", "|"), "separator must be a semicolon, a comma or a tab"),
])  # fmt: skip
def test_what_would_shift_columns_is_refused(files, change, message):
    rewrite(files, change)
    assert re.search(message, errors_of(files)[0])


def test_a_quotation_mark_that_opens_a_cell_is_reported(own):
    rows = ["participant,video,progressive,note", 'P1,films/a.mp4,50,"', 'P2,films/b.mp4,60,"']
    write_rows(own, *rows, "P3,films/c.mp4,40,")
    [error] = errors_of(own, **OWN)
    assert "labels.csv, line 2: cannot be read as CSV (a quotation mark opens a cell that" in error


def test_other_encodings_are_refused(files):
    path, text = files / "labels.csv", (files / "labels.csv").read_bytes().decode("utf-8-sig")
    for data, message in (
        (text.replace("\r\n3;", "\r\n3\xb5;").encode("cp1252"), "line 4: is not UTF-8 text: save"),
        (text.encode("utf-16-le"), "is no text file: save it as"),
    ):
        path.write_bytes(data)
        [error] = errors_of(files)
        assert message in error, "and nothing of what would follow from that"
    (files / "labels.xlsx").write_bytes(b"no zip")
    assert "cannot be read as Excel" in errors_of(files, labels=str(files / "labels.xlsx"))[0]


def test_what_is_no_file_is_reported(own):
    os.mkfifo(own / "pipe")
    for path in (own / "films", own / "pipe"):
        assert "is no file: correct its path" in errors_of(own, labels=str(path), **OWN)[0]
    (own / "labels.csv").unlink()
    assert "labels.csv: no such file" in errors_of(own, **OWN)[0]


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
