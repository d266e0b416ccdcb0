"""The table of samples: VISEM's dialect and anybody's own is read, every problem told at once."""

import os
import re

import pandas as pd
import pytest

from motilens import dataset, samples, simulation
from motilens.samples import LABELS

ALL = tuple(LABELS)
STOP = {"tolerance": 1, "otherwise": "stop"}


@pytest.fixture
def files(tmp_path):
    """A data set of four participants as VISEM has it: labels, videos, list of videos."""
    table = dataset.sample_table(4, seed=1, folder=str(tmp_path / "videos"))
    (tmp_path / "videos").mkdir()
    for path in table["video"]:
        (tmp_path / "videos" / path.rpartition("/")[2]).write_text(path)
    dataset.write_labels(table, tmp_path / "labels.csv")
    dataset.write_video_list(table, tmp_path / "videos.csv")
    return tmp_path


def read(files, video_list=None, needed=ALL, **settings):
    """Table, problems, warnings."""
    named = {"labels": str(files / "labels.csv"), "videos": str(files / "videos")}
    if video_list:
        named["video_list"] = str(files / video_list)
    return samples.read_samples(named | {"motility_sum": STOP} | settings, needed)


def table_of(*arguments, **settings):
    table, problems, warnings = read(*arguments, **settings)
    assert problems == [] and warnings == []
    return table


def problems_of(*arguments, **settings):
    return read(*arguments, **settings)[1]


def edit(path, old, new):
    text = path.read_bytes().decode("utf-8-sig")
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode("utf-8-sig"))


def rewrite(files, change):
    path = files / "labels.csv"
    path.write_bytes(change(path.read_bytes().decode("utf-8-sig")).encode("utf-8-sig"))


def test_dialect_is_visems(files):
    raw = (files / "labels.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfID;") and raw.count(b"\r\n") == raw.count(b"\n") == 5
    assert b"Progressive motility (%)" in raw and b"." not in raw
    assert (files / "videos.csv").read_bytes().startswith(b"\xef\xbb\xbfID;video\r\n")


@pytest.mark.parametrize("video_list", [None, "videos.csv"])
def test_simulated_files_are_read_as_they_were_meant(files, video_list):
    meant = dataset.sample_table(4, seed=1, folder=str(files / "videos"))
    pd.testing.assert_frame_equal(table_of(files, video_list), meant)


def test_simulated_labels_are_counted_from_the_cells(files):
    for row in table_of(files).to_dict("records"):
        cells = simulation.draw_cells(int(row["participant"]), 1)
        assert row["head"] == pytest.approx(100 * cells.head_defect.mean())
        immotile = (cells.motility == simulation.IMMOTILE).mean()
        assert row["immotile"] == pytest.approx(100 * immotile)


def test_all_problems_are_told_at_once(files):
    first = table_of(files)["video"].iloc[0]
    (files / "videos" / "notes.avi").touch()
    (files / "videos" / "9_10.10.10_XY.avi").touch()
    (files / "videos" / first.rpartition("/")[2]).unlink()
    (files / "videos" / "2_copy.avi").write_bytes(next((files / "videos").glob("3_*")).read_bytes())
    edit(files / "labels.csv", "\r\n3;", "\r\n3;Not reported")
    text = (files / "labels.csv").read_bytes().decode("utf-8-sig")
    last = text.rstrip().rpartition("\r\n")[2]
    (files / "labels.csv").write_bytes((text + last + "\r\n").encode("utf-8-sig"))
    problems = problems_of(files)
    for told in (
        "participant 1 has labels but no video",
        "participant 9 has no row",
        "notes.avi: its name does not begin",
        "line 6: participant 4 has more than one row",
        "line 4: participant 3, progressive: 'Not reported",
        "has the same content as",
    ):
        assert sum(told in line for line in problems) == 1, (told, problems)
    assert len(problems) == 6


@pytest.mark.parametrize("value", ["101", "-1", "nan", "inf", "12.5.1", "1_0", "%", "1e1"])
def test_what_is_no_percentage(files, value):
    path = files / "labels.csv"
    path.write_bytes(re.sub(rb"\r\n2;[^;]*;", f"\r\n2;{value};".encode(), path.read_bytes()))
    [problem] = problems_of(files)
    assert f"labels.csv, line 3: participant 2, progressive: {value!r} is not a perc" in problem
    table = table_of(files, needed=["head", "tail"])
    assert pd.isna(table.loc["2", "progressive"]), "nobody asks for it"


