"""The notebook of the documentation runs as it is, and holds no output."""

import json

import pytest

from support.configs import ROOT

NOTEBOOK = json.loads((ROOT / "docs/tutorials/predict.ipynb").read_text(encoding="utf-8"))
CODE = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_it_holds_no_output():
    assert len(CODE) > 4
    assert not any(cell["outputs"] or cell["execution_count"] for cell in CODE)


def test_what_it_imports_is_there():
    exec("".join(CODE[0]["source"]), {})


@pytest.mark.slow
def test_it_predicts_a_video(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    names = {}
    for cell in CODE:
        exec(compile("".join(cell["source"]), "predict.ipynb", "exec"), names)
    prediction = names["prediction"]
    assert not prediction.error and len(prediction.values) == 3
    assert (tmp_path / "page.png").stat().st_size > 10_000
    assert len(names["pd"].read_csv(tmp_path / "tracks/simulated.cells.csv")) > 5
