"""Rows of mae.csv, and which of them may be compared with the paper's."""

import pytest

from motilens.evaluation.mae_table import make_mae_row, zero_r_losses
from motilens.evaluation.paper import PAPER_VALUES
from support.predictions import NO_ISSUES, one_prediction

PAPER_I4 = {"model": "autoencoder", "frames": 18, "repeats": 1, "variant": "paper"}


@pytest.mark.parametrize("method, encoder, is_comparable", [
    ("I4", PAPER_I4, True),
    ("I4", PAPER_I4 | {"frames": 17}, False),
    ("I4", {"model": "fixed", "frames": 18, "repeats": 1, "kind": "pca"}, False),
    ("I5", PAPER_I4, False),
    ("msd", None, False),
])  # fmt: skip
def test_only_the_papers_inputs_and_targets_are_comparable(method, encoder, is_comparable):
    predictions, record = one_prediction()
    values = PAPER_VALUES["morphology"]
    record |= {"method": method, "training": {"1": dict.fromkeys(values, 80.0)}}
    record |= {"architecture": {"encoder": encoder}} if encoder else {}
    columns = [f"{side}_{value}" for value in values for side in ("true", "predicted")]
    predictions = predictions.assign(**dict.fromkeys(columns, 90.0))
    of_all = record | {"settings": record["settings"] | {"values": list(values)}}
    assert make_mae_row(predictions, of_all)["comparable_to_paper"] is is_comparable
    assert make_mae_row(predictions, record)["comparable_to_paper"] is False, "of the head alone"


def test_errors_are_beside_those_of_the_training_samples_mean():
    row = make_mae_row(*one_prediction())
    assert (row["method"], row["fold"], row["pretrained_weights"]) == ("I1", 1, "none")
    assert (row["mae_stack"], row["zeror_stack"]) == (3, 5)


@pytest.mark.parametrize("kind", [None, *NO_ISSUES])
def test_a_model_with_issues_is_unsound(kind):
    predictions, record = one_prediction()
    record["diagnostics"] = NO_ISSUES | ({kind: "not settled"} if kind else {})
    assert make_mae_row(predictions, record)["regressor_unsound"] is bool(kind)


def test_losses_of_zero_r_are_means_over_models_with_the_same_loss():
    _, record = one_prediction()
    other = record | {"training": {"1": {"head": 60.0}, "2": {"head": 90.0}}}
    absolute = record | {"settings": record["settings"] | {"loss": "l1"}}
    losses = zero_r_losses([record, other, absolute])
    assert losses == {"morphology": [5, (25 + 225) / 2]}
