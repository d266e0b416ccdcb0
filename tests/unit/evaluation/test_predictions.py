"""Tables of predictions: nobody crosses folds, and they are read only as models made them."""

import numpy as np
import pandas as pd
import pytest

from motilens.core.errors import InputError
from motilens.core.files import hash_file
from motilens.evaluation import predictions, results
from support.errors import assert_refused
from support.predictions import one_prediction


@pytest.fixture
def written(tmp_path):
    """Predictions as a step leaves them: the file's path, and the record of their model."""
    table, record = one_prediction()
    path = tmp_path / "I1/morphology/fold1/seed0.csv"
    path.parent.mkdir(parents=True)
    table.to_csv(path, index=False)
    return path, record | {"predictions_sha256": hash_file(path)}


def test_predictions_are_read_as_they_were_written_if_they_are_numbers(written):
    path, record = written
    read = results.read_predictions(str(path), record)
    pd.testing.assert_frame_equal(read, one_prediction()[0])
    one_prediction()[0].assign(predicted_head=float("nan")).to_csv(path, index=False)
    with pytest.raises(InputError, match="a prediction is not a number"):
        results.read_predictions(str(path), record | {"predictions_sha256": hash_file(path)})


@pytest.mark.parametrize("name", ["NA", "nan", "null", "None", "007", "1e5"])
def test_a_participant_with_the_initials_na_is_no_missing_number(written, name):
    path, record = written
    one_prediction()[0].assign(participant=name, sample=name).to_csv(path, index=False)
    record["predictions_sha256"] = hash_file(path)
    [read] = results.read_predictions(str(path), record).to_dict("records")
    assert read["participant"] == read["sample"] == name and read["predicted_head"] == 93


@pytest.mark.parametrize("edit", [
    lambda text: "", lambda text: text.rpartition("\n3")[0],
    lambda text: text.replace("90.0", "91.0", 1), lambda text: text.replace(",", ";"),
])  # fmt: skip
def test_edited_predictions_are_refused(written, edit):
    path, record = written
    path.write_text(edit(path.read_text()))
    with pytest.raises(InputError, match="seed0.csv is not what the model made .*: delete it"):
        results.read_predictions(str(path), record)


def test_predictions_of_another_model_are_refused(written):
    path, record = written
    message = "the record beside its model is that of another one"
    for other in ({"fold": "2"}, {"seed": "1"}, {"method": "I4"}, {"target": "motility"}):
        assert_refused(message, results.read_predictions, str(path), record | other)


def samples(*names):
    return {name: {"participant": name.partition("+")[0]} for name in names}


@pytest.mark.parametrize("training, held_out, seen_by_encoder, leaked", [
    (["1", "2"], ["3"], ["1", "3"], "3"), (["1", "2"], ["2", "3"], ["1"], "2"),
    (["1", "2"], ["2+2"], ["1", "2"], "2"),
])  # fmt: skip
def test_participant_on_both_sides_is_an_error(training, held_out, seen_by_encoder, leaked):
    predictions.check_no_leakage(samples("1", "2"), samples("3"), samples("2", "1"))
    sides = (samples(*names) for names in (training, held_out, seen_by_encoder))
    with pytest.raises(InputError, match=rf"held-out participants \['{leaked}'\]"):
        predictions.check_no_leakage(*sides)


def test_samples_that_are_missing_on_one_side_are_an_error():
    with pytest.raises(InputError, match=r"different samples: \['1\+2'\]"):
        predictions.check_no_leakage(samples("1"), samples("3"), samples("1", "1+2"))
    with pytest.raises(InputError, match="no sample is left to hold out"):
        predictions.check_no_leakage(samples("1"), {}, samples("1"))


def test_prediction_table_puts_true_beside_predicted():
    labels = {"participant": ["7", "10"], "tail": [10.0, 20.0], "head": [90.0, 95.0]}
    labels = pd.DataFrame(labels, ["7", "10+2"])
    keys, predicted = [("10+2", 0), ("10+2", 1), ("7", 0)], np.array([[1, 2], [3, 4], [5, 6]])
    table = predictions.make_prediction_table(keys, labels, ["head", "tail"], predicted)
    assert list(table) == [
        "participant", "sample", "stack", "true_head", "true_tail", "predicted_head",
        "predicted_tail",
    ]  # fmt: skip
    assert table.iloc[0].tolist() == ["10", "10+2", 0, 95, 20, 1, 2]
    assert table.iloc[2].tolist() == ["7", "7", 0, 90, 10, 5, 6]
