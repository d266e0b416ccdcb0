"""Table 1: averages, the paper's figures, and what must be said beside them."""

import pandas as pd
import pytest

from motilens.core.errors import InputError
from motilens.core.files import hash_file
from motilens.evaluation.mae_table import make_mae_row
from motilens.evaluation.paper import PAPER_MAE
from motilens.evaluation.predictions import read_predictions
from motilens.reports.page import render_markdown
from motilens.reports.table1 import build_table1_page, make_table1


def mae(collapsed=False, unsound=False, left_out=None, seeds=(0,), inputs=("I1", "I4")):
    return pd.DataFrame(
        {
            "input": name,
            "target": target,
            "fold": fold,
            "seed": seed,
            "mae_stack": 10.0 * fold + seed,
            "mae_participant": 9.0 * fold,
            "zeror_stack": 13.0,
            "zeror_participant": 12.0 + fold,
            "median_stack": 12.0,
            "median_participant": 11.0,
            "n_participants": 4,
            "n_stacks": 24,
            "weights": "none",
            "papers": name in PAPER_MAE,
            "folds": "552c7b4be31dd513",
            "left_out": left_out,
            "autoencoder_collapsed": collapsed and name == "I1" and fold == 2,
            "regressor_unsound": unsound and (name, target, fold) == ("I4", "motility", 3),
        }
        for name in inputs
        for target in ("motility", "morphology")
        for fold in (1, 2, 3)
        for seed in seeds
    )


def row(table, name, fold):
    return table[(table["input"] == name) & (table["fold"] == str(fold))].iloc[0]


def test_zero_r_comes_first_then_folds_then_average():
    table = make_table1(mae())
    assert table["input"].tolist() == ["ZeroR"] * 4 + ["median"] * 4 + ["I1"] * 4 + ["I4"] * 4
    assert table["fold"].tolist() == ["1", "2", "3", "average"] * 4
    assert row(table, "ZeroR", "average")["motility_participant"] == pytest.approx(14)
    assert row(table, "median", 2)["motility_participant"] == 11
    assert row(table, "I4", 2)["motility_stack"] == 20
    assert row(table, "I4", "average")["motility_stack"] == pytest.approx(20)


def test_seeds_are_averaged():
    table = make_table1(mae(seeds=(0, 2)))
    assert row(table, "I4", 2)["motility_stack"] == pytest.approx(21)
    assert row(table, "ZeroR", 1)["motility_stack"] == 13


def test_the_papers_averages_are_those_it_prints():
    table = make_table1(mae(inputs=("I1", "I2", "I3", "I4")))
    printed = {"I1": (13.017, 5.715), "I2": (13.017, 5.606), "I3": (10.970, 5.632),
               "I4": (9.427, 5.777)}  # fmt: skip
    for name, (motility, morphology) in printed.items():
        average = row(table, name, "average")
        assert average["motility_paper"] == pytest.approx(motility, abs=0.0006)
        assert average["morphology_paper"] == pytest.approx(morphology, abs=0.0006)
    assert row(table, "I3", 2)["motility_paper"] == 11.310


def test_what_predicts_only_one_target_stays_empty_in_the_other():
    one = mae(inputs=("casa",))
    errors = pd.concat([mae(), one[one["target"] == "motility"]])
    text = render_markdown(build_table1_page(make_table1(errors), errors, simulated=False))
    [line] = [line for line in text.splitlines() if line.startswith("| casa") and "average" in line]
    cells = [cell.strip() for cell in line.split("|")]
    assert cells[3:5] == ["20.00", "18.00"] and set(cells[5:]) == {""}


def test_what_the_paper_does_not_have_stays_empty():
    table = make_table1(mae(inputs=("I5",)))
    assert table.loc[table["input"] == "I5", "motility_paper"].isna().all()


def test_markdown_tells_what_must_be_known():
    simulated = render_markdown(build_table1_page(make_table1(mae()), mae(), simulated=True))
    assert "The data are simulated" in simulated and "12 participants (72 stacks)" in simulated
    assert "digest of the folds: 552c7b4be31dd513" in simulated and "Without" not in simulated
    without = render_markdown(
        build_table1_page(make_table1(mae()), mae(left_out="7 12"), simulated=False)
    )
    assert "**Without samples 7 12**" in without
    assert "pretrained weights: none" in simulated and "†" not in simulated
    real = render_markdown(
        build_table1_page(make_table1(mae(collapsed=True)), mae(collapsed=True), simulated=False)
    )
    assert "simulated" not in real
    marks = [line.count("†") for line in real.splitlines() if line.startswith("| I1")]
    assert marks == [0, 4, 0, 4] and "‡" not in real
    real = render_markdown(
        build_table1_page(make_table1(mae(unsound=True)), mae(unsound=True), simulated=False)
    )
    marks = [line.count("‡") for line in real.splitlines() if line.startswith("| I4")]
    assert marks == [0, 0, 2, 2] and "‡ an unsound regressor" in real and "†" not in real


