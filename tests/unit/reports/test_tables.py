"""Table 1, the page of intervals, and pages as Markdown and for a browser."""

import re
from html.parser import HTMLParser
from itertools import product

import pandas as pd
import pytest

from motilens.evaluation.paper import PAPER_MAE
from motilens.evaluation.statistics import compare_methods, summarize_errors
from motilens.reports.page import Page, render_html, render_markdown
from motilens.reports.statistics_page import NOTES, build_statistics_page, collect_quality_flags
from motilens.reports.table1 import build_table1_page, make_table1
from support.predictions import NO_ISSUES, long_table

TARGETS = ("motility", "morphology")
NO_COMPARISONS = pd.DataFrame(columns=["target", "first", "second", "difference", "low", "high"])


def make_mae(collapsed=False, unsound=False, skipped=None, seeds=(0,), methods=("I1", "I4")):
    return pd.DataFrame({
            "method": method, "target": target, "fold": fold, "seed": seed,
            "mae_stack": 10.0 * fold + seed, "mae_participant": 9.0 * fold,
            "zeror_stack": 13.0, "zeror_participant": 12.0 + fold,
            "median_stack": 12.0, "median_participant": 11.0,
            "n_participants": 4, "n_stacks": 24, "pretrained_weights": "none",
            "comparable_to_paper": method in PAPER_MAE, "skipped": skipped,
            "folds": "552c7b4be31dd513",
            "autoencoder_collapsed": collapsed and method == "I1" and fold == 2,
            "regressor_unsound": unsound and (method, target, fold) == ("I4", "motility", 3),
        } for method, target, fold, seed in product(methods, TARGETS, (1, 2, 3), seeds)
    )  # fmt: skip


def row(table, method, fold):
    return table[(table["method"] == method) & (table["fold"] == str(fold))].iloc[0]


def render(mae, is_simulated=False):
    settings = {"simulated": is_simulated, "reference": "I4"}
    return render_markdown(build_table1_page(make_table1(mae), mae, NO_COMPARISONS, settings))


def list_rows(text, method):
    """The cells of a method's rows, without name and fold."""
    rows = [line.split("|")[3:-1] for line in text.splitlines() if line.startswith(f"| {method} ")]
    return [[cell.strip() for cell in row] for row in rows]


def test_constant_rules_come_first_then_folds_then_their_average():
    table = make_table1(make_mae())
    assert table["method"].tolist() == ["ZeroR"] * 4 + ["median"] * 4 + ["I1"] * 4 + ["I4"] * 4
    assert table["fold"].tolist() == ["1", "2", "3", "average"] * 4
    assert row(table, "ZeroR", "average")["motility_participant"] == pytest.approx(14)
    assert row(table, "median", 2)["motility_participant"] == 11
    assert row(table, "I4", 2)["motility_stack"] == 20
    assert row(table, "I4", "average")["motility_stack"] == pytest.approx(20)
    table = make_table1(make_mae(seeds=(0, 2)))
    assert row(table, "I4", 2)["motility_stack"] == pytest.approx(21), "seeds are averaged"
    assert row(table, "ZeroR", 1)["motility_stack"] == 13


def test_figures_are_those_that_the_paper_prints_where_they_can_be_compared():
    table = make_table1(make_mae(methods=("I1", "I2", "I3", "I4")))
    motility, morphology = (13.017, 13.017, 10.970, 9.427), (5.715, 5.606, 5.632, 5.777)
    averages = table[(table["fold"] == "average") & table["method"].str.startswith("I")]
    assert averages["motility_paper"].tolist() == pytest.approx(motility, abs=0.0006)
    assert averages["morphology_paper"].tolist() == pytest.approx(morphology, abs=0.0006)
    assert table.loc[table["fold"] != "average", "motility_paper"].isna().all()
    mae = make_mae(methods=("I1", "I4", "I5"))
    mae.loc[mae["method"] == "I4", "comparable_to_paper"] = False
    figures = make_table1(mae).set_index("method")["motility_paper"]
    assert figures[["I4", "I5"]].isna().all() and figures["I1"].notna().sum() == 1
    assert "paper" in render(mae).partition("\n\n*")[0].replace("the paper's measure", "")
    others = render(mae.assign(comparable_to_paper=False))
    assert "paper" not in others.replace("the paper's measure", ""), "of other data"
    casa = make_mae(methods=("casa",))
    mae = pd.concat([make_mae(), casa[casa["target"] == "motility"]])
    average = list_rows(render(mae), "casa")[-1]
    assert average[:2] == ["20.00", "18.00"] and set(average[2:]) == {""}


def test_notes_describe_data_folds_weights_and_unsound_models():
    text = render(make_mae(), is_simulated=True)
    assert "The data are simulated" in text and "12 participants (72 stacks)" in text
    assert "digest of the folds: 552c7b4be31dd513" in text and "Without" not in text
    assert "pretrained weights: none" in text and "one prediction for a sample" not in text
    text = render(make_mae(skipped="7 12"))
    assert "**Without samples 7 12**" in text and "simulated" not in text
    cells = make_mae(methods=("cells",)).assign(n_stacks=4)
    assert "one prediction for a sample" in render(pd.concat([make_mae(), cells]))
    assert not {"†", "‡"} & set(render(make_mae()))
    text = render(make_mae(collapsed=True))
    marks = ["".join(row).count("†") for row in list_rows(text, "I1")]
    assert marks == [0, 4, 0, 4] and "‡" not in text
    text = render(make_mae(unsound=True))
    marks = ["".join(row).count("‡") for row in list_rows(text, "I4")]
    assert marks == [0, 0, 2, 2] and "‡ an unsound regressor" in text and "†" not in text


