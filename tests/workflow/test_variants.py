"""What the paper names as future work, and what we add: rows of the same tables."""

import json

import pandas as pd
import pytest

BETTER = {"answer": "bounded", "loss": "absolute", "symmetries": "both", "together": 2}


@pytest.fixture(scope="module")
def results(finished_laboratory, tmp_path_factory):
    made = finished_laboratory.copy(tmp_path_factory.mktemp("variants") / "a lab")
    made.config["inputs"] = {
        "VAE": {
            "frames": 3,
            "autoencoder": {"variant": "variational", "loss": {"divergence": 0.001}},
            "regressor": {"backbone": "resnet34"},
        },
        "GAN": {
            "frames": 3,
            "autoencoder": {
                "variant": "adversarial",
                "loss": {"adversarial": 0.01, "ssim": 1, "difference": 1, "gradient": 1},
            },
        },
        "convLSTM": {"frames": 3, "autoencoder": {"variant": "recurrent"}},
        "LSTM": {"frames": 3, "encoder": "none", "regressor": {"recurrent": True}},
        "ours": {"frames": 3, "encoder": "motion", "regressor": BETTER},
    }
    made.config["targets"] = {"motility": made.config["targets"]["motility"]}
    made.write_configuration()
    made.snakemake("--cores", "2", config="own.yaml")
    return made.folder / "results"


def test_each_is_a_row(results):
    table = pd.read_csv(results / "tables/table1.csv")
    assert set(table["input"]) == {"ZeroR", "median", "VAE", "GAN", "convLSTM", "LSTM", "ours"}
    assert table.filter(like="_participant").notna().all(axis=None)
    assert table.filter(like="_paper").isna().all(axis=None)


def test_bounded_answers_are_percentages(results):
    table = pd.read_csv(results / "predictions/ours/motility/fold1/seed0.csv")
    motility = table.filter(regex="^predicted")
    assert motility.sum(axis=1).tolist() == pytest.approx([100] * len(motility), abs=1e-3)
    assert motility.ge(0).all(axis=None) and motility.le(100).all(axis=None)


def test_models_say_what_they_are(results):
    def architecture(kind, name):
        path = results / kind / name / "fold1/seed0/model.json"
        return json.loads(path.read_text(encoding="utf-8"))["architecture"]

    variants = [
        architecture("autoencoders", name)["variant"] for name in ("VAE", "GAN", "convLSTM")
    ]
    assert variants == ["variational", "adversarial", "recurrent"]
    assert architecture("regressors", "LSTM/motility")["recurrent"] is True
    ours = architecture("regressors", "ours/motility")
    assert ours["answer"] == "shares" and ours["average"]
