"""The regressor: starts where it should, keeps participants apart, comes back from its files."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from learning import LABELS, PLAIN, REGRESSOR, discs, encoder, examples

from motilens.core.errors import InputError
from motilens.core.records import read_record, write_record
from motilens.evaluation.predictions import check_no_leakage, make_prediction_table
from motilens.models.regressor import IMAGENET_MEAN_STD, build_model
from motilens.training.autoencoder import autoencoder_architecture
from motilens.training.model_files import load_model, save_model
from motilens.training.regressor import predict_stacks, regressor_architecture, train_regressor

ENCODER = autoencoder_architecture({"frames": 1, "copies": 1, "variant": "standardised"})


def settings(**changed):
    made = REGRESSOR | changed
    return made | {"architecture": regressor_architecture(made, ENCODER)}


@pytest.fixture(scope="module")
def stacks():
    return examples(discs(8))


def train(stacks, **changed):
    return train_regressor(stacks, LABELS, encoder(), settings(**changed), 0, PLAIN)


@pytest.fixture(scope="module")
def trained(stacks):
    return train(stacks)


@pytest.fixture
def files(tmp_path, trained):
    names = ("weights", "record", "history", "run")
    output = SimpleNamespace(**{name: str(tmp_path / name) for name in names})
    save_model(trained, output, {"architecture": settings()["architecture"], "training": {}})
    return output


def test_starts_at_the_mean_of_the_labels_when_told(trained, stacks):
    predicted = predict_stacks(trained.model, stacks)
    assert predicted.shape == (8, 3) and predicted.dtype == np.float32
    assert predicted.mean(0) == pytest.approx([40, 20, 40], abs=3)
    far = train(stacks, start_at_mean=False)
    assert (abs(predict_stacks(far.model, stacks)) < 5).all()


def test_settled_statistics_matter(stacks, trained):
    """Without them the evaluated model is not the one that was trained."""
    loose = train(stacks, settle_batch_norm=False, unhealthy="keep")
    assert not np.allclose(*(predict_stacks(m.model, stacks) for m in (loose, trained)))


def test_health_counts_right(trained, stacks):
    predicted = predict_stacks(trained.model, stacks)
    assert trained.health["loss"] == pytest.approx(((predicted - LABELS) ** 2).mean())
    assert trained.health["spread"] == pytest.approx(predicted.std(0), rel=1e-4)
    assert trained.health["loss_in_training"] == trained.history[-1]["loss"]
    assert trained.health["problem"] is None and trained.health["warning"] is None


def test_statistics_that_have_not_settled_are_a_warning(stacks):
    """Seen in a trial with high learning rates and few stacks."""
    changed = {"epochs": 6, "learning_rate": 1e-2}
    loose = train(stacks, settle_batch_norm=False, **changed)
    assert "batch normalisation has not settled" in loose.health["warning"]
    assert loose.health["problem"] is None
    with pytest.raises(InputError, match="has not settled"):
        train(stacks, settle_batch_norm=False, unhealthy="stop", **changed)


def test_statistics_settle_over_all_videos_though_a_batch_holds_one():
    """Each batch in the order of the videos would be one of them, and lack how they differ."""
    videos = examples(np.repeat(discs(8), 4, axis=0))
    changed = settings(batch_size=4, epochs=6)
    made = train_regressor(videos, np.repeat(LABELS, 4, axis=0), encoder(), changed, 0, PLAIN)
    assert made.health["warning"] is None
    assert made.health["loss"] < 2 * made.health["loss_in_training"]


def test_a_constant_answer_is_noticed(stacks):
    with torch.no_grad():
        blind = encoder()
        blind.encoder[-1].weight.zero_()
    arguments = (LABELS, blind, settings(unhealthy="keep"), 0, PLAIN)
    assert "every stack alike" in train_regressor(stacks, *arguments).health["problem"]
    arguments = (LABELS, blind, settings(), 0, PLAIN)
    with pytest.raises(InputError, match="every stack alike, and so in all 6 starts"):
        train_regressor(stacks, *arguments, log=str)


def test_the_encoder_is_frozen_or_learns_with_the_rest(trained, stacks):
    before = encoder().encoder.state_dict()
    after = trained.model.encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    tuned = train(stacks, fine_tune_encoder=True, learning_rate=1e-3)
    after = tuned.model.encoder.state_dict()
    assert not all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(before["1.weight"], encoder().encoder.state_dict()["1.weight"])


def test_feature_images_may_be_normalised_as_imagenets(stacks):
    model = build_model(settings(normalise="imagenet")["architecture"])
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in IMAGENET_MEAN_STD)
    images = torch.rand(2, 3, 8, 8)
    expected = (images - mean) / deviation
    assert torch.allclose(model.normalise(images), expected, atol=1e-5)
    plain = build_model(settings()["architecture"])
    assert torch.equal(plain.normalise(images), images)
    assert train(stacks, normalise="imagenet").model.normalise.scale.shape == (1, 3, 1, 1)


def test_same_seed_same_bits(trained, stacks):
    again = train(stacks)
    assert again.history == trained.history
    assert np.array_equal(*(predict_stacks(m.model, stacks) for m in (again, trained)))


def test_model_comes_back_from_its_files_alone(files, trained, stacks):
    loaded, record = load_model(files.weights, files.record)
    assert record["architecture"]["backbone"] == "resnet18"
    assert np.array_equal(*(predict_stacks(m, stacks) for m in (loaded, trained.model)))
    history = pd.read_csv(files.history)
    assert list(history) == ["epoch", "loss"] and len(history) == 1
    run = read_record(files.run)
    assert run["device"] == "cpu" and run["seconds"] > 0 and run["peak_memory"] > 1e8


def test_weights_of_another_record_are_refused(files):
    with open(files.weights, "r+b") as file:
        file.seek(2000)
        byte = file.read(1)
        file.seek(2000)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(InputError, match="does not match"):
        load_model(files.weights, files.record)


@pytest.mark.parametrize("change", [{"backbone": "resnet34"}, {"outputs": 2}, {"colour": 1}])
def test_weights_of_another_architecture_are_refused(files, change):
    record = read_record(files.record)
    record["architecture"] |= change
    write_record(files.record, record)
    with pytest.raises(InputError, match="weights does not fit the architecture in .*record"):
        load_model(files.weights, files.record)


@pytest.mark.parametrize(
    "change", [lambda made: [made], lambda made: made | {"architecture": "x"},
               lambda made: {key: made[key] for key in made if key != "health"}]
)  # fmt: skip
def test_a_record_that_was_edited_is_named(files, change):
    write_record(files.record, change(read_record(files.record)))
    with pytest.raises(InputError, match="record.*: delete"):
        load_model(files.weights, files.record)


def test_weights_that_are_gone_are_named(files):
    Path(files.weights).unlink()
    with pytest.raises(InputError, match="weights cannot be read"):
        load_model(files.weights, files.record)


def samples(*names):
    return {name: {"participant": name.partition("+")[0]} for name in names}


def test_a_participant_on_both_sides_is_an_error():
    check_no_leakage(samples("1", "2"), samples("3"), samples("2", "1"))
    with pytest.raises(InputError, match=r"held-out participants \['3'\]"):
        check_no_leakage(samples("1", "2"), samples("3"), samples("1", "3"))
    with pytest.raises(InputError, match=r"held-out participants \['2'\]"):
        check_no_leakage(samples("1", "2"), samples("2", "3"), samples("1"))
    with pytest.raises(InputError, match=r"held-out participants \['2'\]"):
        check_no_leakage(samples("1", "2"), samples("2+2"), samples("1", "2"))


def test_a_sample_that_got_lost_is_an_error():
    with pytest.raises(InputError, match=r"different samples: \['1\+2'\]"):
        check_no_leakage(samples("1"), samples("3"), samples("1", "1+2"))


def test_nobody_left_to_hold_out():
    with pytest.raises(InputError, match="no sample is left to hold out"):
        check_no_leakage(samples("1"), {}, samples("1"))


def test_prediction_table_puts_true_beside_predicted():
    labels = pd.DataFrame(
        {"participant": ["7", "10"], "tail": [10.0, 20.0], "head": [90.0, 95.0]}, ["7", "10+2"]
    )
    keys, predicted = [("10+2", 0), ("10+2", 1), ("7", 0)], np.array([[1, 2], [3, 4], [5, 6]])
    table = make_prediction_table(keys, labels, ["head", "tail"], predicted)
    assert list(table) == [
        "participant", "sample", "stack", "true_head", "true_tail", "predicted_head",
        "predicted_tail",
    ]  # fmt: skip
    assert table.iloc[0].tolist() == ["10", "10+2", 0, 95, 20, 1, 2]
    assert table.iloc[2].tolist() == ["7", "7", 0, 90, 10, 5, 6]
