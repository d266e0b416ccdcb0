"""The table of samples of a data set like VISEM: every error is reported at once."""

import re

import pandas as pd
import pytest

from motilens.core.labels import MOTILITY
from motilens.dataset.participants import sort_by_participant
from motilens.simulation.cells import IMMOTILE, draw_cells
from motilens.simulation.visem_files import simulated_sample_table
from support.sample_tables import assert_reported, edit, errors_of, read, rewrite, table_of


def test_simulated_tables_have_the_dialect_of_visem_and_labels_that_count_the_cells(files):
    raw = (files / "labels.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfID;") and raw.count(b"\r\n") == raw.count(b"\n") == 5
    assert b"Progressive motility (%)" in raw and b"." not in raw
    assert (files / "videos.csv").read_bytes().startswith(b"\xef\xbb\xbfID;video\r\n")
    for row in table_of(files).to_dict("records"):
        cells = draw_cells(int(row["participant"]), 1)
        assert row["head"] == pytest.approx(100 * cells.head_defect.mean())
        assert row["immotile"] == pytest.approx(100 * (cells.motility == IMMOTILE).mean())


@pytest.mark.parametrize("video_list", [None, "videos.csv"])
def test_simulated_files_are_read_as_they_were_written(files, video_list):
    expected = simulated_sample_table(4, seed=1, folder=str(files / "videos"))
    pd.testing.assert_frame_equal(table_of(files, video_list), expected)


def test_all_errors_are_reported_at_once(files):
    first = table_of(files)["video"].iloc[0]
    (files / "videos" / "notes.avi").touch()
    (files / "videos" / "9_10.10.10_XY.avi").touch()
    (files / "videos" / first.rpartition("/")[2]).unlink()
    (files / "videos" / "2_copy.avi").write_bytes(next((files / "videos").glob("3_*")).read_bytes())
    edit(files / "labels.csv", "\r\n3;", "\r\n3;Not reported")
    rewrite(files, lambda text: text + text.rstrip().rpartition("\r\n")[2] + "\r\n")
    errors = errors_of(files)
    for message in (
        "participant 1 has labels but no video", "participant 9 has no row",
        "notes.avi: its name does not begin", "line 6: participant 4 has more than one row",
        "line 4: participant 3, progressive: 'Not reported", "has the same content as",
    ):  # fmt: skip
        assert sum(message in line for line in errors) == 1, (message, errors)
    assert len(errors) == 6


def test_labels_without_videos_are_reported_in_the_order_of_the_table(files):
    for path in files.glob("videos/[123]_*"):
        path.unlink()
    assert re.findall(r"participant (\d) has labels", "\n".join(errors_of(files))) == [*"123"]


@pytest.mark.parametrize("value", ["101", "-1", "nan", "inf", "12.5.1", "1_0", "%", "1e1"])
def test_what_is_no_percentage_is_reported(files, value):
    rewrite(files, lambda text: re.sub(r"\r\n2;[^;]*;", f"\r\n2;{value};", text))
    [error] = errors_of(files)
    assert f"labels.csv, line 3: participant 2, progressive: {value!r} is not a perc" in error
    table = table_of(files, needed=["head", "tail"])
    assert pd.isna(table.loc["2", "progressive"]), "no target needs it"


def test_missing_folders_and_videos_are_reported(files):
    edit(files / "videos.csv", "\r\n2;", "\r\n2;no ")
    [error] = errors_of(files, "videos.csv")
    assert re.search("line 3: participant 2: .*no 2_.* is no file", error)
    assert "no such folder" in errors_of(files, videos="films")[0]
    assert "has no column `video`" in errors_of(files, videos=None)[0]


def test_one_video_of_two_participants_is_reported(files):
    """One could be held out and the other seen in training, unnoticed."""
    path = files / "videos.csv"
    text = path.read_text("utf-8-sig")
    first, third = (re.search(rf"^{n};(.*)$", text, re.M)[1] for n in (1, 3))
    path.write_text(text.replace(f"3;{third}", f"3;{first}"))
    [error] = errors_of(files, "videos.csv")
    assert re.search("participant 3: .* has the same content as .*participant 1", error)
    (files / "videos" / third).unlink()
    (files / "videos" / third).symlink_to(files / "videos" / first)
    assert "has the same content" in errors_of(files)[0]


