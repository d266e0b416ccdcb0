"""What the paper names as future work, and what we add, from clips to predictions."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

INPUTS = """
VAE:
  frames: 3
  autoencoder: {variant: variational, loss: {kl: 0.001}}
  regressor: {backbone: resnet34}
GAN:
  frames: 3
  autoencoder:
    variant: adversarial
    loss: {adversarial: 0.01, ssim: 1, frame_difference: 1, gradient_difference: 1}
convLSTM: {frames: 3, autoencoder: {variant: recurrent}}
LSTM: {frames: 3, encoder: none, regressor: {recurrent: true}}
ours:
  frames: 3
  encoder: motion
  regressor: {output_activation: bounded, loss: l1, augmentation: dihedral, tta: true, bag_size: 2}
"""


@pytest.fixture(scope="module")
def results(finished_laboratory, tmp_path_factory):
    lab = finished_laboratory.copy(tmp_path_factory.mktemp("variants") / "a lab")
    lab.config["inputs"] = yaml.safe_load(INPUTS)
    lab.write_configuration()
    targets = [f"regressors/{name}/motility/fold1/seed0/model.pt" for name in lab.config["inputs"]]
    lab.snakemake("--cores", "2", "--", *targets, config="own.yaml")
    return lab.folder / "results"


def read_predictions(results, name):
    path = results / f"predictions/{name}/motility/fold1/seed0.csv"
    return pd.read_csv(path).filter(regex="^predicted")


@pytest.mark.parametrize("name", yaml.safe_load(INPUTS))
def test_each_predicts_the_stacks_of_the_held_out(results, name):
    predicted = read_predictions(results, name)
    assert predicted.shape == (3 * 4, 3) and np.isfinite(predicted).all(axis=None)


def test_bounded_outputs_are_percentages(results):
    motility = read_predictions(results, "ours")
    assert motility.sum(axis=1).tolist() == pytest.approx([100] * len(motility), abs=1e-3)
    assert motility.ge(0).all(axis=None) and motility.le(100).all(axis=None)


def test_models_say_what_they_are(results):
    def architecture(kind, name):
        path = results / kind / name / "fold1/seed0/model.json"
        return json.loads(path.read_text(encoding="utf-8"))["architecture"]

    variants = {"VAE": "variational", "GAN": "adversarial", "convLSTM": "recurrent"}
    for name, variant in variants.items():
        assert architecture("autoencoders", name)["variant"] == variant
    assert architecture("regressors", "LSTM/motility")["recurrent"] is True
    ours = architecture("regressors", "ours/motility")
    assert ours["output_activation"] == "softmax" and ours["tta"]
