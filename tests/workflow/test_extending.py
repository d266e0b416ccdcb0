"""The blocks of docs/how-to/extending.md, added to a configuration, make methods of the tables."""

import pandas as pd
import pytest
import yaml

from support.documented_plugins import ADDITIONS, FILES, METHODS, write_plugins
from support.laboratory import TRACKED, Laboratory
from support.project import run_motilens

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


def run(lab: Laboratory, *targets, dry="--printshellcmds", **options):
    arguments = ("mine.yaml", "--cores", "2", dry, "--", *targets)
    return lab.snakemake(*arguments, config="own.yaml", **options)


def predictions():
    return [f"predictions/{name}/motility/fold1/seed0.csv" for name in METHODS]


def test_every_documented_method_predicts(lab):
    assert len(FILES) == 5 and len(METHODS) == 5
    assert max(len(text.splitlines()) for text in FILES.values()) < 20
    for path in predictions():
        table = pd.read_csv(lab.folder / "results" / path).filter(regex="^predicted")
        assert len(table) and table.notna().all(axis=None)


def test_an_edit_reruns_its_methods_alone_and_says_so(lab, tmp_path):
    lab = lab.copy(tmp_path / "a lab")
    assert "Nothing to be done" in run(lab, *predictions(), dry="-n").stdout
    path = lab.folder / NETWORK
    path.write_text(path.read_text() + "\nADDED = 1\n")
    plan = run(lab, *predictions(), dry="-n").stdout
    assert plan.count("Train the") == 1 and "regressor of video" in plan
    assert "Params have changed" not in plan, "which would print all of them; make explain is short"
    files = ("--configfile", "own.yaml", "mine.yaml")
    told = lab.run_program("explain.py", *files, "--", *predictions())
    name = "code of video_network.py in the folder of plugins"
    assert told.stdout.startswith(f"{name} changed: 1 train_regressor\n")
    path.write_text(path.read_text().replace("mean((2, 3, 4))", "mean((2, 3, 9))"))
    done = run(lab, *predictions(), check=False)
    message = "ERROR: my_methods/video_network.py, line 19: IndexError: Dimension out of range"
    assert done.returncode == 1 and message in done.stdout
    path.write_text(path.read_text() + "(")
    done = run(lab, *predictions(), dry="-n", check=False)
    assert "my_methods/video_network.py, line 22: '(' was never closed" in done.stdout


def test_a_bundle_needs_the_folder(lab, tmp_path):
    lab = lab.copy(tmp_path / "a lab")
    network = {"inputs": {"video": ADDITIONS["inputs"]["video"]}, "plugins": "my_methods"}
    (lab.folder / "mine.yaml").write_text(yaml.safe_dump(network))
    run(lab, "bundles/video.pt")
    assert "video_network.py" in (lab.folder / "results/bundles/video.md").read_text()
    command = ("predict", "--model", "results/bundles/video.pt", str(lab.video(1)))
    refused = run_motilens(*command, cwd=lab.folder)
    assert refused.returncode == 1 and "video_network.py: name the folder" in refused.stderr
    done = run_motilens(*command, "--plugins", "my_methods", cwd=lab.folder)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(lab.folder / "predictions/predictions.csv")
    assert table["progressive"].notna().all()
