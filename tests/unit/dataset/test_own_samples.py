"""The table of samples of a laboratory's own: one with everything, every problem told at once."""

import os
import re

import pandas as pd
import pytest
from sample_tables import edit, problems_of, read, table_of

from motilens.core.labels import MOTILITY
from motilens.dataset.samples import parse_participant_id

OWN = "participant,video,progressive,nonprogressive,immotile\n"


@pytest.fixture
def own(tmp_path):
    """A laboratory's own folder: one table with everything."""
    (tmp_path / "films").mkdir()
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (tmp_path / "films" / name).write_text(name)
    rows = "P1,films/a.mp4,50,30,20\nP2,films/b.mp4,60,20,20\nP1,films/c.mp4,40,40,20\n"
    (tmp_path / "labels.csv").write_text(OWN + rows)
    return tmp_path


def test_own_data_in_one_table(own):
    table = table_of(own, videos=None, needed=["progressive"])
    assert list(table.index) == ["P1", "P1+2", "P2"]
    assert table["video"].tolist() == [str(own / "films" / f"{name}.mp4") for name in "acb"]
    assert table.loc["P1+2", "progressive"] == 40, "each video has its own labels"
    assert list(table) == ["participant", "video", "progressive", "nonprogressive", "immotile"]
    edit(own / "labels.csv", "films/", "")
    edit(own / "labels.csv", "films/", "")
    edit(own / "labels.csv", "films/", "")
    again = table_of(own, videos=str(own / "films"), needed=["progressive"])
    pd.testing.assert_frame_equal(again, table)


def test_own_data_and_their_problems(own):
    (own / "films/b.mp4").unlink()
    (own / "films/b.mp4").symlink_to(own / "gone.mp4")
    edit(own / "labels.csv", "films/c", "films/C")
    settings = {"videos": None, "video_list": "list.csv", "needed": ["progressive", "head"]}
    problems = problems_of(own, **settings)
    assert "missing 'Head defects (%)' or 'head'" in problems[0]
    problems = problems_of(own, **settings | {"needed": ["progressive"]})
    for told in (
        "labels.csv: names the videos: remove dataset.video_list",
        "line 3: participant P2: .*b.mp4 is a dead link",
        "line 4: participant P1: .*C.mp4 is no file",
    ):
        assert any(re.search(told, line) for line in problems), (told, problems)


def test_what_is_said_of_each_video(own):
    text = (own / "labels.csv").read_text().splitlines()
    said = ["frame_rate,microns_per_pixel", "50,0.3", ",0.3", "60,0.4"]
    (own / "labels.csv").write_text(
        "\n".join(f"{row},{more}" for row, more in zip(text, said, strict=True))
    )
    table, problems, warnings = read(own, videos=None, needed=["progressive"])
    assert problems == []
    assert table["frame_rate"].tolist()[:2] == [50, 60] and pd.isna(table["frame_rate"].iloc[2])
    assert warnings == [
        "videos differ in scale, 0.3 to 0.4 µm per pixel: nothing corrects for it, and the models "
        "may take size for a difference"
    ]
    edit(own / "labels.csv", "60,0.4", "0,x")
    problems = problems_of(own, videos=None, needed=["progressive"])
    assert "frame_rate: '0' is not between 0.1 and 1e+06: correct it" in problems[0]
    assert "microns_per_pixel: 'x' is not between 0.001 and 1000" in problems[1]


def test_two_headers_that_mean_the_same(own):
    """The number of a row is called ID: taken for the participant, it would tear people apart."""
    rows = (own / "labels.csv").read_text().splitlines()
    numbered = [f"ID,{rows[0]}", *(f"{n},{row}" for n, row in enumerate(rows[1:], start=1))]
    (own / "labels.csv").write_text("\n".join(numbered))
    settings = {"videos": None, "needed": ["progressive"]}
    problems = problems_of(own, **settings)
    assert "'ID' and 'participant' both mean 'participant': keep one, or say which" in problems[0]
    table = table_of(own, columns={"participant": "participant"}, **settings)
    assert list(table.index) == ["P1", "P1+2", "P2"]


