"""The same page as Markdown and for a browser."""

from html.parser import HTMLParser

import pandas as pd

from motilens.reports.page import Page, render_html, render_markdown

PAGE = Page(
    "Errors <all>",
    [("motility", pd.DataFrame({"Method": ["I1", "a & b"], "MAE": ["13.20", "9.40 †"]}))],
    ["**Strong**, *weak*, `name_of_it` < 5."],
)


def test_markdown_has_headings_tables_and_notes():
    text = render_markdown(PAGE)
    assert text.startswith("# Errors <all>\n\n## motility\n\n| Method   | MAE    |\n")
    assert "| a & b    | 9.40 † |" in text and text.endswith(PAGE.notes[0] + "\n")


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.strong = [], "", ""

    def handle_starttag(self, tag, attributes):
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        self.strong += data if self.open and self.open[-1] == "strong" else ""


def test_the_web_page_is_complete_and_escaped():
    reader = Reader()
    reader.feed(render_html(PAGE))
    assert reader.open == [] and reader.strong == "Strong"
    assert all(text in reader.text for text in ("Errors <all>", "a & b", "name_of_it < 5"))
    assert "http" not in render_html(PAGE)
