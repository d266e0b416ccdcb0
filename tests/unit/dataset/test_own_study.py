"""Headers of laboratories' tables, in English and German."""

import pytest

from motilens.core.labels import LABELS
from motilens.dataset.own_study import _is_sure, find_columns, read_study
from motilens.dataset.participants import match_videos

HEADERS = {
    "participant": (
        "ID;participant;Patient;patient_id;PatientNr;Proband;Probanden-Nr.;Teilnehmer;Subject"
        ";Donor;Sample;Sample ID;Probe;Proben-Nr.;Nr.;No.;Code;Ejakulat"
    ),
    "video": "video;Video file;Datei;Dateiname;File name;Film;Aufnahme;recording",
    "progressive": (
        "PR;PR [%];%PR;Progressive motility (%);progressive;progressiv %;Prog. (%);Motilität PR"
        ";Progressive (a+b) %;vorwärtsbeweglich;Anteil progressiv beweglicher"
    ),
    "nonprogressive": (
        "NP;np_percent;Non progressive sperm motility (%);non-progressive;nonprogressive"
        ";nicht progressiv;Nichtprogressive (c) %;lokal beweglich"
    ),
    "immotile": (
        "IM;IM (d) [%];% IM;Immotile sperm (%);immotil;Immotile Spermien;unbeweglich;Non-motile"
        ";Motilität IM"
    ),
    "head": "head;Head defects (%);Kopfdefekte;Kopf %;Köpfe, anormal;abnormal heads",
    "midpiece": (
        "midpiece;Midpiece and neck defects (%);neck;Mittelstückdefekte;Hals/Mittelstück;Mid-piece"
    ),
    "tail": "tail;Tail defects (%);Schwanzdefekte;Geißel;Flagellum",
    "frame_rate": "frame_rate;Frame rate;fps;FPS (Hz);Bildrate;Bilder/s;Frames per second;frames/s",
    "microns_per_pixel": (
        "microns_per_pixel;µm/px;um/pixel;µm per pixel;Pixel size (µm);Pixelgröße [µm]"
        ";Mikrometer pro Pixel"
    ),
}
OTHERS = (
    "Age;Alter;Datum;Date of birth;Probendatum;Vorname;Volume (ml);Konzentration (Mio/ml)"
    ";Sperm count;Total motility (%);Gesamtmotilität;PR+NP;PR + NP (%)"
    ";progressive + non-progressive;Progressive count;Progressive (10^6);Rapid progressive (a)"
    ";slow progressive (b);Anzahl progressiv;Kopf normal;Normal heads (%);Head length (µm)"
    ";Kopflänge;Tail length;VCL (µm/s);Progressive velocity;Video length (s);px/µm"
    ";Pixel size (nm);Zellen im Bild;pH;BMI;Viability (%);Morphology normal (%);Frames;Exposure"
    ";Humid;Kopf o.B.;Hals intakt;Schwanz ok;Head norm.;tail defects normal range;Kopf gesund"
    ";SD PR;PR (SD);PR reference;Soll progressiv;headache;Kopfumfang;prognosis;progesterone"
)
UNSURE = {
    "neck pain": ["midpiece"],
    "IM injection": ["immotile"],
    "im Labor": ["immotile"],
    "PR swim-up": ["progressive"],
    "NP+IM": ["nonprogressive"],
    "Kopf- und Halsdefekte": ["head", "midpiece"],
}
CELLS = {"participant": ["P 1", "P 2"], "video": ["a.avi", "b.avi"]}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_understood_in_any_spelling(name):
    cells = CELLS.get(name, ["12,5", "40"])
    if name == "microns_per_pixel":
        cells = ["0.5", "0,25 "]
    for title in HEADERS[name].split(";"):
        for written in (title, title.upper(), f" {title.replace(' ', chr(10), 1)}"):
            found = find_columns(["x", written], [["?", cell.strip()] for cell in cells])
            assert {n for n, places in found.items() if places} == {name}, written
            assert found[name] == [1]


@pytest.mark.parametrize("title", OTHERS.split(";"))
def test_other_headers_are_none_of_ours(title):
    found = find_columns([title], [["12"], ["40"]])
    assert not any(found.values()), found


@pytest.mark.parametrize("title", [*UNSURE, "IM (d) [%]", "Spermien mit Kopfdefekten (%)"])
def test_a_header_that_may_be_something_else_is_a_question(title, tmp_path):
    (tmp_path / "1.avi").touch()
    (tmp_path / "t.csv").write_text(f"ID;{title}\n1;12\n2;40\n", encoding="utf-8")
    study = read_study(str(tmp_path), str(tmp_path / "t.csv"))
    assert study.choices == {name: [title] for name in UNSURE.get(title, [])}
    assert (title in study.titles.values()) == (title not in UNSURE)


def test_cells_that_do_not_fit_are_no_column():
    header = [*LABELS, "ID", "fps"]
    for cells in (["x"] * 8, [""] * 8, ["101"] * 6 + ["Müller, A.", "0"]):
        found = find_columns(header, [cells, cells])
        assert not any(found[name] for name in LABELS) and not found["frame_rate"]


