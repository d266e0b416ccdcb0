"""The regressor: starts where it should, keeps participants apart, comes back from its files."""

import numpy as np
import pandas as pd
import pytest

from motilens import InputError, checkpoints, regressor
from motilens.step import write_record

SETTINGS = {
    "backbone": "resnet18",
    "weights": "none",
    "values": ["progressive", "nonprogressive", "immotile"],
    "start_at_mean": True,
    "settle_batch_norm": True,
    "epochs": 1,
    "batch_size": 8,
    "learning_rate": 1e-6,
    "weight_decay": 0.0,
}
LABELS = np.array([[60, 10, 30], [20, 30, 50]] * 4, np.float32)


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).random((8, 3, 32, 32), dtype=np.float32)


@pytest.fixture(scope="module")
def trained(features):
    return regressor.train(features, LABELS, SETTINGS, seed=0)


def test_starts_at_the_mean_of_the_labels_when_told(trained, features):
    predicted = regressor.predict(trained[0], features)
    assert predicted.shape == (8, 3) and predicted.dtype == np.float32
    assert predicted.mean(0) == pytest.approx([40, 20, 40], abs=3)
    far, _ = regressor.train(features, LABELS, SETTINGS | {"start_at_mean": False}, seed=0)
    assert (abs(regressor.predict(far, features)) < 5).all()


def test_settled_statistics_matter(features):
    """Without them the evaluated model is not the one that was trained."""
    loose, _ = regressor.train(features, LABELS, SETTINGS | {"settle_batch_norm": False}, seed=0)
    settled, _ = regressor.train(features, LABELS, SETTINGS, seed=0)
    assert not np.allclose(*(regressor.predict(m, features) for m in (loose, settled)))


def test_same_seed_same_bits(trained, features):
    again, history = regressor.train(features, LABELS, SETTINGS, seed=0)
    assert history == trained[1]
    assert np.array_equal(*(regressor.predict(m, features) for m in (again, trained[0])))


def test_model_comes_back_from_its_files_alone(tmp_path, trained, features):
    weights, record = str(tmp_path / "model.pt"), str(tmp_path / "model.json")
    checkpoints.save(trained[0], weights, record, {"settings": SETTINGS | {"weights": "none"}})
    loaded, settings = regressor.load(weights, record)
    assert settings["values"] == SETTINGS["values"]
    assert np.array_equal(*(regressor.predict(m, features) for m in (loaded, trained[0])))


def test_weights_of_another_record_are_refused(tmp_path, trained):
    weights, record = str(tmp_path / "model.pt"), str(tmp_path / "model.json")
    checkpoints.save(trained[0], weights, record, {"settings": SETTINGS})
    data = bytearray((tmp_path / "model.pt").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "model.pt").write_bytes(data)
    with pytest.raises(InputError, match="does not match"):
        regressor.load(weights, record)
    write_record(record, {"settings": SETTINGS, "weights_sha256": "0"})
    with pytest.raises(InputError, match="does not match"):
        regressor.load(weights, record)


def samples(*names):
    return {name: {"participant": name.partition("+")[0]} for name in names}


def test_a_participant_on_both_sides_is_an_error():
    regressor.check_folds(samples("1", "2"), samples("3"), samples("2", "1"))
    with pytest.raises(InputError, match=r"held-out participants \['3'\]"):
        regressor.check_folds(samples("1", "2"), samples("3"), samples("1", "3"))
    with pytest.raises(InputError, match=r"held-out participants \['2'\]"):
        regressor.check_folds(samples("1", "2"), samples("2", "3"), samples("1"))
    with pytest.raises(InputError, match=r"held-out participants \['2'\]"):
        regressor.check_folds(samples("1", "2"), samples("2+2"), samples("1", "2"))


def test_a_sample_that_got_lost_is_an_error():
    with pytest.raises(InputError, match=r"different samples: \['1\+2'\]"):
        regressor.check_folds(samples("1"), samples("3"), samples("1", "1+2"))


def test_nobody_left_to_hold_out():
    with pytest.raises(InputError, match="no sample is left to hold out"):
        regressor.check_folds(samples("1"), {}, samples("1"))


def test_prediction_table_puts_true_beside_predicted():
    labels = pd.DataFrame(
        {"participant": ["7", "10"], "tail": [10.0, 20.0], "head": [90.0, 95.0]}, ["7", "10+2"]
    )
    keys, predicted = [("10+2", 0), ("10+2", 1), ("7", 0)], np.array([[1, 2], [3, 4], [5, 6]])
    table = regressor.prediction_table(keys, labels, ["head", "tail"], predicted)
    assert list(table) == [
        "participant", "sample", "stack", "true_head", "true_tail", "predicted_head",
        "predicted_tail",
    ]  # fmt: skip
    assert table.iloc[0].tolist() == ["10", "10+2", 0, 95, 20, 1, 2]
    assert table.iloc[2].tolist() == ["7", "7", 0, 90, 10, 5, 6]
