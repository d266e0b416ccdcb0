"""Predictions that were made elsewhere: what is read, and what is refused."""

import pandas as pd
import pytest

from motilens.evaluation.external_predictions import read_external_predictions
from support.errors import assert_refused

VALUES = ("progressive", "immotile")
HELD_OUT = {
    "7": {"participant": "7", "progressive": 60.0, "immotile": 100 / 3},
    "7+2": {"participant": "7", "progressive": 62.0, "immotile": 30.0},
    "P_8": {"participant": "P_8", "progressive": 20.0, "immotile": 70.0},
}
HEADER = "participant,sample,stack,true_progressive,true_immotile,"
HEADER += "predicted_progressive,predicted_immotile"
ROWS = ["7,7,0,60,33.33,50,40.5", "007,007+2,0,62.0,30,-1,101", "P 8,P 8,0,20,70,3e1,60"]


def read(path, text, **options):
    path.write_text(text, encoding="utf-8")
    return read_external_predictions(path, HELD_OUT, VALUES, **options)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "seed0.csv"


def test_predictions_get_our_names_and_our_labels(path):
    table = read(path, "\n".join([HEADER, *ROWS]))
    assert list(table) == HEADER.split(",")
    assert table["sample"].tolist() == ["7", "7+2", "P_8"]
    assert table["participant"].tolist() == ["7", "7", "P_8"]
    assert table["true_immotile"].tolist() == [100 / 3, 30, 70], "not 33.33"
    assert table["predicted_progressive"].tolist() == [50, -1, 30]
    decimals = "\n".join([HEADER, *(row.replace(",0,", ",0.0,") for row in ROWS)])
    pd.testing.assert_frame_equal(read(path, decimals), table)
    semicolons = "\n".join([HEADER, *ROWS]).replace(",", ";").replace(".", ",")
    pd.testing.assert_frame_equal(read(path, semicolons), table)
    more = [line + ",x" for line in (HEADER, *ROWS)]
    pd.testing.assert_frame_equal(read(path, "\n".join(more)), table)


def test_columns_without_a_choice_may_be_missing(path):
    held_out = {name: HELD_OUT[name] for name in ("7", "P_8")}
    header, *rows = (
        ",".join(line.split(",")[:1] + line.split(",")[3:]) for line in (HEADER, *ROWS)
    )
    path.write_text("\n".join([header, rows[0], rows[2]]))
    table = read_external_predictions(path, held_out, VALUES)
    assert table[["sample", "stack"]].to_numpy().tolist() == [["7", 0], ["P_8", 0]]


def test_samples_without_a_usable_video_are_left_out(path):
    path.write_text("\n".join([HEADER, *ROWS]))
    usable = {name: HELD_OUT[name] for name in ("7", "P_8")}
    table = read_external_predictions(path, usable, VALUES, skipped=["7+2"])
    assert table["sample"].tolist() == ["7", "P_8"]
    assert len(read(path, "\n".join([HEADER, *ROWS[:2]]), may_lack=True)) == 2


@pytest.mark.parametrize(("old", "new", "message"), [
    (HEADER + "\n", "", "has no column participant, true_progressive, .*the first line must name"),
    ("true_immotile", "immotile", "csv: has no column true_immotile: the first line must name par"),
    ("\n" + "\n".join(ROWS), "", "has no row under its header"),
    ("P 8,P 8", "9,9", "line 4: sample '9' is not held out in this fold: use .* run's samples.csv"),
    ("P 8,P 8", "7,P 8", "line 4: sample P_8 is not of participant '7'"),
    ("P 8,P 8", ",", "line 4: sample '' is not held out"),
    ("P 8,P 8", "{x},{x}", "line 4: sample '{x}' is not held out"),
    (ROWS[2], "", "csv: held-out samples have no row: P_8: add them"),
    (ROWS[2], ROWS[2] + "\n" + ROWS[2], "line 5: a second row of sample P_8, stack 0: keep one"),
    (ROWS[2], ROWS[2] + "\n" + ROWS[2].replace("8,0", "8,1"),
     r"line 2: sample 7 has fewer rows than others: .*same number of stacks \(also lines 3\)"),
    ("P 8,0", "P 8,a", "line 4: stack 'a' is not a number"),
    ("P 8,0", "P 8,-1", "line 4: stack '-1' is not a number"),
    ("33.33,", "33.3,", "line 2: true_immotile is 33.3, and not as in the run's samples.csv"),
    ("60,33.33,", "33.33,60,", "line 2: true_progressive is 33.33, and"),
    ("40.5", "nan", "line 2: predicted_immotile is 'nan', which is not a number: correct it"),
    ("40.5", "", "line 2: predicted_immotile is '', which is not a number"),
    ("40.5", "inf", "line 2: predicted_immotile is 'inf', which"),
    ("40.5", "1e999", "line 2: predicted_immotile is 1e999, no percentage: is a decimal mark lost"),
    ("40.5", "-4050", "line 2: predicted_immotile is -4050, no percentage"),
    ("40.5", "40.5,1", "line 2: 8 cells under a header of 7"),
    ("33.33,", "a third,", "line 2: true_immotile is 'a third', which is not a number"),
])  # fmt: skip
def test_other_predictions_are_refused_by_line(path, old, new, message):
    text = "\n".join([HEADER, *ROWS])
    assert text.count(old) == 1
    assert_refused(message, read, path, text.replace(old, new))


def test_fractions_are_refused(path):
    rows = [",".join([*row.split(",")[:5], "0.5", "0.25"]) for row in ROWS]
    message = "nothing in predicted_progressive, predicted_immotile is above 1.5: fractions"
    assert_refused(message, read, path, "\n".join([HEADER, *rows]))
    rows = [
        ",".join([*row.split(",")[:5], "50", number])
        for row, number in zip(ROWS, ["1.02", "0.3", "0.1"], strict=True)
    ]
    message = "nothing in predicted_immotile is above 1.5: fractions"
    assert_refused(message, read, path, "\n".join([HEADER, *rows]))
    zeros = [",".join([*row.split(",")[:5], "0", "0"]) for row in ROWS]
    assert len(read(path, "\n".join([HEADER, *zeros]))) == 3
    path.unlink()
    assert_refused("no such file", read_external_predictions, path, HELD_OUT, VALUES)
