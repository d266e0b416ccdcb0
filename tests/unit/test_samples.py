"""The table of samples: VISEM's dialect is read, and every problem is told, all at once."""

import re

import pandas as pd
import pytest

from motilens import InputError, dataset, samples, simulation


@pytest.fixture
def files(tmp_path):
    """A data set of four participants as VISEM has it: labels, videos, list of videos."""
    table = dataset.sample_table(4, seed=1, folder=str(tmp_path / "videos"))
    (tmp_path / "videos").mkdir()
    for path in table["video"]:
        (tmp_path / "videos" / path.rpartition("/")[2]).touch()
    dataset.write_labels(table, tmp_path / "labels.csv")
    dataset.write_video_list(table, tmp_path / "videos.csv")
    return tmp_path


def read(files, video_list=None):
    return samples.read_samples(
        str(files / "labels.csv"), str(files / "videos"), video_list and str(files / video_list)
    )


def edit(path, old, new):
    text = path.read_bytes().decode("utf-8-sig")
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode("utf-8-sig"))


def test_dialect_is_visems(files):
    raw = (files / "labels.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfID;") and raw.count(b"\r\n") == raw.count(b"\n") == 5
    assert b"Progressive motility (%)" in raw and b"." not in raw
    assert (files / "videos.csv").read_bytes().startswith(b"\xef\xbb\xbfID;video\r\n")


@pytest.mark.parametrize("video_list", [None, "videos.csv"])
def test_simulated_files_are_read_as_they_were_meant(files, video_list):
    meant = dataset.sample_table(4, seed=1, folder=str(files / "videos"))
    pd.testing.assert_frame_equal(read(files, video_list), meant)


def test_simulated_labels_are_counted_from_the_cells(files):
    for row in read(files).to_dict("records"):
        cells = simulation.draw_cells(int(row["participant"]), 1)
        assert row["head"] == pytest.approx(100 * cells.head_defect.mean())
        immotile = (cells.motility == simulation.IMMOTILE).mean()
        assert row["immotile"] == pytest.approx(100 * immotile)


def test_all_problems_are_told_at_once(files):
    first = read(files)["video"][0]
    (files / "videos" / "notes.avi").touch()
    (files / "videos" / "9_10.10.10_XY.avi").touch()
    (files / "videos" / first.rpartition("/")[2]).unlink()
    edit(files / "labels.csv", "\r\n3;", "\r\n3;Not reported")
    text = (files / "labels.csv").read_bytes().decode("utf-8-sig")
    last = text.rstrip().rpartition("\r\n")[2]
    (files / "labels.csv").write_bytes((text + last + "\r\n").encode("utf-8-sig"))
    with pytest.raises(InputError) as error:
        read(files)
    message = str(error.value)
    assert "participant 1 has labels but no video" in message
    assert "participant 9 has no row" in message
    assert "notes.avi: its name does not begin" in message
    assert "participant 4 has more than one row" in message
    assert "line 4: participant 3, column 'Progressive motility (%)': 'Not reported" in message
    assert message.count("\n") == 5


@pytest.mark.parametrize("value", ["", "101", "-1", "nan", "inf", "12.5.1", "1_0", "10%", "1e1"])
def test_what_is_no_percentage(files, value):
    path = files / "labels.csv"
    path.write_bytes(re.sub(rb"\r\n2;[^;]*;", f"\r\n2;{value};".encode(), path.read_bytes()))
    _, problems = samples.read_labels(str(files / "labels.csv"))
    assert any("participant 2, column 'Progressive" in line for line in problems)


def test_missing_column_and_missing_file(files):
    edit(files / "labels.csv", "Immotile sperm (%)", "immotile")
    with pytest.raises(InputError, match=r"labels.csv: missing .*'Immotile sperm \(%\)'"):
        read(files)
    (files / "labels.csv").unlink()
    with pytest.raises(InputError, match="labels.csv: no such file"):
        read(files)


def test_missing_folder_and_listed_video(files):
    edit(files / "videos.csv", "\r\n2;", "\r\n2;no ")
    with pytest.raises(InputError, match="participant 2: .*no 2_.* is no file"):
        read(files, "videos.csv")
    with pytest.raises(InputError, match="no such folder"):
        samples.read_samples(str(files / "labels.csv"), str(files / "films"))


