"""The page of all videos of a call: numbers first, warnings set off, names as text."""

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from motilens.core.errors import InputError
from motilens.inference.batch_files import BATCH_PAGE, check_batch_page, write_batch_page
from motilens.inference.predictor import Prediction

TARGETS = {"motility": ["progressive", "immotile"], "morphology": ["head"]}
MODEL = SimpleNamespace(
    targets=TARGETS,
    doubts={"motility": ["not better than ZeroR"], "morphology": []},
    warnings=["errors are of 6 held-out participants only"],
    digest="0123456789abcdef" * 4,
)
VOID = {"meta", "img", "br", "link", "hr"}


class Reader(HTMLParser):
    """Tags with their attributes, in order; each that is opened must be closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.open += [tag] * (tag not in VOID)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def list_all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def make_prediction(video="new/1.avi", doubts=(), **options):
    """A prediction of each percentage, 44 ± 31 %."""
    names = {name: target for target, names in TARGETS.items() for name in names}
    values = {n: {"target": t, "percent": 44.4, "held_out_error": 30.6} for n, t in names.items()}
    of_targets = {target: [*words, *doubts] for target, words in MODEL.doubts.items()}
    return Prediction(video, values, doubts=of_targets, **options)


@pytest.fixture
def write(tmp_path):
    """Write the page of some predictions; return its text and what it consists of."""

    def write_and_read(*predictions, total=None):
        write_batch_page(tmp_path, predictions, MODEL, total or len(predictions))
        text = (tmp_path / BATCH_PAGE).read_text(encoding="utf-8")
        return text, Reader(text)

    return write_and_read


def test_numbers_with_their_limits_come_first_and_links_lead_to_files(write, tmp_path):
    (tmp_path / "1.avi.png").touch()
    good = make_prediction(page="1.avi.png", overlay=tmp_path / "tracks/1.mp4", n_cells=12)
    text, page = write(good, make_prediction("2.avi", page="2.avi.png"))
    assert text.index("44 ± 31 %") < text.index("errors are of 6 held-out") < text.index("<section")
    assert text.count("44 ± 31 %") == 2 * 3 + 3, "in the picture's description, too"
    links = {link["href"] for link in page.list_all("a")}
    assert {"#video1", "1.avi.png", "tracks/1.mp4", "predictions.csv"} < links
    assert "2.avi.png" not in links, "it is not drawn yet"
    [image] = page.list_all("img")
    assert image["src"] == "1.avi.png" and "progressive 44 ± 31 %" in image["alt"]
    assert "head defects" in text and text.count("errors are of 6") == 1


def test_classified_cells_are_counted(write):
    classes = ["immotile", "", "progressive", "immotile"]
    text, _ = write(make_prediction(cell_classes=classes, class_source="WHO's cut-offs"))
    counts = "1 progressive, 2 immotile, 1 seen too briefly. Percentages are the model"
    assert f"Cells by WHO&#39;s cut-offs: {counts}" in text
    assert "Cells by" not in write(make_prediction())[0]


def test_each_header_has_a_scope_and_each_row_all_columns(write):
    _, page = write(make_prediction(n_cells=3), Prediction("no.avi", error="no.avi: is no file"))
    assert {header.get("scope") for header in page.list_all("th")} == {
        "col",
        "colgroup",
        "rowgroup",
    }
    assert len(page.list_all("th")) == 2 + 1 + 3 + 2
    assert len(page.list_all("td")) == 2 * 4 + 1
    assert page.list_all("html") == [{"lang": "en"}]
    assert all("http" not in str(attributes) for _, attributes in page.tags), "no network"


def test_doubts_about_a_video_stand_below_its_numbers_and_reasons_instead_of_them(write):
    doubted = make_prediction(doubts=["few cells"], warnings=["fewer than 10 cells (7)"])
    refused = Prediction("2.avi", error="2.avi: no percentages: no cell was seen", n_cells=0)
    text, page = write(doubted, refused, make_prediction("3.avi"), total=5)
    notes = re.findall(r'<td class="warning" colspan="\d">(.*?)</td>', text)
    assert notes == ["few cells", "no percentages: no cell was seen"]
    assert text.count("<tbody class") == 1 and "The call was to predict 5." in text
    assert "2 of 3 have" in " ".join(text.split()) and text.count("Nothing unusual") == 1
    assert text.count('<td class="number">–</td>') == 3 + 3, "no cells, either"


@pytest.mark.parametrize("name", [
    "<script>alert(1)<_script>.avi", '"&\'#?%41 ä.avi', "{{ 7 * 7 }}.avi", "javascript:alert(1)",
])  # fmt: skip
def test_names_are_text_and_no_markup(write, tmp_path, name):
    (tmp_path / f"{name}.png").touch()
    text, page = write(make_prediction(name, page=f"{name}.png", warnings=[f"{name}: <b>"]))
    assert not page.list_all("script") and not page.list_all("b") and "49" not in text
    [image] = page.list_all("img")
    assert not re.search(r"[\"'#?:<> {}]", image["src"])


def test_a_foreign_file_is_not_overwritten(write, tmp_path):
    check_batch_page(tmp_path)
    write(make_prediction())
    check_batch_page(tmp_path)
    for content in ("", "<html>a page of mine</html>"):
        (tmp_path / BATCH_PAGE).write_text(content)
        with pytest.raises(InputError, match=re.escape("index.html is there, and is none of ours")):
            check_batch_page(tmp_path)
    assert list(Path(tmp_path).iterdir()) == [tmp_path / BATCH_PAGE]