RECORD = {"target": "motility", "method": "I1", "diagnostics": NO_ISSUES}
RECORD |= {"autoencoder_collapsed": False}
COLLAPSED = {"method": "I4", "autoencoder_collapsed": True}
UNSOUND = {"method": "I4", "diagnostics": NO_ISSUES | {"warning": "all the same"}}


def render_statistics(flags, reference="ZeroR", **errors):
    table = pd.concat([long_table(values, method=name) for name, values in errors.items()])
    parts = summarize_errors(table), compare_methods(table)
    return render_markdown(build_statistics_page(*parts, flags, reference))


def test_each_method_is_beside_zero_r_and_marked_as_in_table_1():
    text = render_statistics({}, ZeroR=[9.0, 8.0, 7.0], I1=[1.0, 2.0, 3.0])
    [line] = [line for line in text.splitlines() if line.startswith("| I1")]
    assert "2.00 [" in line and "6.00 [" in line
    assert "## motility" in text and text.endswith(f"{NOTES[-1]}\n")
    errors = dict.fromkeys(("ZeroR", "I1", "I4"), [1.0, 2.0])
    flags = collect_quality_flags([RECORD, RECORD | COLLAPSED, RECORD | COLLAPSED | UNSOUND])
    text = render_statistics(flags, **errors)
    assert re.search(r"\| I4 † ‡ +\|", text) and re.search(r"\| I1 +\|", text)
    assert "collapsed autoencoder" in text and "an unsound regressor" in text
    text = render_statistics(collect_quality_flags([RECORD, RECORD | UNSOUND]), **errors)
    assert re.search(r"\| I4 ‡ +\|", text) and "collapsed" not in text


def test_each_method_is_beside_the_reference_too():
    errors = {"ZeroR": [9.0, 8.0, 7.0], "I1": [1.0, 2.0, 3.0], "I4": [2.0, 3.0, 4.0]}
    lines = render_statistics({}, "I4", **errors).splitlines()
    cells = [[c.strip() for c in line.split("|")] for line in lines if line.startswith("| ")]
    head, by_name = cells[0], {line[1]: line for line in cells[1:]}
    assert head[3:-1] == ["better than ZeroR by", "p (ZeroR)", "better than I4 by", "p (I4)"]
    assert by_name["I1"][5].startswith("1.00 [1.00") and by_name["ZeroR"][5].startswith("-5.00 [")
    assert by_name["ZeroR"][3:5] == by_name["I4"][5:7] == ["", ""]
    text = render_statistics({}, "speed", **errors)
    assert "better than speed" not in text, "it predicts another target"
    assert "speed does not predict motility: no method is compared with it" in text
    assert "Do not compare the intervals of two MAEs" in text


def test_table_1_shows_differences_from_the_reference_on_the_same_participants():
    errors = {"ZeroR": [9.0, 8.0, 7.0], "I1": [1.0, 2.0, 3.0], "I4": [2.0, 3.0, 4.0]}
    table = pd.concat([long_table(values, method=name) for name, values in errors.items()])
    mae, settings = make_mae(), {"simulated": False, "reference": "I4", "external": ["I1"]}
    page = build_table1_page(make_table1(mae), mae, compare_methods(table), settings)
    (_, shown), (heading, gains) = page.parts
    assert len(shown) == 16 and heading == "motility: differences on the same participants"
    assert gains["Method"].tolist() == ["ZeroR", "median", "I1", "I4"]
    assert gains["better than I4 by"].str.partition(" ")[0].tolist() == ["-5.00", "", "1.00", ""]
    assert "Predictions of I1 were made elsewhere" in page.notes[-1]


PAGE = Page(
    "Errors <all>",
    [("motility", pd.DataFrame({"Method": ["I1", "a & b"], "MAE": ["13.20", "9.40 †"]}))],
    ["**Strong**, *weak*, `name_of_it` < 5."],
)


class Reader(HTMLParser):
    """Reads a web page: the elements that are open, all text, and what is strong."""

    def reset(self):
        super().reset()
        self.open, self.text, self.strong = [], "", ""

    def handle_starttag(self, tag, attributes):
        self.open += [tag] * (tag != "meta")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        self.strong += data if self.open and self.open[-1] == "strong" else ""


def test_a_page_is_the_same_as_markdown_and_for_a_browser():
    text, reader = render_markdown(PAGE), Reader()
    assert text.startswith("# Errors <all>\n\n## motility\n\n| Method   | MAE    |\n")
    assert "| a & b    | 9.40 † |" in text and text.endswith(PAGE.notes[0] + "\n")
    reader.feed(render_html(PAGE))
    assert reader.open == [] and reader.strong == "Strong"
    assert all(text in reader.text for text in ("Errors <all>", "a & b", "name_of_it < 5"))
    assert "http" not in render_html(PAGE)
    assert '<th scope="col">Method</th>' in render_html(PAGE)
    assert '<tr><th scope="row">a &amp; b</th><td>9.40 †</td></tr>' in render_html(PAGE)
