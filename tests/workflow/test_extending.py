"""The blocks of docs/how-to/extending.md, added to a configuration, make methods of the tables."""

import pandas as pd
import pytest
import yaml

from support.documented_plugins import ADDITIONS, FILES, METHODS, write_plugins
from support.laboratory import TRACKED, Laboratory

NETWORK = "my_methods/video_network.py"


@pytest.fixture(scope="module")
def lab(finished_laboratory, tmp_path_factory):
    """A run of one target and fold with every documented method."""
    lab = finished_laboratory.copy(tmp_path_factory.mktemp("extending") / "a lab")
    del lab.config["targets"]["morphology"]
    lab.config |= {"inputs": {}, "tracking": TRACKED["tracking"]}
    lab.write_configuration()
    write_plugins(lab.folder)
    (lab.folder / "mine.yaml").write_text(yaml.safe_dump(ADDITIONS))
    run(lab, *predictions())
    return lab


def run(lab: Laboratory, *targets, **options):
    arguments = ("mine.yaml", "--cores", "2", "--", *targets)
    return lab.snakemake(*arguments, config="own.yaml", **options)


def predictions():
    return [f"predictions/{name}/motility/fold1/seed0.csv" for name in METHODS]


def test_every_documented_method_predicts(lab):
    assert len(FILES) == 5 and len(METHODS) == 5
    assert max(len(text.splitlines()) for text in FILES.values()) < 20
    for path in predictions():
        table = pd.read_csv(lab.folder / "results" / path).filter(regex="^predicted")
        assert len(table) and table.notna().all(axis=None)
