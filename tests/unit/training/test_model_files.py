"""Trained models come back from their files alone; files that do not match are refused."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from motilens.core.records import read_record, write_record
from motilens.models.autoencoders import AUTOENCODERS, build_autoencoder
from motilens.models.regressor import build_regressor
from motilens.training.autoencoder import autoencoder_architecture, encode_stacks
from motilens.training.model_files import load_model, save_model
from motilens.training.regressor import predict_stacks
from support import learning
from support.errors import assert_refused


def save(result, folder, architecture):
    names = ("weights", "record", "history", "run")
    output = SimpleNamespace(**{name: str(folder / name) for name in names})
    save_model(result, output, {"architecture": architecture, "training": {}})
    return output


@pytest.fixture(scope="module")
def regressor():
    return learning.fit_regressor(learning.draw_disks(8))


@pytest.fixture
def files(tmp_path, regressor):
    return save(regressor, tmp_path, learning.regressor_settings()["architecture"])


def load(files):
    return load_model(files.weights, files.record, build_regressor)


@pytest.mark.parametrize("variant", AUTOENCODERS)
def test_autoencoder_comes_back_from_its_files_alone(tmp_path, variant):
    loss, stacks = {"mse": 1, "kl": 0.1, "adversarial": 0.1}, learning.draw_disks()
    result = learning.fit_autoencoder(stacks, seed=1, variant=variant, loss=loss, epochs=1)
    architecture = autoencoder_architecture(learning.AUTOENCODER | {"variant": variant})
    files = save(result, tmp_path, architecture)
    loaded, record = load_model(files.weights, files.record, build_autoencoder)
    assert record["architecture"] == architecture and not loaded.training
    assert record["diagnostics"] == result.diagnostics and record["failed_attempts"] == []
    assert record["final_loss"] == result.history[-1]["loss"]
    before, after = result.model.state_dict(), loaded.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    # Another layout in memory may round differently.
    before, after = (encode_stacks(m, learning.to_dataset(stacks)) for m in (result.model, loaded))
    assert np.allclose(before, after, atol=1e-5)


def test_regressor_comes_back_from_its_files_alone(files, regressor):
    loaded, record = load(files)
    assert record["architecture"]["backbone"] == "resnet18"
    stacks = learning.to_dataset(learning.draw_disks(8))
    assert np.array_equal(*(predict_stacks(m, stacks) for m in (loaded, regressor.model)))
    history = pd.read_csv(files.history)
    assert list(history) == ["epoch", "loss"] and len(history) == 1
    run = read_record(files.run)
    assert run["device"] == "cpu" and run["seconds"] > 0 and run["peak_memory"] > 1e8


def test_weights_of_another_record_and_missing_ones_are_named(files):
    content = bytearray(Path(files.weights).read_bytes())
    content[2000] ^= 1
    Path(files.weights).write_bytes(content)
    assert_refused("does not match", load, files)
    Path(files.weights).unlink()
    assert_refused("weights cannot be read", load, files)


@pytest.mark.parametrize("change", [{"backbone": "resnet34"}, {"outputs": 2}, {"color": 1}])
def test_weights_of_another_architecture_are_refused(files, change):
    record = read_record(files.record)
    write_record(files.record, record | {"architecture": record["architecture"] | change})
    assert_refused("weights does not fit the architecture in .*record", load, files)


def test_edited_record_is_named(files):
    record = read_record(files.record)
    without = {key: record[key] for key in record if key != "diagnostics"}
    for edited in ([record], record | {"architecture": "x"}, without):
        write_record(files.record, edited)
        assert_refused("record.*: delete", load, files)
