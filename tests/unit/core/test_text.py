"""Names, lists and errors as text for people."""

import os
import pickle

from motilens.core.text import describe_error, natural_sorted, shorten_list, to_printable


def test_names_are_sorted_as_people_count():
    assert natural_sorted(["I10", "I2", "A", "I1b", "I1"]) == ["A", "I1", "I1b", "I2", "I10"]


def test_long_lists_are_shortened():
    assert shorten_list("abcdefgh") == "a, b, c, d, e, f, g, h"
    assert shorten_list("abcdefghij") == "a, b, c, d, e, f, g, h and 2 more"


def test_errors_are_described_in_one_line():
    errors = ValueError("wrong\n  twice"), ValueError(), pickle.UnpicklingError("Weights only ...")
    lines = ["wrong twice", "ValueError", "it does not hold tensors alone"]
    assert list(map(describe_error, errors)) == lines


def test_names_that_are_no_text_can_be_printed():
    name = os.fsdecode(b"lat\xe9in.avi")
    assert to_printable(name) == "lat\\xe9in.avi" and to_printable("süß") == "süß"