def test_people_come_before_samples_and_several_columns_are_none():
    rows = [["1", "A", "7", "50", "40"], ["2", "A", "8", "50", "40"]]
    found = find_columns(["Sample", "Patient", "ID", "PR 1 h", "PR 24 h"], rows)
    assert found["participant"] == [1] and found["progressive"] == [3, 4]
    assert find_columns(["Sample", "x", "ID", "y", "z"], rows)["participant"] == [2]
    assert find_columns(["Sample", "Patient A", "Patient B", "y", "z"], rows)["participant"] == [
        1,
        2,
    ]
    assert find_columns(["ID", "x", "y", "PR", "progressive"], rows)["progressive"] == [4, 3]


@pytest.mark.parametrize("title, cells", [
    ("BCF (Hz)", "13.5"), ("Beat frequency (Hz)", "13.5"), ("Camera pixel size (µm)", "6.45"),
])  # fmt: skip
def test_what_is_measured_of_cells_or_cameras_is_no_fact_of_the_video(title, cells):
    assert not any(find_columns([title], [[cells], [cells]]).values())


@pytest.mark.parametrize("title", ["Patient group", "Subject type", "Patient consent"])
def test_groups_are_no_people(title):
    rows = [["1", "A"], ["2", "A"], ["3", "B"]]
    assert find_columns(["ID", title], rows)["participant"] == [0]


def test_videos_are_matched_to_one_participant_or_none():
    owners = match_videos(
        ["P1", "P 10", "7", "A-B"],
        ["p01.avi", "P10 20x.avi", "P1_P10.avi", "07_x.avi", "x_7.avi", "70.avi", "a_b 3.avi"],
    )
    assert owners == {
        "p01.avi": "P1", "P10 20x.avi": "P 10", "07_x.avi": "7", "a_b 3.avi": "A-B"
    }  # fmt: skip
    assert match_videos(["1", "1-10"], ["1_10.avi", "1_10_9.avi", "1_9.avi"]) == {
        "1_10.avi": "1-10",
        "1_9.avi": "1",
    }


def test_a_date_or_decimal_that_begins_a_name_is_no_participant():
    names = ["01.05.2026_P3.mkv", "01_05_2026 P3.mkv", "1.5.mkv", "1 (Copy).mkv", "1b.mkv"]
    assert match_videos(["1", "2", "1-5"], [*names[:2], *names[3:]]) == {}
    assert match_videos(["1", "2"], names) == {}
    assert match_videos(["P1", "P3"], names[:2]) == dict.fromkeys(names[:2], "P3")
    assert match_videos(["0", "1"], ["_x.avi", "1 left.avi"]) == {"1 left.avi": "1"}


def test_the_folder_of_a_video_may_say_whose_it_is():
    names = ["P1/x.avi", "P1/P1.avi", "P2/P1.avi", "2/1_a.avi", "2026/1_b.avi"]
    assert match_videos(["P1", "P2", "1", "2"], names) == {
        "P1/x.avi": "P1", "P1/P1.avi": "P1", "2026/1_b.avi": "1"
    }  # fmt: skip


@pytest.mark.parametrize("title", ["Patientenalter", "Subject weight (kg)", "Patient room",
                                   "Days since last donor visit", "Participant FSH"])  # fmt: skip
def test_what_is_known_of_people_is_asked_for_beside_their_ids(title):
    rows = [["1", "31"], ["1", "32"], ["2", "31"]]
    assert find_columns(["ID", title], rows)["participant"] == [0, 1], "so we ask"


@pytest.mark.parametrize("title", ["Patient", "Patienten-Nr.", "Donor ID", "Probandennummer",
                                   "Study participant code", "Teilnehmerin"])  # fmt: skip
def test_headers_of_people_come_before_ids_of_samples(title):
    assert find_columns(["ID", title], [["1", "A"], ["2", "A"], ["3", "B"]])["participant"] == [1]


@pytest.mark.parametrize("title", ["PR (%) B", "% PR of motile", "PR abnormal", "PR a (%)"])
def test_parts_of_progressive_motility_are_asked_for(title):
    assert not _is_sure("progressive", title) and _is_sure("progressive", "PR a+b (%)")


@pytest.mark.parametrize("header, count", [
    (["Head", "Head %"], 2), (["head", "head defects"], 2), (["Head defects (%)", "Head"], 1),
    (["Head #"], 0),
])  # fmt: skip
def test_of_two_columns_for_a_label_none_is_sure(header, count):
    """Before, counts above a short header came before percentages."""
    assert len(find_columns(header, [["31", "62"], ["20", "40"]])["head"]) == count


@pytest.mark.parametrize("name, title", [
    ("head", "Head cells"), ("head", "Sperms with head defects"),
    ("head", "Head of abnormal sperm"),
    ("head", "% abnormal with head defects"), ("progressive", "PR (2h) %"), ("frame_rate", "Hz"),
    ("microns_per_pixel", "Pixel size (\u03bcm)"),
])  # fmt: skip
def test_what_a_header_leaves_open_is_asked(name, title):
    assert not _is_sure(name, title)


@pytest.mark.parametrize("title", ["Frames per sample", "Bilder pro Stapel", "frames/stack",
                                   "Shutter (Hz)", "Strobe [Hz]"])  # fmt: skip
def test_counts_of_frames_and_lamps_are_no_frame_rate(title):
    assert find_columns([title], [["50"], ["18"]])["frame_rate"] == []
    assert find_columns(["frames per second"], [["50"], ["18"]])["frame_rate"] == [0]


def test_a_column_with_few_entries_is_no_id():
    rows = [["x" if n == 3 else "", f"S{n}"] for n in range(8)]
    assert find_columns(["Donor", "ID"], rows)["participant"] == [1]
