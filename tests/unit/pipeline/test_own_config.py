"""`make new`: a configuration for tables as laboratories keep them."""

import os
from pathlib import Path

import openpyxl
import pytest
import yaml

from motilens.dataset.samples import read_samples
from motilens.pipeline.config import check_config
from motilens.pipeline.own_config import write_own_config
from support.configs import ROOT, SCHEMA
from support.errors import assert_refused

MODEL = (ROOT / "config/own.yaml").read_text(encoding="utf-8")
MOTILITY = [["52", "20", "28"], ["31.5", "28.5", "40"], ["44", "20", "36"]]
DEFECTS = [["94", "20", "11"], ["97", "25", "14"], ["95", "22", "9"]]


@pytest.fixture(autouse=True)
def lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab").mkdir()


def draw_videos(*names):
    for name in names:
        path = f"lab/videos/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(name)


def write_table(path, header, rows, separator=","):
    """Write CSV, or Excel with numbers where the text is one."""
    if not path.endswith(".xlsx"):
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(separator.join(row) + "\n" for row in [header, *rows])
        return
    book = openpyxl.Workbook()
    for row in [header, *rows]:
        book.active.append([float(c) if c.replace(".", "", 1).isdigit() else c for c in row])
    book.save(path)


def make_config(table, out="my_study.yaml", rate=None, videos="lab/videos"):
    """Return the configuration that is written, and what is printed."""
    lines = write_own_config(videos, table, Path(out), MODEL, lambda path: rate)
    return yaml.safe_load(Path(out).read_text(encoding="utf-8")), "\n".join(lines)


def join(ids, *parts):
    return [
        [who, *(c for part in row for c in part)] for who, *row in zip(ids, *parts, strict=True)
    ]


def check(config):
    """Return the table of samples of a configuration that has no errors."""
    checked = check_config(config, SCHEMA)
    needed = sorted(set().union(*checked["targets"].values()))
    table, issues = read_samples(checked["dataset"], needed)
    assert issues.errors == []
    assert not table[needed].isna().any().any()
    return table


