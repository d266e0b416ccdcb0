"""Suggestions are no more certain than they can be."""

import pytest

from motilens.core.suggestions import ask_whether, suggest_names


@pytest.mark.parametrize("wanted, names, suggested", [
    ("epoch", ["epochs", "seed"], ["epochs"]), ("Epochs", ["epochs"], ["epochs"]),
    ("P4", ["P8", "P14", "P40"], []), ("P4x", ["P4", "4P", "P4y"], ["P4"]),
    ("Patient C", ["Patient A", "Patient B"], ["Patient A", "Patient B"]),
    ("a", ["b"], []), ("a", [], []),
])  # fmt: skip
def test_all_names_that_are_equally_alike_or_none(wanted, names, suggested):
    assert suggest_names(wanted, names) == suggested


def test_a_question_names_each_once():
    assert ask_whether([]) == "" and ask_whether("aba") == " (is it 'a' or 'b'?)"