def test_empty_cells_in_the_list_of_videos_are_reported(files):
    edit(files / "videos.csv", "\r\n2;", "\r\n;")
    edit(files / "videos.csv", re.search("3_.*", (files / "videos.csv").read_text())[0], "")
    errors = "\n".join(errors_of(files, "videos.csv"))
    assert "videos.csv, line 3: '' is no ID" in errors
    assert "line 4: participant 3: names no video" in errors


def test_a_participant_may_have_several_videos_and_is_sorted_as_people_count(files):
    (files / "videos" / "2_again.avi").write_text("another")
    table = table_of(files)
    assert list(table.index) == ["1", "2", "2+2", "3", "4"]
    assert table.loc["2+2", "participant"] == "2"
    assert table.loc["2+2", "head"] == table.loc["2", "head"]
    table = pd.DataFrame({"participant": ["10", "2", "1"]})
    assert sort_by_participant(table)["participant"].tolist() == ["1", "2", "10"]


@pytest.mark.parametrize("bad", ["a/b", "..", "", "7+2"])
def test_ids_that_cannot_be_in_a_path_are_refused(files, bad):
    edit(files / "labels.csv", "\r\n2;", f"\r\n{bad};")
    assert any(f"labels.csv, line 3: {bad!r} is no ID" in line for line in errors_of(files))


def test_percentages_of_motility_that_do_not_add_up_are_reported(files):
    rewrite(files, lambda text: re.sub(r"\d+,\d+", "0,3", text))
    motility = {"needed": MOTILITY}
    errors = errors_of(files, **motility)
    assert len(errors) == 4 and "add up to 0.9, not 100: correct them" in errors[0]
    lenient = {"tolerance": 99.1, "on_mismatch": "error"}
    assert errors_of(files, motility_sum=lenient, **motility) == []
    _, issues = read(files, motility_sum={"tolerance": 1, "on_mismatch": "warn"}, **motility)
    assert issues.errors == [] and len(issues.warnings) == 4
    [error] = errors_of(files, needed=["head"])
    assert "fractions" in error, "no target needs motility"


def test_headers_of_the_list_and_of_the_folds_may_be_others(files):
    expected = table_of(files, "videos.csv")
    edit(files / "videos.csv", "ID;video", "ID;Film")
    columns = {"video": "Film", "fold": "Gruppe"}
    pd.testing.assert_frame_equal(table_of(files, "videos.csv", columns=columns), expected)
    edit(files / "labels.csv", "ID;", "Nr;")
    columns |= {"participant": "Nr"}
    pd.testing.assert_frame_equal(table_of(files, "videos.csv", columns=columns), expected)


def test_a_name_with_a_meaning_for_snakemake_is_refused(files):
    (files / "videos" / "4_{a}.avi").write_text("x")
    [error] = errors_of(files)
    assert "4_{a}.avi" in error and "rename it" in error


def test_videos_that_the_list_does_not_name_are_reported(files):
    (files / "videos" / "notes.avi").write_text("x")
    table, issues = read(files, "videos.csv")
    assert len(table) == 4 and issues.errors == []
    assert "notes.avi" in issues.warnings[0] and "videos.csv" in issues.warnings[0]


def test_facts_of_both_tables_are_joined_and_compared(files):
    """Before, an empty cell of the list hid the true rate of the labels."""
    rewrite(files, lambda text: text.replace("\r\n", ";100\r\n").replace(";100", ";frame_rate", 1))
    edit(files / "videos.csv", "ID;video", "ID;video;frame_rate")
    path = files / "videos.csv"
    first, *rows = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join([first, *(f"{row};" for row in rows)]))
    table, issues = read(files, "videos.csv")
    assert issues.errors == [] and set(table["frame_rate"]) == {100}
    path.write_text("\n".join([first, *(f"{row};50" for row in rows)]))
    errors = errors_of(files, "videos.csv")
    assert_reported(["frame_rate is 50 here and 100 in the table of labels"], errors)


def test_a_list_of_videos_that_was_sorted_alone_is_reported(tmp_path):
    labels, videos = tmp_path / "labels.csv", tmp_path / "videos.csv"
    (tmp_path / "videos").mkdir()
    for name in ("P1_a.avi", "P2_a.avi"):
        (tmp_path / "videos" / name).write_text(name)
    labels.write_text("ID,progressive,nonprogressive,immotile\nP1,50,30,20\nP2,60,20,20\n")
    videos.write_text("ID;video\nP1;P2_a.avi\nP2;P1_a.avi\n")
    errors = errors_of(tmp_path, "videos.csv", needed=["progressive"])
    assert_reported(["videos.csv: videos are named after another participant"], errors)
