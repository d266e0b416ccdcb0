"""Tables of predictions are read only as their models made them."""

import pandas as pd
import pytest

from motilens.core.errors import InputError
from motilens.core.files import hash_file
from motilens.evaluation.predictions import read_predictions
from support.predictions import one_prediction


@pytest.fixture
def written(tmp_path):
    """Predictions as a step leaves them: the file's path, and the record of their model."""
    predictions, record = one_prediction()
    path = tmp_path / "I1/morphology/fold1/seed0.csv"
    path.parent.mkdir(parents=True)
    predictions.to_csv(path, index=False)
    return path, record | {"predictions_sha256": hash_file(path)}


def test_predictions_are_read_as_they_were_written(written):
    path, record = written
    pd.testing.assert_frame_equal(read_predictions(str(path), record), one_prediction()[0])


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "",
        lambda text: text.rpartition("\n3")[0],
        lambda text: text.replace("90.0", "91.0", 1),
        lambda text: text.replace(",", ";"),
    ],
)
def test_edited_predictions_are_refused(written, edit):
    path, record = written
    path.write_text(edit(path.read_text()))
    with pytest.raises(InputError, match="seed0.csv is not what the model made .*: delete it"):
        read_predictions(str(path), record)


@pytest.mark.parametrize(
    "other", [{"fold": "2"}, {"seed": "1"}, {"method": "I4"}, {"target": "motility"}]
)
def test_predictions_of_another_model_are_refused(written, other):
    path, record = written
    with pytest.raises(InputError, match="the record beside its model is that of another one"):
        read_predictions(str(path), record | other)


def test_predictions_that_are_not_numbers_are_refused(written):
    path, record = written
    one_prediction()[0].assign(predicted_head=float("nan")).to_csv(path, index=False)
    with pytest.raises(InputError, match="a prediction is not a number"):
        read_predictions(str(path), record | {"predictions_sha256": hash_file(path)})