def test_one_video_of_two_participants(files):
    """Held out with one, seen with the other: the leak that nobody would notice."""
    path = files / "videos.csv"
    text = path.read_text("utf-8-sig")
    first, third = (re.search(rf"^{n};(.*)$", text, re.M)[1] for n in (1, 3))
    path.write_text(text.replace(f"3;{third}", f"3;{first}"))
    with pytest.raises(InputError, match="participants 1 and 3 have the same video"):
        read(files, "videos.csv")
    (files / "videos" / third).unlink()
    (files / "videos" / third).symlink_to(files / "videos" / first)
    with pytest.raises(InputError, match="have the same video"):
        read(files)


def test_a_list_with_empty_cells(files):
    edit(files / "videos.csv", "\r\n2;", "\r\n;")
    with pytest.raises(InputError, match="videos.csv, line 3: ID '' or video '2_.*' is not usable"):
        read(files, "videos.csv")


def test_two_videos_of_one_participant(files):
    (files / "videos" / "2_again.avi").touch()
    with pytest.raises(InputError, match="participant 2 already has"):
        read(files)


@pytest.mark.parametrize("bad", ["a/b", "..", ""])
def test_ids_that_cannot_be_in_a_path(files, bad):
    edit(files / "labels.csv", "\r\n2;", f"\r\n{bad};")
    _, problems = samples.read_labels(str(files / "labels.csv"))
    assert problems


def rewrite(files, change):
    path = files / "labels.csv"
    path.write_bytes(change(path.read_bytes().decode("utf-8-sig")).encode("utf-8-sig"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ".").replace(";", ","),
        lambda text: text.replace(";", "\t"),
        lambda text: text.replace("\r\n", "\n").removeprefix("\ufeff"),
        lambda text: text.replace("\r\n", ";;\r\n"),  # cells without a name, but empty
        lambda text: text + ";;;;;;\r\n\r\n",
        lambda text: text.replace("Head defects (%)", " Head defects (%) "),
        lambda text: text.replace("\r\n1;", "\r\n01;"),
    ],
)
def test_other_dialects_are_read_alike(files, change):
    meant = read(files)
    rewrite(files, change)
    pd.testing.assert_frame_equal(read(files), meant)


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda text: text.replace(";", ","), "line 2: 13 cells under a header of 7"),
        (lambda text: text.replace("\r\n2;", "\r\n2;4;"), "line 3: 8 cells under a header of 7"),
        (lambda text: "", "cannot be read as CSV"),
        (
            lambda text: text.replace("Head defects", "Tail defects"),
            "missing .* 'Head",
        ),
    ],
)
def test_what_would_shift_columns_is_refused(files, change, told):
    rewrite(files, change)
    with pytest.raises(InputError, match=told):
        read(files)


def test_other_encodings_and_folders_are_refused(files):
    text = (files / "labels.csv").read_bytes().decode("utf-8-sig")
    (files / "labels.csv").write_bytes(text.encode("utf-16"))
    with pytest.raises(InputError, match="labels.csv: cannot be read as CSV in UTF-8"):
        read(files)
    with pytest.raises(InputError, match="cannot be read as CSV"):
        samples.read_samples(str(files / "videos"), str(files / "videos"))


def test_fractions_instead_of_percentages_are_noticed(files):
    rewrite(files, lambda text: re.sub(r"\d+,\d+", "0,3", text))
    _, problems = samples.read_labels(str(files / "labels.csv"))
    assert len(problems) == 4 and "add up to 0.9, not 100" in problems[0]


def test_a_name_that_snakemake_would_read_otherwise(files):
    path = files / "videos" / "5_{a}.avi"
    path.touch()
    _, problems = samples.find_videos(str(files / "videos"), None)
    assert len(problems) == 1 and "5_{a}.avi" in problems[0] and "rename it" in problems[0]


def test_order_is_as_people_count():
    table = pd.DataFrame({"participant": ["10", "2", "1"]})
    assert samples.in_order(table)["participant"].tolist() == ["1", "2", "10"]


def test_a_fingerprint_is_of_the_content(tmp_path):
    first, second = tmp_path / "1.avi", tmp_path / "2.avi"
    content = bytes(range(256)) * 20_000
    first.write_bytes(content)
    second.write_bytes(content)
    assert samples.fingerprint(str(first)) == samples.fingerprint(str(second))
    prints = {samples.fingerprint(str(first))}
    for changed in (content[:-1], b"x" + content[1:], content[:-1] + b"x", content + b"x",
                    content.replace(b"\x07", b"\x08"), b"", b"short"):  # fmt: skip
        second.write_bytes(changed)
        prints.add(samples.fingerprint(str(second)))
    assert len(prints) == 8
    with pytest.raises(InputError, match="3.avi: cannot be read"):
        samples.fingerprint(str(tmp_path / "3.avi"))