def test_missing_column_and_missing_file(files):
    edit(files / "labels.csv", "Immotile sperm (%)", "immotile sperms")
    [problem, *_] = problems_of(files)
    assert "missing 'Immotile sperm (%)' or 'immotile' (is it 'immotile sperms'?)" in problem
    columns = {"immotile": "immotile sperms"}
    assert table_of(files, columns=columns)["immotile"].notna().all()
    assert "immotile" not in table_of(files, needed=["head"])
    (files / "labels.csv").unlink()
    assert "labels.csv: no such file" in problems_of(files)[0]


def test_missing_folder_and_listed_video(files):
    edit(files / "videos.csv", "\r\n2;", "\r\n2;no ")
    [problem] = problems_of(files, "videos.csv")
    assert re.search("line 3: participant 2: .*no 2_.* is no file", problem)
    assert "no such folder" in problems_of(files, videos="films")[0]
    assert "has no column `video`" in problems_of(files, videos=None)[0]


def test_one_video_of_two_participants(files):
    """Held out with one, seen with the other: the leak that nobody would notice."""
    path = files / "videos.csv"
    text = path.read_text("utf-8-sig")
    first, third = (re.search(rf"^{n};(.*)$", text, re.M)[1] for n in (1, 3))
    path.write_text(text.replace(f"3;{third}", f"3;{first}"))
    [problem] = problems_of(files, "videos.csv")
    assert re.search("participant 3: .* has the same content as .*participant 1", problem)
    (files / "videos" / third).unlink()
    (files / "videos" / third).symlink_to(files / "videos" / first)
    assert "has the same content" in problems_of(files)[0]


def test_a_list_with_empty_cells(files):
    edit(files / "videos.csv", "\r\n2;", "\r\n;")
    edit(files / "videos.csv", re.search("3_.*", (files / "videos.csv").read_text())[0], "")
    problems = problems_of(files, "videos.csv")
    assert any("videos.csv, line 3: '' is no ID" in line for line in problems)
    assert any("line 4: participant 3: names no video" in line for line in problems)


def test_several_videos_of_one_participant(files):
    (files / "videos" / "2_again.avi").write_text("another")
    table = table_of(files)
    assert list(table.index) == ["1", "2", "2+2", "3", "4"]
    assert table.loc["2+2", "participant"] == "2"
    assert table.loc["2+2", "head"] == table.loc["2", "head"]


@pytest.mark.parametrize("bad", ["a/b", "..", "", "7+2"])
def test_ids_that_cannot_be_in_a_path(files, bad):
    edit(files / "labels.csv", "\r\n2;", f"\r\n{bad};")
    assert any(f"labels.csv, line 3: {bad!r} is no ID" in line for line in problems_of(files))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ".").replace(";", ","),
        lambda text: text.replace(";", "\t"),
        lambda text: text.replace("\r\n", "\n").removeprefix("\ufeff"),
        lambda text: text.replace("\r\n", "\r"),
        lambda text: text.replace("\r\n", ";;\r\n"),  # cells without a name, but empty
        lambda text: text + ";;;;;;\r\n\r\n",
        lambda text: text.replace("Head defects (%)", " HEAD  defects (%) "),
        lambda text: text.replace("\r\n1;", "\r\n01;"),
    ],
)
def test_other_dialects_are_read_alike(files, change):
    meant = table_of(files)
    rewrite(files, change)
    pd.testing.assert_frame_equal(table_of(files), meant)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "xlsx"])
def test_other_files_are_read_alike(files, encoding):
    meant, path = table_of(files), files / "labels.csv"
    if encoding == "xlsx":
        sheet = pd.read_csv(path, sep=";", decimal=",", encoding="utf-8-sig")
        path = files / "labels.xlsx"
        sheet.to_excel(path, index=False)
    else:
        path.write_bytes(path.read_bytes().decode("utf-8-sig").encode(encoding))
    pd.testing.assert_frame_equal(table_of(files, labels=str(path)), meant)


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda text: text.replace(";", ","), "line 2: 13 cells under a header of 7"),
        (lambda text: text.replace("\r\n2;", "\r\n2;4;"), "line 3: 8 cells under a header of 7"),
        (lambda text: "", "it is empty"),
        (lambda text: text.partition("\r\n")[0], "has no row under its header"),
        (
            lambda text: text.replace("Head def", "Tail def"),
            "missing 'Head defects.*both mean 'tail'",
        ),
        (lambda text: text.replace(";", "|"), "separator must be a semicolon, a comma or a tab"),
    ],
)
def test_what_would_shift_columns_is_refused(files, change, told):
    rewrite(files, change)
    assert re.search(told, problems_of(files)[0])


