"""Tables in every dialect are read alike; what would shift columns is refused."""

import os
import re

import pandas as pd
import pytest

from motilens.dataset.spreadsheet import read_table
from support.errors import assert_refused
from support.sample_tables import (
    OWN,
    edit,
    errors_of,
    rewrite,
    table_of,
    write_rows,
)


@pytest.mark.parametrize("change", [
    lambda text: text.replace(",", ".").replace(";", ","), lambda text: text.replace(";", "\t"),
    lambda text: text.replace("\r\n", "\n").removeprefix("\ufeff"),
    lambda text: text.replace("\r\n", "\r"),
    lambda text: text.replace("\r\n", ";;\r\n"),  # cells without a name, but empty
    lambda text: text + ";;;;;;\r\n\r\n", lambda text: "\r\n\r\n" + text,
    lambda text: text.replace("Head defects (%)", " HEAD  defects (%) "),
    lambda text: text.replace("\r\n1;", "\r\n01;"), lambda text: f"\ufeff\ufeff{text}",
    lambda text: text.replace("ID;", '\ufeff"ID";'),
    lambda text: text.replace("Head defects", "\u200bHead de\u00adfects"),
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
    '"Progressive, %, of all, by two, WHO, mean, rounded, in 2021, twice"',
    '"PR; or ""a, b, c, d, e, f""; or g, h"', "PR, %, by two, WHO, mean, rounded, in 2021, twice",
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
    (lambda text: text.replace("(%)\r\n", "(%),,,,,,\r\n").replace(";", ","),
     "line 2: a number to the right of the last name in the header"),
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
    for name, data, message in (
        ("labels.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1", "is protected by a password, or an old .xls"),
        ("labels.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "is protected by a password, or an old .xls"),
        ("labels.csv", b"PK\3\4\x14\0", "is a file of Excel or OpenDocument: rename it .xlsx"),
        ("labels.ods", b"PK\3\4\x14\0", "is a file of Excel or OpenDocument: rename it .xlsx"),
    ):
        (files / name).write_bytes(data)
        assert message in errors_of(files, labels=str(files / name))[0]
    (files / "labels.xlsx").write_bytes(b"no zip")
    assert "cannot be read as Excel" in errors_of(files, labels=str(files / "labels.xlsx"))[0]


def test_what_is_no_file_is_reported(own):
    os.mkfifo(own / "pipe")
    for path in (own / "films", own / "pipe"):
        assert "is no file: correct its path" in errors_of(own, labels=str(path), **OWN)[0]
    (own / "labels.csv").unlink()
    assert "labels.csv: no such file" in errors_of(own, **OWN)[0]


def test_a_title_that_yaml_cut_at_a_comment_is_noticed(own):
    (own / "labels.csv").write_text("ID,PR,PR #1\nP1,50,51\n")
    columns = {"participant": ["ID"], "progressive": ["PR"]}
    assert_refused("'PR' or 'PR #1'\\? In YAML", read_table, str(own / "labels.csv"), columns)
