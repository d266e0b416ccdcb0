"""The page of intervals: each method beside ZeroR, marked as in Table 1."""

import re

import pandas as pd

from motilens.evaluation.statistics import compare_methods, summarize_errors
from motilens.reports.page import render_markdown
from motilens.reports.statistics_page import NOTES, build_statistics_page, collect_quality_flags
from support.predictions import NO_ISSUES, long_table

RECORD = {
    "target": "motility", "method": "I1", "autoencoder_collapsed": False, "diagnostics": NO_ISSUES,
}  # fmt: skip
COLLAPSED = {"method": "I4", "autoencoder_collapsed": True}
UNSOUND = {"method": "I4", "diagnostics": NO_ISSUES | {"warning": "all the same"}}


def render(flags, **errors):
    table = pd.concat([long_table(values, method=name) for name, values in errors.items()])
    page = build_statistics_page(summarize_errors(table), compare_methods(table), flags)
    return render_markdown(page)


def test_each_method_is_beside_zero_r():
    text = render({}, ZeroR=[9.0, 8.0, 7.0], I1=[1.0, 2.0, 3.0])
    [line] = [line for line in text.splitlines() if line.startswith("| I1")]
    assert "2.00 [" in line and "6.00 [" in line
    assert "## motility" in text and text.endswith(f"{NOTES[-1]}\n")


def test_methods_are_marked_as_in_table_1():
    flags = collect_quality_flags([RECORD, RECORD | COLLAPSED, RECORD | COLLAPSED | UNSOUND])
    text = render(flags, ZeroR=[1.0, 2.0], I1=[1.0, 2.0], I4=[1.0, 2.0])
    assert re.search(r"\| I4 † ‡ +\|", text) and re.search(r"\| I1 +\|", text)
    assert "collapsed autoencoder" in text and "an unsound regressor" in text
    flags = collect_quality_flags([RECORD, RECORD | UNSOUND])
    text = render(flags, ZeroR=[1.0, 2.0], I1=[1.0, 2.0], I4=[1.0, 2.0])
    assert re.search(r"\| I4 ‡ +\|", text) and "collapsed" not in text
