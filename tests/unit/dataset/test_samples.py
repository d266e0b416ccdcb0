"""The table of samples in VISEM's dialect, and others: read alike, every problem told at once."""

import re

import pandas as pd
import pytest
from sample_tables import edit, problems_of, read, rewrite, table_of

from motilens.core.labels import MOTILITY
from motilens.dataset.samples import sort_by_participant
from motilens.simulation.cells import IMMOTILE, draw_cells
from motilens.simulation.visem_files import (
    simulated_sample_table,
    write_label_table,
    write_video_list,
)


@pytest.fixture
def files(tmp_path):
    """A data set of four participants as VISEM has it: labels, videos, list of videos."""
    table = simulated_sample_table(4, seed=1, folder=str(tmp_path / "videos"))
    (tmp_path / "videos").mkdir()
    for path in table["video"]:
        (tmp_path / "videos" / path.rpartition("/")[2]).write_text(path)
    write_label_table(table, tmp_path / "labels.csv")
    write_video_list(table, tmp_path / "videos.csv")
    return tmp_path


def test_dialect_is_visems(files):
    raw = (files / "labels.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfID;") and raw.count(b"\r\n") == raw.count(b"\n") == 5
    assert b"Progressive motility (%)" in raw and b"." not in raw
    assert (files / "videos.csv").read_bytes().startswith(b"\xef\xbb\xbfID;video\r\n")


@pytest.mark.parametrize("video_list", [None, "videos.csv"])
def test_simulated_files_are_read_as_they_were_meant(files, video_list):
    meant = simulated_sample_table(4, seed=1, folder=str(files / "videos"))
    pd.testing.assert_frame_equal(table_of(files, video_list), meant)


def test_simulated_labels_are_counted_from_the_cells(files):
    for row in table_of(files).to_dict("records"):
        cells = draw_cells(int(row["participant"]), 1)
        assert row["head"] == pytest.approx(100 * cells.head_defect.mean())
        immotile = (cells.motility == IMMOTILE).mean()
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
    asked = {"needed": MOTILITY}
    problems = problems_of(files, **asked)
    assert len(problems) == 4 and "add up to 0.9, not 100: correct them" in problems[0]
    assert problems_of(files, motility_sum={"tolerance": 99.1, "otherwise": "stop"}, **asked) == []
    _, problems, warnings = read(files, motility_sum={"tolerance": 1, "otherwise": "warn"}, **asked)
    assert problems == [] and len(warnings) == 4
    [problem] = problems_of(files, needed=["head"])
    assert "fractions" in problem, "nobody asks for motility"


def test_headers_of_the_list_and_of_the_folds(files):
    meant = table_of(files, "videos.csv")
    edit(files / "videos.csv", "ID;video", "ID;Film")
    columns = {"video": "Film", "fold": "Gruppe"}
    pd.testing.assert_frame_equal(table_of(files, "videos.csv", columns=columns), meant)
    edit(files / "labels.csv", "ID;", "Nr;")
    columns |= {"participant": "Nr"}
    pd.testing.assert_frame_equal(table_of(files, "videos.csv", columns=columns), meant)


def test_a_name_that_snakemake_would_read_otherwise(files):
    (files / "videos" / "4_{a}.avi").write_text("x")
    [problem] = problems_of(files)
    assert "4_{a}.avi" in problem and "rename it" in problem


def test_order_is_as_people_count():
    table = pd.DataFrame({"participant": ["10", "2", "1"]})
    assert sort_by_participant(table)["participant"].tolist() == ["1", "2", "10"]


def test_videos_that_the_list_does_not_name_are_told(files):
    (files / "videos" / "notes.avi").write_text("x")
    table, problems, warnings = read(files, "videos.csv")
    assert len(table) == 4 and problems == []
    assert "notes.avi" in warnings[0] and "videos.csv" in warnings[0]
