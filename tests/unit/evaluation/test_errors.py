"""Errors, ZeroR, ensembles and diagnostics, against numbers worked out by hand."""

import pandas as pd
import pytest

from motilens.evaluation import metrics, paper
from motilens.evaluation.diagnostics import format_diagnostics, list_issues
from motilens.evaluation.ensembling import average_predictions, merge_diagnostics
from motilens.evaluation.mae_table import make_mae_row, zero_r_losses
from motilens.evaluation.paper import PAPER_VALUES
from support.errors import assert_refused
from support.predictions import NO_ISSUES, one_prediction


@pytest.fixture
def predictions():
    return pd.DataFrame({
        "participant": ["1", "1", "2"], "sample": ["1", "1", "2"], "stack": [0, 1, 0],
        "true_head": [90.0, 90.0, 80.0], "true_tail": [10.0, 10.0, 30.0],
        "predicted_head": [80.0, 100.0, 81.0], "predicted_tail": [10.0, 16.0, 27.0],
    })  # fmt: skip


def test_errors_are_averaged_over_stacks_or_first_over_participants(predictions):
    assert metrics.mae_stack(predictions) == pytest.approx((10 + 10 + 1 + 0 + 6 + 3) / 6)
    assert metrics.mae_participant(predictions) == pytest.approx((0 + 1 + 3 + 3) / 4)
    again = predictions.iloc[2:].assign(sample="2+2", true_head=70.0)  # 2 has a second video
    table = pd.concat([predictions, again])
    assert metrics.mae_participant(table) == pytest.approx((0 + 3 + (1 + 11) / 2 + 3) / 4)


def test_zero_r_is_the_training_mean_and_stands_beside_models(predictions):
    training = pd.DataFrame({"head": [80.0, 100.0], "tail": [0.0, 20.0]}, index=["3", "4"])
    table = metrics.predict_constant(predictions, training, "ZeroR")
    assert table["predicted_head"].tolist() == [90, 90, 90]
    assert metrics.mae_participant(table) == pytest.approx((0 + 10 + 0 + 20) / 4)
    labels = pd.DataFrame({"progressive": [10.0, 30.0], "immotile": [50.0, 50.0]})
    assert metrics.zero_r_training_loss(labels, "mse") == 50
    assert metrics.zero_r_training_loss(labels, "l1") == 5
    row = make_mae_row(*one_prediction())
    assert (row["method"], row["fold"], row["pretrained_weights"]) == ("I1", 1, "none")
    assert (row["mae_stack"], row["zeror_stack"]) == (3, 5)
    _, record = one_prediction()
    other = record | {"training": {"1": {"head": 60.0}, "2": {"head": 90.0}}}
    absolute = record | {"settings": record["settings"] | {"loss": "l1"}}
    losses = zero_r_losses([record, other, absolute])
    assert losses == {"morphology": [(1, 5), (1, 25), (1, 225)]}


PAPER_I4 = {"model": "autoencoder", "frames": 18, "repeats": 1, "variant": "paper"}


@pytest.mark.parametrize("method, encoder, is_comparable", [
    ("I4", PAPER_I4, True), ("I4", PAPER_I4 | {"frames": 17}, False), ("I5", PAPER_I4, False),
    ("I4", {"model": "fixed", "frames": 18, "repeats": 1, "kind": "pca"}, False),
    ("msd", None, False),
])  # fmt: skip
def test_only_the_papers_inputs_and_targets_are_comparable_and_only_on_its_data(
    method, encoder, is_comparable, monkeypatch
):
    predictions, record = one_prediction()
    values = PAPER_VALUES["morphology"]
    labels = {name: {"participant": name} | dict.fromkeys(values, 80.0) for name in "13"}
    record |= {"method": method, "training": {"1": labels["1"]}, "held_out": {"3": labels["3"]}}
    record |= {"architecture": {"encoder": encoder}} if encoder else {}
    columns = [f"{side}_{value}" for value in values for side in ("true", "predicted")]
    predictions = predictions.assign(**dict.fromkeys(columns, 90.0))
    of_all = record | {"settings": record["settings"] | {"values": list(values)}}
    assert make_mae_row(predictions, of_all)["comparable_to_paper"] is False, "other people"
    digest = paper.digest_labels(labels, values)
    monkeypatch.setitem(paper.VISEM_LABELS, "morphology", digest)
    assert make_mae_row(predictions, of_all)["comparable_to_paper"] is is_comparable
    assert make_mae_row(predictions, record)["comparable_to_paper"] is False, "of the head alone"
    corrected = of_all | {"held_out": {"3": labels["3"] | {"head": 81.0}}}
    assert make_mae_row(predictions, corrected)["comparable_to_paper"] is False


