"""How the models of a run were made, on a page."""

import pytest

from motilens.reports.page import render_markdown
from motilens.reports.run_summary import (
    build_run_page,
    list_settings,
    list_versions,
    make_models_table,
    summarize_costs,
)


def record(name, target=None, **settings):
    known = {"input": name, "fold": "1", "seed": "0"} | ({"target": target} if target else {})
    return known | {
        "settings": {"epochs": 2, "loss": {"squared": 1}, "frames": 1} | settings,
        "abandoned_starts": [{"seed": 5}],
        "health": {"problem": None, "warning": "is no better"},
        "training": {"1": {"participant": "a"}, "2": {"participant": "b"}},
        "held_out": {"3": {"participant": "b"}, "4": {"participant": "c"}},
        "architecture": {"frames": 1, "copies": 9, "kind": "motion"},
        "weights_sha256": "ab",
        "code": {"a.py": "12"},
        "motilens": "0.1.0",
        "python": "3.11.7",
        "libraries": {"torch": "2.15.0"},
    }


def run(seconds, gpu=None):
    return {
        "seconds": seconds, "device": "cuda" if gpu else "cpu", "precision": "float32",
        "threads": 1, "peak_memory": 10**9, "peak_memory_gpu": gpu, "resumed_at_steps": [7],
    }  # fmt: skip


@pytest.fixture
def records():
    return [record("I1"), record("I4", epochs=3), record("I1", "motility")]


def test_a_row_for_each_model_and_costs_by_kind(records):
    models = make_models_table(
        [*records, records[2]], [run(10), run(20, 3 * 10**9), run(30), run(50)]
    )
    assert models["model"].tolist() == ["autoencoder"] * 2 + ["motility regressor"] * 2
    assert models["begun_again"].eq(1).all() and models["resumed"].eq(1).all()
    costs = summarize_costs(models).set_index(["model", "input"])
    last = costs.loc[("motility regressor", "I1")]
    assert (last["number"], last["seconds each (median)"]) == ("2", "40.0")
    assert (last["hours together"], last["begun again"], last["not sound"]) == ("0.02", "2", "2")
    assert costs.loc[("autoencoder", "I4"), "GPU memory (GB)"] == "3.0"
    assert costs.loc[("autoencoder", "I1"), "GPU memory (GB)"] == ""


def test_settings_that_differ_have_a_row_each(records):
    found = list_settings(records).set_index(["setting", "value"])["input types"]
    assert found["autoencoder.epochs", "2"] == "I1" and found["autoencoder.epochs", "3"] == "I4"
    assert found["autoencoder.loss.squared", "1"] == "all that have one"
    assert found["regressor.epochs", "2"] == "all that have one"
    assert not any(name.endswith("frames") for name, _ in found.index), "said by the input type"


def test_an_answer_is_told_as_the_user_set_it(records):
    made = [record("I4", "motility", answer="shares"), record("I4", "head", answer="bounded")]
    found = list_settings(made).set_index("setting")["value"]
    assert found["regressor.answer"] == "bounded", "once"


def test_baselines_have_their_code_and_settings(records):
    cells = record("cells", "motility", method="cells") | {"code": {"b.py": "34"}}
    settings = {"folds_digest": "f", "models": {"fold": [1], "seed": [0]}, "left_out": []}
    errors = {"settings": settings, "regressors": {"a": records[2], "b": cells}}
    models = make_models_table(records, [run(1)] * 3)
    made = build_run_page(models, records, errors, {"tracks": {"seconds": 3}, "data": "recordings"})
    rows = {name: dict(part.to_numpy().tolist()) for name, part in made.parts if len(part.T) == 2}
    last = rows["Versions and digests"]
    assert last["code of baselines"] not in (last["code of regressors"], "")
    assert rows["Data"]["tracks.seconds"] == 3
    assert any(note.startswith("Baselines (cells) are") for note in made.notes)


def test_versions_that_differ_are_all_told(records):
    records[1]["libraries"] = {"torch": "2.16.0"}
    found = list_versions(records)
    assert found["torch"] == "2.15.0; 2.16.0" and found["Motilens"] == "0.1.0"


DATA = {"data": {"participants": 85, "seed": 1}, "frames": {"size": 64}}


def test_the_page_says_of_which_data(records):
    split = {"folds_digest": "cd", "left_out": [], "models": {"fold": [1, 2], "seed": [0]}}
    models = make_models_table(records, [run(1)] * 3)
    page = build_run_page(models, records, {"settings": split, "regressors": {}}, DATA)
    told = {"participants": 3, "samples": 4, "data.participants": 85, "data.seed": 1}
    assert dict(dict(page.parts)["Data"].to_numpy()) == told | {"frames.size": 64}


def test_the_page_says_who_was_left_out(records):
    models = make_models_table(records, [run(1)] * 3)
    split = {"folds_digest": "cd", "left_out": ["7"], "models": {"fold": [1, 2], "seed": [0]}}
    text = render_markdown(
        build_run_page(models, records, {"settings": split, "regressors": {}}, DATA)
    )
    assert "| I1      | 1        | 9        | motion    |" in text
    assert "**Left out**: samples 7" in text and "cd" in text and "1; 2" in text