def test_ids_that_look_alike(own):
    edit(own / "labels.csv", "P2,", "p1,")
    [problem] = problems_of(own, videos=None, needed=["progressive"])
    assert "line 3: participants P1 and p1 differ only in case, leading zeros" in problem
    for alike in ("P-1", "P_01", "p.001"):
        (own / "labels.csv").write_text(
            OWN + f"P1,films/a.mp4,50,30,20\n{alike},films/b.mp4,60,20,20\n"
        )
        [problem] = problems_of(own, videos=None, needed=["progressive"])
        assert f"P1 and {alike} differ only" in problem and "one person?" in problem
    for other in ("1-12", "P1.1", "P10"):
        (own / "labels.csv").write_text(
            OWN + f"P1,films/a.mp4,50,30,20\n{other},films/b.mp4,60,20,20\n"
            "11-2,films/c.mp4,60,20,20\n"
        )
        assert len(table_of(own, videos=None, needed=["progressive"])) == 3
    (own / "films/c.mp4").unlink()
    (own / "labels.csv").write_text(OWN + "1,films/a.mp4,50,30,20\n1.0,films/b.mp4,60,20,20\n")
    assert list(table_of(own, videos=None, needed=["progressive"]).index) == ["1", "1+2"]
    assert parse_participant_id("1" * 65) is None and parse_participant_id("007.0") == "7"


def test_a_quotation_mark_that_opens_a_cell(own):
    rows = ["participant,video,progressive,note", 'P1,films/a.mp4,50,"', 'P2,films/b.mp4,60,"']
    (own / "labels.csv").write_text("\n".join([*rows, "P3,films/c.mp4,40,"]))
    [problem] = problems_of(own, videos=None, needed=["progressive"])
    assert (
        "labels.csv, line 2: cannot be read as CSV (a quotation mark opens a cell that" in problem
    )


def test_headers_that_the_user_names_must_be_there(own):
    settings = {"videos": None, "needed": ["progressive"]}
    [problem] = problems_of(own, columns={"frame_rate": "fps"}, **settings)
    assert "missing 'fps'" in problem
    # Names of files say nothing where a column is to name them.
    settings["videos"] = str(own / "films")
    [problem] = problems_of(own, columns={"video": "Film"}, **settings)
    assert "missing 'Film'" in problem
    same = {"progressive": "immotile", "nonprogressive": " Immotile "}
    problems = problems_of(own, columns=same, **settings)
    assert "one column is to be 'progressive' and 'nonprogressive' and 'immotile'" in problems[0]


def test_a_wrong_header_does_not_hide_the_rows(own):
    edit(own / "labels.csv", "nonprogressive", "nonprog")
    edit(own / "labels.csv", "P2,films/b.mp4,60", "P2,films/gone.mp4,16 p")
    needed = ["progressive", "nonprogressive"]
    problems = problems_of(own, videos=None, needed=needed)
    for told in ("missing 'Non prog", "'16 p' is not a percentage", "gone.mp4 is no file"):
        assert any(told in line for line in problems), (told, problems)


def test_blank_lines_and_unreadable_tables(own):
    text = (own / "labels.csv").read_text()
    (own / "labels.csv").write_text("\n\n" + text)
    assert len(table_of(own, videos=None, needed=["progressive"])) == 3
    (own / "labels.csv").write_bytes(text.replace("P2", "P\xfc").encode("cp1252"))
    [problem] = problems_of(own, videos=str(own / "films"), needed=["progressive"])
    assert "is not UTF-8 text" in problem, "and nothing of what would follow from that"
    (own / "labels.csv").unlink()
    os.mkfifo(own / "labels.csv")
    assert "is no file" in problems_of(own, videos=None, needed=["progressive"])[0]