FILES = [["a.avi"], ["b.avi"], ["c.avi"]]
PEOPLE = ["P 1", "P 2", "P 3"]
GERMAN = ["PR [%]", "NP [%]", "IM [%]", "Kopfdefekte", "Mittelstückdefekte (%)", "Geißeldefekte"]
SPOKEN = [
    "Progressive Motilität",
    "nicht-progressiv %",
    "Unbewegliche (%)",
    "Kopf",
    "Hals",
    "Schwanz",
]
ENGLISH = [
    "Progressive_motility",
    "Non-progressive (%)",
    "Immotile",
    "Head defects",
    "Neck",
    "Tail",
]
TABLES = {
    "ours": ("t.csv", ["participant", "video", "progressive", "nonprogressive", "immotile",
                       "head", "midpiece", "tail"], ","),
    "VISEM's": ("t.csv", ["ID", "video", "Progressive motility (%)",
                          "Non progressive sperm motility (%)", "Immotile sperm (%)",
                          "Head defects (%)", "Midpiece and neck defects (%)",
                          "Tail defects (%)"], ";"),
    "English": ("t.xlsx", ["Patient ID", "File name", *ENGLISH], None),
    "German, decimal commas": ("t.csv", ["Proben-Nr.", "Datei", *GERMAN], ";"),
    "German, in words": ("t.xlsx", ["Probandencode", "Aufnahme", *SPOKEN], None),
    "samples": ("t.csv", ["Sample", "Clip", *SPOKEN], "\t"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_names_its_videos(name):
    file, header, separator = TABLES[name]
    draw_videos("a.avi", "b.avi", "c.avi")
    rows = join(PEOPLE, FILES, MOTILITY, DEFECTS)
    if separator == ";":
        rows = [[cell.replace(".", ",") if cell[0].isdigit() else cell for cell in r] for r in rows]
    write_table(f"lab/{file}", header, rows, separator)
    config, printed = make_config(f"lab/{file}", rate=49.98)
    assert config["results"] == "results/my_study"
    assert config["dataset"]["videos"] == "lab/videos" and "Not found" not in printed
    assert "31.5 to 52" in printed
    assert config["frames"]["frame_rate"] == 49.98
    table = check(config)
    assert table["progressive"].tolist() == [52, 31.5, 44]
    assert table["tail"].tolist() == [11, 14, 9]
    marked = "# <- the person's ID?" in Path("my_study.yaml").read_text(encoding="utf-8")
    assert marked == (name in ("samples", "German, decimal commas")), "it may be of samples"
    kept = yaml.safe_load(MODEL)
    for section in set(kept) - {"results", "dataset", "frames"}:
        assert config[section] == kept[section]


def test_one_row_for_each_video_and_other_columns():
    draw_videos("1/a.avi", "1/b.avi", "2/c.avi", "2/d.avi")
    header = ["Nr.", "Patient", "Alter (Jahre)", "Video file", "Video length (s)",
              "Frame rate (fps)", "Pixel size (µm/px)", "Conc. (10^6/ml)", "Total motility (PR+NP)",
              "PR", "NP", "IM",
              "Head normal (%)", "Head abnormal (%)", "Head length (µm)", "Comment"]  # fmt: skip
    rows = [
        [str(n), who, "31", f"videos/{file}", "20", rate, "0.5", "40", "70", "50", "20", "30", "5",
         "95", "4.1", "a head"]
        for n, (who, file, rate) in enumerate(
            [("A7", "1/a.avi", "50"), ("A7", "1/b.avi", "50"), ("B2", "2/c.avi", "50"),
             ("B2", "2/d.avi", "100")], 1)
    ]  # fmt: skip
    write_table("lab/t.xlsx", header, rows)
    config, printed = make_config("lab/t.xlsx", rate=30)
    assert "Not found: midpiece, tail" in printed
    assert config["targets"]["morphology"] == ["head"] and "videos" not in config["dataset"]
    assert config["dataset"]["columns"] == {
        "participant": "Patient", "video": "Video file", "progressive": "PR",
        "nonprogressive": "NP", "immotile": "IM", "head": "Head abnormal (%)",
        "frame_rate": "Frame rate (fps)", "microns_per_pixel": "Pixel size (µm/px)",
    }  # fmt: skip
    assert config["frames"]["frame_rate"] == 50, "the table knows better than the files"
    assert config["folds"]["number"] == 2
    table = check(config)
    assert list(table.index) == ["A7", "A7+2", "B2", "B2+2"] and table["frame_rate"].max() == 100


@pytest.mark.parametrize(
    "ids, names, listed",
    [
        (["1", "2", "10"], ["01_a.avi", "2.avi", "10_20x.avi"], False),
        (["1", "2", "10"], ["day1/1.avi", "day1/2.avi", "day2/10.avi"], True),
        (["P 1", "P 2", "P 10"], ["P01_20x.avi", "p-2.AVI", "P_10.avi"], True),
        (["P1", "P2", "P10"], ["20x_P1.avi", "2024-05-03 P2.mp4", "Patient P10;b.avi"], True),
        (["anna", "ben", "ben 2"], ["Anna.avi", "Ben.avi", "Ben 2.avi"], True),
    ],
)
def test_videos_that_are_named_after_participants(ids, names, listed):
    draw_videos(*names)
    write_table("lab/t.csv", ["ID", "PR", "NP", "IM"], join(ids, MOTILITY))
    config, _ = make_config("lab/t.csv", out="lab/own.yaml")
    assert os.path.exists("lab/own_videos.csv") == ("video_list" in config["dataset"]) == listed
    assert list(config["targets"]) == ["motility"]
    table = check(config)
    owners = [who.replace(" ", "_") for who in ids]
    expected = {who: f"lab/videos/{name}" for who, name in zip(owners, names, strict=True)}
    assert table.set_index("participant")["video"].to_dict() == expected


def test_videos_and_participants_without_each_other_are_named():
    draw_videos("P1.avi", "P1 later.avi", "P2.avi", "overview.avi", "P1_and_P2.avi")
    write_table("lab/t.csv", ["ID", "PR", "NP", "IM"], join(["P1", "P2", "P3"], MOTILITY))
    config, printed = make_config("lab/t.csv")
    assert "videos without an ID (2): P1_and_P2.avi, overview.avi" in printed
    assert "participants without a video (1): P3" in printed
    text = Path("my_study.yaml").read_text()
    assert "# <- participants without a video (1): P3" in text
    config = yaml.safe_load(text.replace("# on_unmatched", "on_unmatched"))
    assert list(check(config).index) == ["P1", "P1+2", "P2"]


def test_what_is_not_found_or_not_sure_stands_in_comments():
    draw_videos("a.avi", "b.avi", "c.avi")
    header = ["Name", "video", "PR 1 h", "PR 24 h", "head", "tail"]
    rows = [["Ä", f"{n}.avi", "50", "40", "", "big"] for n in "abc"]
    write_table("lab/t.csv", header, rows)
    config, printed = make_config("lab/t.csv")
    assert (
        "Not found: participant, progressive, nonprogressive, immotile, head, midpiece, tail"
        in (printed)
    )
    assert config["dataset"]["columns"] == {"video": "video"} and config["targets"] is None
    text = Path("my_study.yaml").read_text(encoding="utf-8")
    assert "# progressive: # <- 'PR 1 h' or 'PR 24 h'?\n" in text
    assert "# participant: # <- not found\n" in text and "# tail: # <- not found\n" in text
    assert "targets: # <- no column of percentages was found" in text
    assert_refused("targets: is empty: fill it in", check_config, config, SCHEMA)
    filled = text.replace("# participant: #", "participant: video #")
    filled = filled.replace("# progressive: #", "progressive: PR 24 h #")
    filled = filled.replace(
        "# motility: [progressive, nonprogressive, immotile]", "m: [progressive]"
    )
    assert yaml.safe_load(filled)["dataset"]["columns"]["progressive"] == "PR 24 h"
    assert check_config(yaml.safe_load(filled), SCHEMA)["targets"] == {"m": ["progressive"]}


def test_names_of_videos_that_lead_nowhere_are_counted():
    draw_videos("a.avi", "b.avi", "c.avi")
    write_table("lab/t.csv", ["ID", "video", "PR"], [["1", "a", "5"], ["2", "b.avi", "7"]])
    make_config("lab/t.csv")
    text = Path("my_study.yaml").read_text()
    assert "  # <- names of videos that are no file in lab/videos (1): a\n" in text


def test_videos_in_an_object_store_are_not_looked_for():
    for header in (["ID", "PR"], ["ID", "PR", "video"]):
        write_table("lab/t.csv", header, [["1", "5", "a.avi"][: len(header)]])
        config, _ = make_config("lab/t.csv", videos="s3://lab/videos")
        assert config["dataset"]["videos"] == "s3://lab/videos"
        text = Path("my_study.yaml").read_text()
        assert ("<- the numbers that begin" in text) == (len(header) == 2)
        assert "no file" not in text and "frame_rate: 50 # <-" in text
        os.remove("my_study.yaml")


def test_participants_with_several_rows_need_a_column_of_videos():
    draw_videos("1.avi")
    write_table("lab/t.csv", ["ID", "PR"], [["1", "5"], ["1", "7"]])
    make_config("lab/t.csv")
    line = "# video: # <- not found: participants have several rows, add the file of each"
    assert line in Path("my_study.yaml").read_text()


def test_headers_that_yaml_would_misread():
    draw_videos("a.avi", "b.avi", "c.avi")
    header = ["Patient: #", "2024", "PR #1: [%]", "NP, {%}", "'IM' \"%\""]
    write_table("lab/t t.csv", header, join(PEOPLE, FILES, MOTILITY), "\t")
    config, _ = make_config("lab/t t.csv")
    assert config["dataset"]["columns"]["video"] == "2024"
    assert len(check(config)) == 3


@pytest.mark.parametrize("table", ["lab/t.csv", "lab/t.xlsx"])
def test_a_header_that_is_not_the_first_row(table):
    draw_videos("a.avi")
    rows = [["Patient", "video", "PR"], ["1", "a.avi", "50"]]
    write_table(table, ["Results of May"], rows)
    assert_refused("line 2: seems to be|'Results of May' alone", make_config, table)
    write_table(table, ["Patient", "Video", "Motility"], [["", "", "PR"], ["1", "a.avi", "50"]])
    assert_refused("line 2: seems to be the header. Make the header", make_config, table)


def test_nothing_is_overwritten_and_wrong_paths_are_named():
    draw_videos("P1.avi")
    write_table("lab/t.csv", ["ID", "PR"], [["P1", "50"]])
    for wrong, message in {
        ("lab/video", "lab/t.csv"): "lab/video: no such folder .is it 'videos'..: correct VIDEOS=",
        ("lab/t.csv", "lab/t.csv"): "lab/t.csv: is no folder: correct VIDEOS=",
        ("lab/videos", "lab/T.csv"): "lab/T.csv: no such file .is it 't.csv'..: correct TABLE=",
        ("nowhere/videos", "lab/t.csv"): "nowhere/videos: no such folder: correct VIDEOS=",
        ("", "lab/t.csv"): "make new VIDEOS=... TABLE=...",
    }.items():
        assert_refused(message, make_config, wrong[1], videos=wrong[0])
    assert_refused("a b.yaml: has a space", make_config, "lab/t.csv", out="a b.yaml")
    assert_refused("its folder is missing", make_config, "lab/t.csv", out="no/b.yaml")
    os.mkdir("empty")
    assert_refused("empty: holds no video", make_config, "lab/t.csv", videos="empty")
    for there in ("my_study_videos.csv", "my_study.yaml"):
        Path(there).write_text("mine")
        assert_refused(f"{there}: is there already", make_config, "lab/t.csv")
        assert Path(there).read_text() == "mine"
        os.remove(there)
        assert not os.path.exists("my_study.yaml") and not os.path.exists("my_study_videos.csv")


def test_few_ids_in_many_rows_may_be_of_groups():
    draw_videos("a.avi")
    rows = [[str(number), "AB"[number % 2], *MOTILITY[0]] for number in range(6)]
    write_table("lab/t.csv", ["ID", "Client", "PR", "NP", "IM"], rows)
    make_config("lab/t.csv")
    text = Path("my_study.yaml").read_text(encoding="utf-8")
    assert "participant: Client # <- 2 IDs: of people, or of groups of people?" in text
