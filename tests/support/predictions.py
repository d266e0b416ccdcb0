"""Predictions of few samples, and the records of their models; predictions made elsewhere."""

import numpy as np
import pandas as pd

NO_ISSUES = {"failure": None, "warning": None}


def long_table(errors, true=None, method="I1", target="motility", seed=0, value="immotile"):
    """As of `to_long_table`: one sample of each participant, predicted with these errors."""
    count = len(errors)
    names = [f"P{i}" for i in range(count)]
    true = np.linspace(20, 60, count) if true is None else np.asarray(true, float)
    return pd.DataFrame({
        "method": method, "target": target, "fold": np.arange(count) % 3 + 1, "seed": seed,
        "participant": names, "sample": names, "stack": 0, "value": value, "true": true,
        "predicted": true + errors,
    })  # fmt: skip


def one_prediction() -> tuple[pd.DataFrame, dict]:
    """The table of predictions of a single stack, and the record of the regressor."""
    predictions = pd.DataFrame(
        {"participant": "3", "sample": "3", "stack": [0], "true_head": 90.0, "predicted_head": 93.0}
    )
    record = {
        "method": "I1", "target": "morphology", "fold": "1", "seed": "0",
        "training": {"1": {"head": 80.0}, "2": {"head": 90.0}}, "held_out": {"3": {"head": 90.0}},
        "settings": {"values": ["head"], "weights": "none", "loss": "mse"},
        "autoencoder_collapsed": False, "diagnostics": NO_ISSUES,
    }  # fmt: skip
    return predictions, record


def write_external(folder, experiment, error=3.0):
    """Write predictions made elsewhere, for all targets, folds and seeds of an experiment."""
    for target, values in experiment.config["targets"].items():
        for fold in experiment.folds:
            rows = experiment.samples.loc[experiment.held_out(fold)]
            table = rows[["participant"]].reset_index().assign(stack=0)
            for value in values:
                table[f"true_{value}"] = rows[value].to_numpy()
                table[f"predicted_{value}"] = rows[value].to_numpy() + error
            for seed in experiment.seeds:
                path = folder / target / f"fold{fold}" / f"seed{seed}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                table.to_csv(path, index=False)