def test_other_encodings_and_folders_are_refused(files):
    path, text = files / "labels.csv", (files / "labels.csv").read_bytes().decode("utf-8-sig")
    for data, told in (
        (text.replace("\r\n3;", "\r\n3\xb5;").encode("cp1252"), "line 4: is not UTF-8 text: save"),
        (text.encode("utf-16-le"), "is no text file: save it as"),
    ):
        path.write_bytes(data)
        assert told in problems_of(files)[0]
    assert "is no file: correct its path" in problems_of(files, labels=str(files / "videos"))[0]
    (files / "labels.xlsx").write_bytes(b"no zip")
    assert "cannot be read as Excel" in problems_of(files, labels=str(files / "labels.xlsx"))[0]


def test_percentages_of_motility_that_do_not_add_up(files):
    """Fractions instead of percentages, for one."""
    rewrite(files, lambda text: re.sub(r"\d+,\d+", "0,3", text))
    asked = {"needed": samples.MOTILITY}
    problems = problems_of(files, **asked)
    assert len(problems) == 4 and "add up to 0.9, not 100: correct them" in problems[0]
    assert problems_of(files, motility_sum={"tolerance": 99.1, "otherwise": "stop"}, **asked) == []
    _, problems, warnings = read(files, motility_sum={"tolerance": 1, "otherwise": "warn"}, **asked)
    assert problems == [] and len(warnings) == 4
    [problem] = problems_of(files, needed=["head"])
    assert "fractions" in problem, "nobody asks for motility"


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
    (own / "labels.csv").write_text(OWN + "1,films/a.mp4,50,30,20\n1.0,films/b.mp4,60,20,20\n")
    assert list(table_of(own, videos=None, needed=["progressive"]).index) == ["1", "1+2"]
    assert samples.participant_id("1" * 65) is None and samples.participant_id("007.0") == "7"


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
    same = {"progressive": "immotile", "nonprogressive": " Immotile "}
    problems = problems_of(own, columns=same, **settings)
    assert "one column is to be 'progressive' and 'nonprogressive' and 'immotile'" in problems[0]


def test_headers_of_the_list_and_of_the_folds(files):
    meant = table_of(files, "videos.csv")
    edit(files / "videos.csv", "ID;video", "ID;Film")
    columns = {"video": "Film", "fold": "Gruppe"}
    pd.testing.assert_frame_equal(table_of(files, "videos.csv", columns=columns), meant)
    edit(files / "labels.csv", "ID;", "Nr;")
    columns |= {"participant": "Nr"}
    pd.testing.assert_frame_equal(table_of(files, "videos.csv", columns=columns), meant)


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


def test_a_name_that_snakemake_would_read_otherwise(files):
    (files / "videos" / "4_{a}.avi").write_text("x")
    [problem] = problems_of(files)
    assert "4_{a}.avi" in problem and "rename it" in problem


def test_order_is_as_people_count():
    table = pd.DataFrame({"participant": ["10", "2", "1"]})
    assert samples.in_order(table)["participant"].tolist() == ["1", "2", "10"]


def test_percent_signs_are_understood_and_empty_cells_told(own):
    meant = table_of(own, videos=None, needed=["progressive"])
    edit(own / "labels.csv", "P2,films/b.mp4,60", "P2,films/b.mp4,60 %")
    pd.testing.assert_frame_equal(table_of(own, videos=None, needed=["progressive"]), meant)
    edit(own / "labels.csv", "P2,films/b.mp4,60 %", "P2,films/b.mp4,")
    [problem] = problems_of(own, videos=None, needed=["progressive"])
    assert "participant P2: nothing is said of progressive: fill it in, or remove" in problem
    edit(own / "labels.csv", ",,20,20", ",,,")
    [problem] = problems_of(own, videos=None, needed=list(samples.MOTILITY))
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
    """Of the folder that the user names: a column of paths may lead to many others."""
    for _ in range(3):
        edit(own / "labels.csv", "films/", "")
    (own / "films" / "d.MP4").write_text("d")
    (own / "films" / "notes.txt").write_text("no video")
    table, problems, warnings = read(own, videos=str(own / "films"), needed=["progressive"])
    assert len(table) == 3 and problems == []
    [warning] = warnings
    assert re.search(r"films: videos are not used, .*labels.csv names them: d.MP4$", warning)


def test_videos_that_the_list_does_not_name_are_told(files):
    (files / "videos" / "notes.avi").write_text("x")
    table, problems, warnings = read(files, "videos.csv")
    assert len(table) == 4 and problems == []
    assert "notes.avi" in warnings[0] and "videos.csv" in warnings[0]
