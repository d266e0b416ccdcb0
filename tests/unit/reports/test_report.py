"""The report: one page of small tables, for eyes, keyboards and screen readers."""

import re
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from motilens.evaluation.statistics import average_over_stacks, compare_methods, summarize_errors
from motilens.reports.report import Results, describe_code, list_warnings, render_report
from motilens.reports.table1 import make_table1
from support.predictions import long_table

COUNT = 12
METHODS = {"ZeroR": 9.0, "median": 8.0, "I1": 5.0, "I4": 1.0}
NASTY = '<b>&"10'
RECORD = {"python": "3.11", "libraries": {"pandas": "3"}, "folds_digest": "552c7b4be31dd513"}
IDENTITY = {"config": 'lab "A" & <co>.yaml', "date": "2026-01-31", "code": "1.2, commit 0123abcd"}
SETTINGS = {"reference": "I4", "simulated": False, "warnings": []}
VOID = {"meta", "link", "img"}


def make_results(names=None, **flags) -> Results:
    """Errors of a steady size and changing sign; with `flags` of I1's model in mae.csv."""
    signs = np.where(np.arange(COUNT) % 2, 1, -1) * np.linspace(0.8, 1.2, COUNT)
    parts = [
        long_table(size * signs, method=method, target=target, value=value)
        for method, size in METHODS.items()
        for target, value in (("motility", "immotile"), ("morphology", "head"))
    ]
    table = pd.concat(parts).replace({"sample": names or {}})
    rows = []
    for (method, target, fold), part in table.groupby(["method", "target", "fold"], sort=False):
        if method in ("I1", "I4"):
            error = (part["predicted"] - part["true"]).abs().mean()
            rows.append({
                "method": method, "target": target, "fold": fold, "seed": 0, "mae_stack": error,
                "mae_participant": error, "zeror_stack": 9, "zeror_participant": 9,
                "median_stack": 8, "median_participant": 8, "n_participants": 4, "n_stacks": 4,
                "pretrained_weights": "none", "comparable_to_paper": False, "skipped": None,
                "autoencoder_collapsed": False, "regressor_unsound": False, "folds": "552c",
            } | (flags if method == "I1" else {}))  # fmt: skip
    mae = pd.DataFrame(rows)
    tables = make_table1(mae), mae, summarize_errors(table), compare_methods(table)
    return Results(*tables, average_over_stacks(table), RECORD)


@pytest.fixture
def picture(tmp_path):
    Image.new("RGB", (1500, 300), "gray").save(tmp_path / "picture.png")
    return str(tmp_path / "picture.png")


def name_videos(*names, **facts):
    return {name: {"participant": name, "fold": 1} | facts for name in names}


def render(picture, **changes):
    videos = changes.get("videos", name_videos("10", "2", "1"))
    figures = dict.fromkeys(("errors", "agreement", "learning_curves", "gallery"), picture)
    parts = {
        "results": make_results(), "settings": SETTINGS, "videos": videos, "figures": figures,
        "sheets": dict.fromkeys(videos, picture), "run_summary": "", "identity": IDENTITY,
        "config": {"seeds": [0]},
    }  # fmt: skip
    return render_report(**(parts | changes))


