"""What is said and drawn of how far predictions are from the truth."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from motilens.evaluation.statistics import compare_methods, summarize_errors
from motilens.reports import model_card, statistics_page
from motilens.reports.image_plots import _draw_percentages
from support.predictions import long_table

GOOD, BAD = np.tile([1.0, -2.0, 3.0, -1.0], 3), np.tile([30.0, 20.0, 40.0, 25.0], 3)
ZERO_R, SAME = np.tile([9.0, -9.0, 8.0, -9.0], 3), np.tile([9.0, -8.0, 8.5, -9.5], 3)
ERRORS = {"ZeroR": ZERO_R, "good": GOOD, "bad": BAD, "same": SAME}


@pytest.fixture(scope="module")
def table():
    """Two percentages of each method; the second has errors twice as large."""
    parts = [
        long_table(scale * np.array(errors), method=name, value=value)
        for name, errors in ERRORS.items()
        for value, scale in (("progressive", 1), ("immotile", 2))
    ]
    return pd.concat(parts)


def test_the_held_out_error_is_the_greater_limit_of_agreement(table):
    summary = summarize_errors(table)
    limit = GOOD.mean() + 1.96 * GOOD.std(ddof=1)
    errors = model_card.measure_held_out_errors("good", summary)
    assert errors == {"motility": pytest.approx({"progressive": limit, "immotile": 2 * limit})}
    low = summarize_errors(long_table(-BAD, method="low"))  # of one value, and always too low
    [error] = model_card.measure_held_out_errors("low", low)["motility"].values()
    assert error == pytest.approx(BAD.mean() + 1.96 * BAD.std(ddof=1))


@pytest.mark.parametrize("method, words", [
    ("good", []), ("bad", ["worse than ZeroR"]), ("same", ["not better than ZeroR"]),
])  # fmt: skip
def test_doubts_come_first_in_words_and_sentences(table, method, words):
    summary, comparisons = summarize_errors(table), compare_methods(table)
    errors = model_card.errors_vs_zero_r(method, summary, comparisons)
    assert model_card.find_doubts(errors, False) == {"motility": words}
    doubts = model_card.find_doubts(errors, True)
    assert doubts == {"motility": ["trained on simulated videos", *words]}
    first, *lines = model_card.explain_doubts(doubts, errors["participants"].min())
    assert first.startswith("trained on simulated videos only: ")
    assert [line.partition(": on held-out")[0] for line in lines[:-1]] == [
        f"motility: {word}" for word in words
    ]
    assert lines[-1].startswith("errors are of 12 held-out participants only")
    assert model_card.explain_doubts({"motility": []}, 20) == []


@pytest.mark.parametrize("method", ["good", "bad"])
def test_four_participants_are_too_few_for_a_verdict(method):
    table = pd.concat(long_table(errors[:4], method=name) for name, errors in ERRORS.items())
    errors = model_card.errors_vs_zero_r(method, summarize_errors(table), compare_methods(table))
    assert (errors["gain_low"] > 0).all() or (errors["gain_high"] < 0).all()
    assert model_card.find_doubts(errors, False) == {"motility": ["not better than ZeroR"]}


CELLS = {"method": "good", "fitted": {}, "diagnostics": {"failure": None, "warning": None}}
CELLS |= {"training": {"1": {"participant": "1"}}}
FRAMES = {"frame_rate": 50, "size": 64, "clips_per_video": 5}


@pytest.mark.parametrize("reference, others", [
    ("bad", ["ZeroR", "bad"]), ("good", ["ZeroR"]), ("ZeroR", ["ZeroR"]), ("speed", ["ZeroR"]),
])  # fmt: skip
def test_a_card_compares_with_zero_r_and_the_reference(table, reference, others):
    summary, comparisons = summarize_errors(table), compare_methods(table)
    settings = {"targets": {"motility": ["immotile"]}, "frames": FRAMES, "simulated": False}
    settings |= {"tracking": {"duration": 10}, "reference": reference}
    errors = model_card.errors_vs_zero_r("good", summary, comparisons)
    card = model_card.render_model_card("good", [CELLS], errors, {}, [], settings, comparisons)
    [header] = [
        line for line in card.splitlines() if line.startswith("| target") and "ZeroR" in line
    ]
    assert re.findall(r"better than (\w+) by", header) == others
    gains = statistics_page.list_gains(comparisons, "motility", reference, ["good"])
    assert all(text in card for text in gains.loc["good"])
    assert "Intervals of two errors do not show whether they differ" in card


@pytest.mark.parametrize("is_doubted", [False, True])
def test_errors_are_drawn_within_0_and_100_and_in_doubt_hatched(is_doubted):
    value = {"percent": 90.0, "held_out_error": 30.0, "std_over_models": 1.0}
    _, axis = plt.subplots()
    outputs = np.full((2, 3, 1), 90.0)
    _draw_percentages(axis, outputs, [value], is_doubted)
    [box] = axis.patches
    assert (box.get_y(), box.get_y() + box.get_height()) == (60, 100)
    assert bool(box.get_hatch()) == is_doubted
    assert [text.get_text() for text in axis.texts] == ["90 ± 30 %"]
    plt.close()