def test_an_input_of_ours_with_the_papers_name_has_no_figure_of_the_paper():
    made = mae()
    made.loc[made["input"] == "I4", "papers"] = False
    table = make_table1(made)
    assert table.loc[table["input"] == "I4", "motility_paper"].isna().all()
    assert table.loc[table["input"] == "I1", "motility_paper"].notna().all()


def held_out():
    predictions = pd.DataFrame(
        {"participant": "3", "sample": "3", "stack": [0], "true_head": 90.0, "predicted_head": 93.0}
    )
    record = {
        "input": "I1", "target": "morphology", "fold": "1", "seed": "0",
        "training": {"1": {"head": 80.0}, "2": {"head": 90.0}}, "held_out": {"3": {"head": 90.0}},
        "settings": {"values": ["head"], "weights": "none"}, "autoencoder_collapsed": False,
        "health": {"problem": None, "warning": None},
    }  # fmt: skip
    return predictions, record


@pytest.mark.parametrize(
    "name, encoder, same",
    [
        ("I4", {"model": "autoencoder", "frames": 18, "copies": 1, "variant": "paper"}, True),
        ("I4", {"model": "autoencoder", "frames": 17, "copies": 1, "variant": "paper"}, False),
        ("I4", {"model": "fixed", "frames": 18, "copies": 1, "kind": "pca"}, False),
        ("I5", {"model": "autoencoder", "frames": 18, "copies": 1, "variant": "paper"}, False),
        ("msd", None, False),
    ],
)
def test_what_the_papers_inputs_are(name, encoder, same):
    predictions, record = held_out()
    values = ["head", "midpiece", "tail"]
    record["training"] = {"1": dict.fromkeys(values, 80.0)}
    columns = [f"{side}_{value}" for value in values for side in ("true", "predicted")]
    predictions = predictions.assign(**dict.fromkeys(columns, 90.0))
    record |= {"input": name} | ({"architecture": {"encoder": encoder}} if encoder else {})
    of_all = record | {"settings": record["settings"] | {"values": values}}
    assert make_mae_row(predictions, of_all)["papers"] is same
    assert make_mae_row(predictions, record)["papers"] is False, "of the head alone"


def test_error_row_uses_the_training_participants_mean():
    predictions, record = held_out()
    made = make_mae_row(predictions, record)
    assert made["regressor_unsound"] is False
    for kind in record["health"]:
        sick = record | {"health": record["health"] | {kind: "not settled"}}
        assert make_mae_row(predictions, sick)["regressor_unsound"] is True
    assert (made["mae_stack"], made["zeror_stack"], made["fold"]) == (3, 5, 1)


@pytest.fixture
def written(tmp_path):
    """Predictions as a step leaves them: the file's path, and the record of their model."""
    predictions, record = held_out()
    path = tmp_path / "I1/morphology/fold1/seed0.csv"
    path.parent.mkdir(parents=True)
    predictions.to_csv(path, index=False)
    return path, record | {"predictions_sha256": hash_file(path)}


def test_predictions_are_read_as_they_were_made(written):
    path, record = written
    pd.testing.assert_frame_equal(read_predictions(str(path), record), held_out()[0])


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "",
        lambda text: text.rpartition("\n3")[0],
        lambda text: text.replace("90.0", "91.0", 1),
        lambda text: text.replace(",", ";"),
    ],
)
def test_predictions_that_were_edited_are_refused(written, edit):
    path, record = written
    path.write_text(edit(path.read_text()))
    with pytest.raises(InputError, match="seed0.csv is not what the model made .*: delete it"):
        read_predictions(str(path), record)


@pytest.mark.parametrize(
    "other", [{"fold": "2"}, {"seed": "1"}, {"input": "I4"}, {"target": "motility"}]
)
def test_predictions_of_another_model_are_refused(written, other):
    path, record = written
    with pytest.raises(InputError, match="the record beside its model is of another one"):
        read_predictions(str(path), record | other)


def test_predictions_that_are_no_numbers_are_refused(written):
    path, record = written
    held_out()[0].assign(predicted_head=float("nan")).to_csv(path, index=False)
    with pytest.raises(InputError, match="a prediction is no number"):
        read_predictions(str(path), record | {"predictions_sha256": hash_file(path)})