class Reader(HTMLParser):
    """Reads a page: its elements with attributes, the text of each, and whether all are closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def find(self, *tags):
        return [element for element in self.elements if element[0] in tags]


def list_texts(page, *tags):
    return [text.strip() for _, _, text in page.find(*tags)]


def test_title_and_tab_name_configuration_date_and_commit(picture):
    page = Reader(render(picture))
    assert page.find("html")[0][1]["lang"] == "en"
    [tab], [title] = list_texts(page, "title")[:1], list_texts(page, "h1")
    assert tab == f"Motilens: {IDENTITY['config']}, 2026-01-31, 1.2, commit 0123abcd"
    assert title == f"Motilens: {IDENTITY['config']}"
    assert "Report of 2026-01-31, Motilens 1.2, commit 0123abcd" in list_texts(page, "header")[0]


def test_names_and_texts_of_the_user_are_shown_as_they_are_written(picture):
    videos = {NASTY: {"participant": "7", "fold": 2, "warning": "<i>dark</i>"}}
    settings = SETTINGS | {"warnings": ["<u>lab.csv</u>"]}
    changes = {"videos": videos, "settings": settings, "config": {"labels": "</pre><b>"}}
    page = Reader(render(picture, results=make_results({"P3": NASTY}), **changes))
    assert not page.find("b", "i", "u")
    [summary] = [text for text in list_texts(page, "summary") if "fold 2" in text]
    assert summary.startswith(f"Sample {NASTY} (participant 7), held out in fold 2, warning")
    [image] = [image for _, image, _ in page.find("img") if NASTY in image["alt"]]
    assert image["alt"].startswith(f"Contact sheet of sample {NASTY}: three frames")
    assert sum(text.startswith(f"{NASTY}: true") for text in list_texts(page, "title")) == 4
    warnings = list_texts(page, "li")
    assert "<u>lab.csv</u>" in warnings and "labels: </pre><b>" in list_texts(page, "pre")[0]


def test_the_page_is_one_file_that_loads_nothing(picture):
    text = render(picture)
    page, ids = Reader(text), re.findall(r'\bid="([^"]+)"', text)
    assert "http:" not in text and "https:" not in text and not page.find("script", "iframe")
    assert len(ids) == len(set(ids))
    for _, attributes, _ in page.elements:
        assert attributes.get("src", "data:").startswith("data:")
        target = attributes.get("href", "data:")
        assert target.startswith("data:") or target.removeprefix("#") in ids
    policy = [a["content"] for _, a, _ in page.find("meta") if "http-equiv" in a]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_it_can_be_read_by_ear_and_by_keyboard(picture):
    page = Reader(render(picture))
    assert all(len(page.find(tag)) == 1 for tag in ("header", "nav", "main", "h1"))
    levels = [int(tag[1]) for tag, _, _ in page.find("h1", "h2", "h3", "h4")]
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
    assert all(len(image["alt"]) > 40 for _, image, _ in page.find("img"))
    assert all(cell["scope"] in ("row", "col") for _, cell, _ in page.find("th"))
    boxes = [box for _, box, _ in page.find("div") if box.get("class", "").startswith("scroll")]
    assert len(boxes) == len(page.find("table")) + 4
    assert all(box["aria-label"] and box["tabindex"] == "0" for box in boxes)
    assert all(len(chart["aria-label"]) > 40 for _, chart, _ in page.find("svg"))
    alt = page.find("img")[0][1]["alt"]
    assert "motility: ZeroR 9.0, median 8.0, I1 5.0, I4 1.0." in alt


def test_it_is_ordered_for_reading_and_each_figure_has_its_caption_beside_it(picture):
    text = render(picture)
    page = Reader(text)
    assert list_texts(page, "h2") == [
        "Warnings", "Results", "Errors", "Agreement", "What models see", "Training",
        "Participants", "How it was made",
    ]  # fmt: skip
    assert text.index("Averages of Table 1") < text.index("better than I4 by")
    assert all(len(caption) > 100 for caption in list_texts(page, "figcaption"))
    assert len(page.find("figcaption")) == len(page.find("figure")) == 5
    sheets = [text.partition(",")[0] for text in list_texts(page, "summary") if "fold 1" in text]
    assert sheets == ["Sample 1", "Sample 2", "Sample 10"]
    folded = list_texts(page, "details")
    assert "digest of the folds" in folded[-2] and "seeds:\n- 0" in folded[-1]
    assert "552c7b4be31dd513" not in text[: text.index('id="made"')]


def test_values_are_those_of_the_tables_beside_zero_r_and_the_reference(picture):
    page = Reader(render(picture))
    averages, methods, _, motility = list_texts(page, "table")[:4]
    assert "always predicts the mean of the training samples" in methods
    assert "I1" in averages and "average" not in averages
    header, *_ = page.find("thead")[2]
    rows = [re.split(r"\n", text) for text in list_texts(page, "tr")]
    assert header == "thead" and rows
    for text in (
        "better than ZeroR by",
        "p (ZeroR)",
        "better than I4 by",
        "p (I4)",
        "8.00 [",
        "-4.00 [",
    ):
        assert text in motility


def test_each_point_names_its_participant(picture):
    page = Reader(render(picture))
    titles = list_texts(page, "title")[1:]
    assert len(titles) == len(page.find("circle")) == 2 * 2 * COUNT
    assert titles[0] == "P0: true 20.0 %, predicted 16.0 %"
    first = page.find("svg")[0][1]["aria-label"]
    assert first.startswith(
        "I1, motility, immotile: 12 samples, mean absolute error 5.0, mean difference "
    )
    for _, circle, _ in page.find("circle"):
        assert 0 <= float(circle["cx"]) <= 100 and 0 <= float(circle["cy"]) <= 100


def test_a_percentage_of_two_targets_has_two_panels(picture):
    results = make_results()
    for table in (results.samples, results.statistics):
        table["value"] = table["value"].replace("head", "immotile")
    page = Reader(render(picture, results=results))
    labels = [chart["aria-label"].partition(":")[0] for _, chart, _ in page.find("svg")]
    assert labels[:2] == ["I1, motility, immotile", "I1, morphology, immotile"]
    assert len(list_texts(page, "title")) == 1 + 2 * 2 * COUNT


def test_without_videos_there_is_no_section_of_them(picture):
    figures = {"errors": picture, "agreement": picture, "learning_curves": [], "gallery": []}
    page = Reader(render(picture, videos={}, figures=figures))
    sections = ["Results", "Errors", "Agreement", "How it was made"]
    assert list_texts(page, "h2")[1:] == sections
    assert [text for text in list_texts(page, "a")][: len(sections)] == sections
    assert len(page.find("img")) == 2


def test_the_summary_of_the_run_is_folded_at_the_end(picture, tmp_path):
    path = tmp_path / "run_summary.html"
    path.write_text("<html><body>\n<h1>How</h1>\n<h2>Data</h2><p>fine</p></body></html>\n")
    page = Reader(render(picture, run_summary=str(path)))
    assert "Data" in list_texts(page, "h3") and "How" not in list_texts(page, "h1")


def test_warnings_come_first_and_the_worst_of_them_before():
    assert list_warnings(make_results(), SETTINGS, name_videos("1"))[1:] == []
    settings = SETTINGS | {"simulated": True, "warnings": ["lab.csv: 2 participants are left out"]}
    videos = name_videos("1") | name_videos("11", "9", warning="dark")
    videos |= name_videos("3", skip_reason="3.avi is cut off")
    flags = {"autoencoder_collapsed": True}
    lines = list_warnings(make_results(**flags), settings, videos)
    starts = [
        "**The data are simulated**", "**Only 12 participants**", "**Sample 3 was left out**",
        "**6 of 12 models** (3 of I1, motility; 3 of I1, morphology): † depends on a collapsed",
        "**Videos with warnings** (see Participants): 9, 11", "lab.csv: 2 participants are left",
    ]  # fmt: skip
    assert len(lines) == len(starts)
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


def test_methods_that_are_not_better_than_zero_r_are_named(monkeypatch):
    monkeypatch.setitem(METHODS, "I1", 9.0)
    lines = list_warnings(make_results(), SETTINGS, {})
    assert "**motility: not significantly better than ZeroR**: I1" in lines
    monkeypatch.setitem(METHODS, "I4", 12.0)
    lines = list_warnings(make_results(), SETTINGS, {})
    assert "**motility: worse than ZeroR**, significantly: I4" in lines
    monkeypatch.setitem(METHODS, "I4", 9.0)
    lines = list_warnings(make_results(), SETTINGS, {})
    assert "**motility: not significantly better than ZeroR** (no method is): I1, I4" in lines


def test_the_code_is_named_by_its_own_commit_alone(tmp_path, monkeypatch):
    def git(*arguments):
        command = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
        subprocess.run(command, check=True, capture_output=True)

    assert describe_code(tmp_path, "1.2") == "1.2"
    git("init", "-q")
    (tmp_path / "inner").mkdir()
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    assert re.fullmatch(r"1\.2, commit [0-9a-f]{8}", describe_code(tmp_path, "1.2"))
    assert describe_code(tmp_path / "inner", "1.2") == "1.2", "a copy in a repository of the user's"
    (tmp_path / "file").write_text("b")
    assert describe_code(tmp_path, "1.2").endswith(", edited")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_code(tmp_path, "1.2") == "1.2", "without git"
