"""A laboratory's own table of samples: one with everything, every error reported at once."""

import os
import re

import pandas as pd
import pytest

from motilens.core.labels import MOTILITY
from motilens.dataset.samples import parse_participant_id
from support.sample_tables import edit, errors_of, read, table_of

HEADER = "participant,video,progressive,nonprogressive,immotile\n"
OWN = {"videos": None, "needed": ["progressive"]}


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
    for message in (
        "labels.csv: names the videos: remove dataset.video_list",
        "line 3: participant P2: .*b.mp4 is a broken link",
        "line 4: participant P1: .*C.mp4 is no file",
    ):
        assert any(re.search(message, line) for line in errors), (message, errors)


def test_frame_rate_and_scale_of_each_video(own):
    rows = (own / "labels.csv").read_text().splitlines()
    facts = ["frame_rate,microns_per_pixel", "50,0.3", ",0.3", "60,0.4"]
    (own / "labels.csv").write_text(
        "\n".join(f"{row},{more}" for row, more in zip(rows, facts, strict=True))
    )
    table, issues = read(own, **OWN)
    assert issues.errors == []
    assert table["frame_rate"].tolist()[:2] == [50, 60] and pd.isna(table["frame_rate"].iloc[2])
    assert issues.warnings == [
        "videos differ in scale, 0.3 to 0.4 µm per pixel: nothing corrects for it, and models may "
        "mistake size for a difference between samples"
    ]
    edit(own / "labels.csv", "60,0.4", "0,x")
    errors = errors_of(own, **OWN)
    assert "frame_rate: '0' is not between 0.1 and 1e+06: correct it" in errors[0]
    assert "microns_per_pixel: 'x' is not between 0.001 and 1000" in errors[1]


@pytest.mark.parametrize("other", ["p1", "P-1", "P_01", "p.001"])
def test_ids_that_look_alike_are_reported(own, other):
    edit(own / "labels.csv", "P2,", f"{other},")
    [error] = errors_of(own, **OWN)
    assert f"line 3: participants P1 and {other} differ only in case, leading zeros" in error
    assert "one person?" in error


@pytest.mark.parametrize("other", ["1-12", "P1.1", "P10"])
def test_ids_that_differ_are_not_taken_for_the_same(own, other):
    (own / "labels.csv").write_text(
        f"{HEADER}P1,films/a.mp4,50,30,20\n{other},films/b.mp4,60,20,20\n"
        "11-2,films/c.mp4,60,20,20\n"
    )
    assert table_of(own, **OWN)["participant"].nunique() == 3


def test_numbers_as_ids_are_compared_by_their_value(own):
    (own / "films/c.mp4").unlink()
    (own / "labels.csv").write_text(HEADER + "1,films/a.mp4,50,30,20\n1.0,films/b.mp4,60,20,20\n")
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
    rows = ["participant,video,progressive,nonprogressive,immotile,head,tail"]
    rows += ["P1,films/a.mp4,0.5,0.3,0.2,0.95,0.1", "P2,films/b.mp4,50,30,20,0.9,1"]
    (own / "labels.csv").write_text("\n".join(rows))
    needed = [*MOTILITY, "head", "tail"]
    first, second = errors_of(own, videos=None, needed=needed)
    assert "add up to 1, not 100: multiply them by 100" in first
    assert "none of head, tail is above 1: these are fractions, multiply them by 100" in second
    edit(own / "labels.csv", "0.5,0.3,0.2,0.95", "50,30,20,95")
    assert errors_of(own, videos=None, needed=needed) == []


def test_fractions_of_one_class_of_motility_are_reported(own):
    text = (own / "labels.csv").read_text()
    (own / "labels.csv").write_text(re.sub(r"\b([1-9])0\b", r"0.\1", text))
    [error] = errors_of(own, **OWN)
    assert "none of progressive is above 1: these are fractions" in error


@pytest.mark.parametrize("written, there, hint", [
    ("films\\a.mp4", "a.mp4", "write / where Windows has"),
    ("films/M\u00fcller.mp4", "Mu\u0308ller.mp4", r"other characters, 'Mu\u0308ller.mp4'"),
    ("films/Mu\u0308ller.mp4", "M\u00fcller.mp4", r"other characters, 'M\xfcller.mp4'"),
    ("films/tuesday.MP4", "tuesday.mp4", "is it 'tuesday.mp4'?"),
    ("films/tuesdays.mp4", "tuesday.mp4", "is it 'tuesday.mp4'?"),
])  # fmt: skip
def test_a_name_that_is_nearly_right_gets_a_hint(own, written, there, hint):
    (own / "films" / there).write_text("x")
    edit(own / "labels.csv", "P2,films/b.mp4", f"P2,{written}")
    [error] = errors_of(own, **OWN)
    assert "is no file: correct it" in error and hint in error


def test_videos_that_the_table_does_not_name_are_reported(own):
    """Beside the table, and in all folders that it names."""
    for name in ("films/d.MP4", "e.avi", "films/notes.txt"):
        (own / name).write_text(name)
    table, issues = read(own, **OWN)
    assert len(table) == 3 and issues.errors == []
    beside, inside = issues.warnings
    assert re.search(r"labels.csv names these videos, unused: e.avi$", beside)
    assert re.search(r"films: no row of .*labels.csv names these videos, unused: d.MP4$", inside)


def test_a_video_from_the_future_is_reported(own):
    """Snakemake would remove what is made from it, as older than it."""
    os.utime(own / "films/b.mp4", (4e9, 4e9))
    [error] = errors_of(own, **OWN)
    assert "line 3: participant P2: " in error and "b.mp4 has a time in the future" in error
