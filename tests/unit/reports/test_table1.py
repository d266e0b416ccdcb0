"""Table 1: averages, the paper's figures, and the notes beside them."""

import pandas as pd
import pytest

from motilens.evaluation.paper import PAPER_MAE
from motilens.reports.page import render_markdown
from motilens.reports.table1 import build_table1_page, make_table1


def make_mae(collapsed=False, unsound=False, skipped=None, seeds=(0,), methods=("I1", "I4")):
    return pd.DataFrame(
        {
            "method": method, "target": target, "fold": fold, "seed": seed,
            "mae_stack": 10.0 * fold + seed, "mae_participant": 9.0 * fold,
            "zeror_stack": 13.0, "zeror_participant": 12.0 + fold,
            "median_stack": 12.0, "median_participant": 11.0,
            "n_participants": 4, "n_stacks": 24, "pretrained_weights": "none",
            "comparable_to_paper": method in PAPER_MAE, "folds": "552c7b4be31dd513",
            "skipped": skipped,
            "autoencoder_collapsed": collapsed and method == "I1" and fold == 2,
            "regressor_unsound": unsound and (method, target, fold) == ("I4", "motility", 3),
        }
        for method in methods
        for target in ("motility", "morphology")
        for fold in (1, 2, 3)
        for seed in seeds
    )  # fmt: skip


def row(table, method, fold):
    return table[(table["method"] == method) & (table["fold"] == str(fold))].iloc[0]


def render(mae, is_simulated=False):
    return render_markdown(build_table1_page(make_table1(mae), mae, is_simulated))


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


def test_seeds_are_averaged():
    table = make_table1(make_mae(seeds=(0, 2)))
    assert row(table, "I4", 2)["motility_stack"] == pytest.approx(21)
    assert row(table, "ZeroR", 1)["motility_stack"] == 13


def test_the_papers_averages_are_those_it_prints():
    table = make_table1(make_mae(methods=("I1", "I2", "I3", "I4")))
    printed = {"I1": (13.017, 5.715), "I2": (13.017, 5.606), "I3": (10.970, 5.632),
               "I4": (9.427, 5.777)}  # fmt: skip
    for method, (motility, morphology) in printed.items():
        average = row(table, method, "average")
        assert average["motility_paper"] == pytest.approx(motility, abs=0.0006)
        assert average["morphology_paper"] == pytest.approx(morphology, abs=0.0006)
    assert row(table, "I3", 2)["motility_paper"] == 11.310


def test_what_is_not_comparable_to_the_paper_has_no_figure_of_the_paper():
    mae = make_mae(methods=("I1", "I4", "I5"))
    mae.loc[mae["method"] == "I4", "comparable_to_paper"] = False
    figures = make_table1(mae).set_index("method")["motility_paper"]
    assert figures[["I4", "I5"]].isna().all() and figures["I1"].notna().all()


def test_a_method_that_predicts_only_one_target_has_empty_cells_in_the_other():
    casa = make_mae(methods=("casa",))
    mae = pd.concat([make_mae(), casa[casa["target"] == "motility"]])
    average = list_rows(render(mae), "casa")[-1]
    assert average[:2] == ["20.00", "18.00"] and set(average[2:]) == {""}


def test_notes_describe_data_folds_and_weights():
    text = render(make_mae(), is_simulated=True)
    assert "The data are simulated" in text and "12 participants (72 stacks)" in text
    assert "digest of the folds: 552c7b4be31dd513" in text and "Without" not in text
    assert "pretrained weights: none" in text and "one prediction for a sample" not in text
    text = render(make_mae(skipped="7 12"))
    assert "**Without samples 7 12**" in text and "simulated" not in text


def test_methods_with_one_prediction_for_a_sample_have_a_note():
    cells = make_mae(methods=("cells",)).assign(n_stacks=4)
    assert "one prediction for a sample" in render(pd.concat([make_mae(), cells]))


def test_unsound_models_are_marked():
    text = render(make_mae())
    assert "†" not in text and "‡" not in text
    text = render(make_mae(collapsed=True))
    marks = ["".join(row).count("†") for row in list_rows(text, "I1")]
    assert marks == [0, 4, 0, 4] and "‡" not in text
    text = render(make_mae(unsound=True))
    marks = ["".join(row).count("‡") for row in list_rows(text, "I4")]
    assert marks == [0, 0, 2, 2] and "‡ an unsound regressor" in text and "†" not in text