def test_percent_signs_are_understood_and_empty_cells_told(own):
    meant = table_of(own, videos=None, needed=["progressive"])
    edit(own / "labels.csv", "P2,films/b.mp4,60", "P2,films/b.mp4,60 %")
    pd.testing.assert_frame_equal(table_of(own, videos=None, needed=["progressive"]), meant)
    edit(own / "labels.csv", "P2,films/b.mp4,60 %", "P2,films/b.mp4,")
    [problem] = problems_of(own, videos=None, needed=["progressive"])
    assert "participant P2: nothing is said of progressive: fill it in, or remove" in problem
    edit(own / "labels.csv", ",,20,20", ",,,")
    [problem] = problems_of(own, videos=None, needed=list(MOTILITY))
    assert "of progressive, nonprogressive, immotile: fill it in" in problem, "one line a row"


def test_fractions_are_told(own):
    """What Excel shows as 95 % it holds as 0.95."""
    rows = ["participant,video,progressive,nonprogressive,immotile,head,tail"]
    rows += ["P1,films/a.mp4,0.5,0.3,0.2,0.95,0.1", "P2,films/b.mp4,50,30,20,0.9,1"]
    (own / "labels.csv").write_text("\n".join(rows))
    needed = ["progressive", "nonprogressive", "immotile", "head", "tail"]
    first, second = problems_of(own, videos=None, needed=needed)
    assert "add up to 1, not 100: multiply them by 100" in first
    assert "none of head, tail is above 1: these are fractions, multiply them by 100" in second
    edit(own / "labels.csv", "0.5,0.3,0.2,0.95", "50,30,20,95")
    assert problems_of(own, videos=None, needed=needed) == []


@pytest.mark.parametrize(
    "written, there, hint",
    [
        ("films\\a.mp4", "a.mp4", "write / where Windows has"),
        ("films/M\u00fcller.mp4", "Mu\u0308ller.mp4", r"other characters, 'Mu\u0308ller.mp4'"),
        ("films/Mu\u0308ller.mp4", "M\u00fcller.mp4", r"other characters, 'M\xfcller.mp4'"),
        ("films/tuesday.MP4", "tuesday.mp4", "is it 'tuesday.mp4'?"),
        ("films/tusday.mp4", "tuesday.mp4", "is it 'tuesday.mp4'?"),
    ],
)
def test_a_name_that_is_nearly_right(own, written, there, hint):
    (own / "films" / there).write_text("x")
    edit(own / "labels.csv", "P2,films/b.mp4", f"P2,{written}")
    [problem] = problems_of(own, videos=None, needed=["progressive"])
    assert "is no file: correct it" in problem and hint in problem


def test_videos_that_the_table_does_not_name_are_told(own):
    """Beside the table, and wherever those lie that it names."""
    for name in ("films/d.MP4", "e.avi", "films/notes.txt"):
        (own / name).write_text(name)
    table, problems, warnings = read(own, videos=None, needed=["progressive"])
    assert len(table) == 3 and problems == []
    beside, inside = warnings
    assert re.search(r"labels.csv names these videos, unused: e.avi$", beside)
    assert re.search(r"films: no row of .*labels.csv names these videos, unused: d.MP4$", inside)


def test_fractions_of_a_part_of_motility_are_told(own):
    text = (own / "labels.csv").read_text()
    (own / "labels.csv").write_text(re.sub(r"\b([1-9])0\b", r"0.\1", text))
    [problem] = problems_of(own, videos=None, needed=["progressive"])
    assert "none of progressive is above 1: these are fractions" in problem


def test_a_video_from_the_future_is_told(own):
    """Snakemake would remove what is made of it, as older than it."""
    os.utime(own / "films/b.mp4", (4e9, 4e9))
    [problem] = problems_of(own, videos=None, needed=["progressive"])
    assert "line 3: participant P2: " in problem and "b.mp4 has a time in the future" in problem
