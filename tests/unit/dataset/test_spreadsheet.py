"""Tables that people keep: every dialect is read alike, what would shift columns is refused."""

import os
import re

import pandas as pd
import pytest

from support.sample_tables import edit, errors_of, rewrite, table_of

OWN = {"videos": None, "needed": ["progressive"]}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ".").replace(";", ","),
        lambda text: text.replace(";", "\t"),
        lambda text: text.replace("\r\n", "\n").removeprefix("\ufeff"),
        lambda text: text.replace("\r\n", "\r"),
        lambda text: text.replace("\r\n", ";;\r\n"),  # cells without a name, but empty
        lambda text: text + ";;;;;;\r\n\r\n",
        lambda text: "\r\n\r\n" + text,
        lambda text: text.replace("Head defects (%)", " HEAD  defects (%) "),
        lambda text: text.replace("\r\n1;", "\r\n01;"),
    ],
)
def test_other_dialects_are_read_alike(files, change):
    expected = table_of(files)
    rewrite(files, change)
    pd.testing.assert_frame_equal(table_of(files), expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "xlsx"])
def test_other_files_are_read_alike(files, encoding):
    expected, path = table_of(files), files / "labels.csv"
    if encoding == "xlsx":
        sheet = pd.read_csv(path, sep=";", decimal=",", encoding="utf-8-sig")
        path = files / "labels.xlsx"
        sheet.to_excel(path, index=False)
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
    (own / "labels.csv").write_text("\n".join([*rows, "P3,films/c.mp4,40,"]))
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
    for path in (own / "films", own / "pipe"):
        if path.name == "pipe":
            os.mkfifo(path)
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


def test_two_headers_that_mean_the_same_are_reported(own):
    """A row's number may be called ID: as the participant, it would separate one's videos."""
    rows = (own / "labels.csv").read_text().splitlines()
    numbered = [f"ID,{rows[0]}", *(f"{n},{row}" for n, row in enumerate(rows[1:], start=1))]
    (own / "labels.csv").write_text("\n".join(numbered))
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
    for message in ("missing 'Non prog", "'16 p' is not a percentage", "gone.mp4 is no file"):
        assert any(message in line for line in errors), (message, errors)
