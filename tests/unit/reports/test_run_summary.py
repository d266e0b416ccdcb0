"""The page that says how the models of a run were made."""

import pytest

from motilens.reports import run_summary
from motilens.reports.page import render_markdown

DATA = {
    "data": {"participants": 85, "seed": 1}, "frames": {"size": 64},
    "video_warnings": {"7": "nothing moves"},
}  # fmt: skip


def make_record(name, target=None, **settings):
    keys = {"input": name, "fold": "1", "seed": "0"}
    return keys | ({"target": target, "method": name} if target else {}) | {
        "settings": {"epochs": 2, "loss": {"mse": 1}, "frames": 1} | settings,
        "failed_attempts": [{"seed": 5, "failure": "collapsed"}],
        "diagnostics": {"failure": None, "warning": "is no better"},
        "training": {"1": {"participant": "a"}, "2": {"participant": "b"}},
        "held_out": {"3": {"participant": "b"}, "4": {"participant": "c"}},
        "architecture": {"frames": 1, "repeats": 9, "kind": "motion"}, "weights_sha256": "ab",
        "code": {"a.py": "12"}, "motilens": "0.1.0", "python": "3.11.7",
        "libraries": {"torch": "2.15.0"},
    }  # fmt: skip


def make_run(seconds, gpu=None):
    return {
        "seconds": seconds, "device": "cuda" if gpu else "cpu", "precision": "float32",
        "threads": 1, "peak_memory": 10**9, "peak_memory_gpu": gpu, "resumed_at_steps": [7],
    }  # fmt: skip


@pytest.fixture
def records():
    return [make_record("I1"), make_record("I4", epochs=3), make_record("I1", "motility")]


def build_page(records, settings=DATA, models=(), **errors):
    keys = {"models": {"fold": [1, 2], "seed": [0]}}
    errors = {"settings": keys, "folds_digest": "cd", "skipped": []} | errors
    errors["models"] = {str(number): record for number, record in enumerate(models)}
    table = run_summary.make_models_table(records, [make_run(1)] * len(records))
    return run_summary.build_run_page(table, records, errors, settings)


def read_pairs(page, heading):
    """A table of two columns as a dict."""
    return dict(dict(page.parts)[heading].to_numpy().tolist())


def test_warnings_about_videos_are_listed_where_there_are_any(records):
    assert read_pairs(build_page(records), "Warnings about videos") == {"7": "nothing moves"}
    page = build_page(records, DATA | {"video_warnings": {}})
    assert "Warnings about videos" not in dict(page.parts)


def test_each_model_has_a_row_and_each_kind_its_costs(records):
    runs = [make_run(10), make_run(20, 3 * 10**9), make_run(30), make_run(50)]
    models = run_summary.make_models_table([*records, records[2]], runs)
    assert models["model"].tolist() == ["autoencoder"] * 2 + ["motility regressor"] * 2
    assert models["restarts"].eq(1).all() and models["resumed"].eq(1).all()
    costs = run_summary.summarize_costs(models).set_index(["model", "input"])
    last = costs.loc[("motility regressor", "I1")]
    assert (last["number"], last["seconds each (median)"]) == ("2", "40.0")
    assert (last["hours together"], last["restarts"], last["not sound"]) == ("0.02", "2", "2")
    assert costs.loc[("autoencoder", "I4"), "GPU memory (GB)"] == "3.0"
    assert costs.loc[("autoencoder", "I1"), "GPU memory (GB)"] == ""


def test_settings_that_differ_have_a_row_each_under_their_name_in_the_configuration(records):
    inputs = run_summary.list_settings(records).set_index(["setting", "value"])["input types"]
    assert inputs["autoencoder.epochs", "2"] == "I1" and inputs["autoencoder.epochs", "3"] == "I4"
    assert inputs["autoencoder.loss.mse", "1"] == "all that have one"
    assert inputs["regressor.epochs", "2"] == "all that have one"
    assert not any(name.endswith("frames") for name, _ in inputs.index), "input types say it"
    activations = {"motility": "softmax", "head": "sigmoid"}
    records = [make_record("I4", t, output_activation=name) for t, name in activations.items()]
    values = run_summary.list_settings(records).set_index("setting")["value"]
    assert values["regressor.output_activation"] == "bounded", "once"


def test_baselines_and_ensembles_have_their_code_and_notes(records):
    cells = make_record("cells", "motility", baseline="cells") | {"code": {"b.py": "34"}}
    both = make_record("both", "motility", members=["I1", "cells"]) | {"code": {"c.py": "56"}}
    settings = {"tracking": {"duration": 3}, "data": "recordings", "video_warnings": {}}
    page = build_page(records, settings, models=[records[2], cells, both])
    versions = read_pairs(page, "Versions and digests")
    kinds = ("autoencoders", "regressors", "baselines", "ensembles")
    assert len({versions[f"code of {kind}"] for kind in kinds}) == 3, "of the same code, but two"
    assert read_pairs(page, "Data")["tracking.duration"] == 3
    assert any(note.startswith("Baselines (cells) are") for note in page.notes)
    assert "Ensembles are the means of other methods: both (of I1, cells)." in page.notes


def test_the_page_names_data_input_types_folds_skipped_samples_and_all_versions(records):
    records[1]["libraries"] = {"torch": "2.16.0"}
    versions = run_summary.list_versions(records)
    assert versions["torch"] == "2.15.0; 2.16.0" and versions["Motilens"] == "0.1.0"
    described = {"participants": 3, "samples": 4, "data.participants": 85, "data.seed": 1}
    assert read_pairs(build_page(records), "Data") == described | {"frames.size": 64}
    text = render_markdown(build_page(records, skipped=["7"]))
    assert "| I1      | 1        | 9         | motion    |" in text
    assert "**Skipped**: samples 7" in text and "cd" in text and "1; 2" in text