@pytest.mark.parametrize("kind", [None, *NO_ISSUES])
def test_a_model_with_issues_is_unsound(kind):
    predictions, record = one_prediction()
    record["diagnostics"] = NO_ISSUES | ({kind: "not settled"} if kind else {})
    assert make_mae_row(predictions, record)["regressor_unsound"] is bool(kind)


NETWORK = pd.DataFrame({
    "participant": ["7", "7", "8", "7"], "sample": ["7", "7", "8", "07b"],
    "stack": [0, 1, 0, 0], "true_a": [50.0, 50.0, 20.0, 40.0],
    "predicted_a": [60.0, 40.0, 10.0, 0.0],
})  # fmt: skip
CELLS = NETWORK.iloc[[2, 3, 0]].assign(predicted_a=[30.0, 90.0, 70.0])


def test_an_ensemble_averages_models_and_keeps_labels_and_issues():
    table = average_predictions([NETWORK, CELLS])
    assert table["sample"].tolist() == ["7", "8", "07b"] and table["stack"].tolist() == [0, 0, 0]
    assert table["predicted_a"].tolist() == [60, 20, 45]
    assert list(table) == list(NETWORK) and table["true_a"].tolist() == [50, 20, 40]
    of_three = average_predictions([NETWORK, CELLS, CELLS])
    assert of_three["predicted_a"].tolist() == pytest.approx([190 / 3, 70 / 3, 60])
    # The mean of three times 33.3 is not 33.3.
    stacks = pd.concat([NETWORK.iloc[[2]]] * 3).assign(true_a=33.3, predicted_a=[1.0, 2.0, 6.0])
    table = average_predictions([stacks, CELLS.iloc[[0]].assign(true_a=33.3)])
    assert table[["true_a", "predicted_a"]].to_numpy().tolist() == [[33.3, 16.5]]
    warnings = {"I4": "not settled", "cells": "no cell in 7"}
    issues = {method: NO_ISSUES | {"warning": text} for method, text in warnings.items()}
    merged = merge_diagnostics([{"method": m, "diagnostics": d} for m, d in issues.items()])
    assert merged == {"failure": None, "warning": "I4: not settled; cells: no cell in 7"}


@pytest.mark.parametrize("other", [CELLS.iloc[:2], CELLS.assign(true_a=50.0)])
def test_predictions_of_other_samples_or_labels_are_not_averaged(other):
    assert_refused("different samples or labels", average_predictions, [NETWORK, other])


def test_diagnostics_are_a_line_and_their_failures_and_warnings_are_issues():
    diagnostics = {"loss": 0.0125, "feature_spread": [0.5, 1.25], "failure": None}
    line = format_diagnostics(diagnostics | {"warning": "poor"})
    assert line == "loss 0.0125; feature spread 0.5 1.25; poor"
    assert list_issues({"loss": 1, "failure": "dead", "warning": "poor"}) == ["dead", "poor"]
    assert list_issues(NO_ISSUES | {"warning": "unsettled"}) == ["unsettled"]
    assert not list_issues(NO_ISSUES)
