"""Exact reruns: what a change makes stale, row by row, planned without Snakemake."""

import shutil
from types import SimpleNamespace

import pytest
from generate_tables import RERUNS_PAGE, render_reruns

from motilens.core.records import write_record
from motilens.pipeline.step_dependencies import Dependencies
from motilens.simulation.visem_files import write_video_list
from support import changes, rerun_tables, staleness
from support import laboratory as laboratory_module
from support.configs import SCHEMA, key_paths, load_config
from support.errors import assert_refused
from support.laboratory import Laboratory
from support.own_plugins import write_files
from support.planning import plan, stale_jobs, write_clip_records
from support.predictions import write_external
from support.staleness import OWN_DATA, SIMULATED, apply_change, named_jobs


def row_names(rows):
    return [f"{r.what if isinstance(r.what, str) else r.what.__name__}-{r.to}" for r in rows]


def assert_exact(before, after, experiment, row):
    stale, expected = stale_jobs(before, after, experiment), named_jobs(after, row.reruns)
    assert stale - expected == set(), "too much runs again"
    assert expected - stale == set(), "too little runs again"


def plan_after_a_run(config, folder):
    """Return what jobs depend on when their clips and folds are there, and the experiment."""
    _, experiment = plan(config, folder)
    write_clip_records(experiment, folder / "results")
    experiment.save_split(folder / "results")
    return plan(config, folder)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder, config = tmp_path_factory.mktemp("simulated"), load_config("tests/support/tiny.yaml")
    write_external(folder / "theirs", plan(config, folder)[1])
    write_files(folder / "mine", network='register("backbone", "network")(print)\n')
    return folder, config, plan_after_a_run(config, folder)[0]


@pytest.mark.parametrize("row", SIMULATED, ids=row_names(SIMULATED))
def test_a_change_of_a_simulated_experiment(simulated, row):
    folder, config, before = simulated
    before = {} if row.what == "results" and row.reruns else before
    assert_exact(before, *plan(apply_change(config, row), folder), row)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    """With texts in place of videos: a plan compares their content, and decodes none."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (changes, laboratory_module):
            patch.setattr(module, "draw_video", lambda path, who: path.write_text(f"video {who}"))
        yield prepare(Laboratory(tmp_path_factory.mktemp("own") / "a lab").write_data())


def prepare(lab):
    lab.before, experiment = plan_after_a_run(lab.config, lab.folder)
    write_video_list(lab.table, lab.folder / "lab/list.csv")
    shutil.copytree(lab.folder / "lab", lab.folder / "moved")
    folds = experiment.folds_by_participant
    first, other = (next(who for who, fold in folds.items() if fold == f) for f in (1, 2))
    for name, table in (("folds", folds), ("swapped", folds | {first: 2, other: 1})):
        lines = ["ID,fold", *(f"{who},{fold}" for who, fold in table.items())]
        (lab.folder / f"lab/{name}.csv").write_text("\n".join(lines))
    return lab


@pytest.mark.parametrize("row", OWN_DATA, ids=row_names(OWN_DATA))
def test_a_change_of_a_laboratorys_data(laboratory, row, tmp_path):
    if isinstance(row.what, str):
        folder, config = laboratory.folder, apply_change(laboratory.config, row)
    else:
        lab = laboratory.copy(tmp_path / "a lab")
        row.what(lab, row.to)
        folder, config = lab.folder, lab.config
    after, experiment = plan(config, folder)
    assert_exact(laboratory.before, after, experiment, row)


TABLES = set(staleness.ALL_TABLES.split())
OTHER_TABLES = set(staleness.OTHER_TABLES.split())
ENSEMBLES = {"average_predictions"} | OTHER_TABLES
PREDICTED = {"predict_baseline"} | ENSEMBLES
TRACKS = {"track_cells"} | PREDICTED
REGRESSORS = {"train_regressor", "average_predictions"} | TABLES


@pytest.fixture(scope="module")
def with_baselines(laboratory, tmp_path_factory):
    """With baselines, ensembles, and an input type without an autoencoder."""
    lab = laboratory.copy(tmp_path_factory.mktemp("baselines") / "a lab")
    lab.config |= {"baselines": ["msd", "kinematics", "cells", "speed", "casa"]}
    lab.config["ensembles"] = {"both": ["I1", "cells"], "moving": ["casa", "I1", "msd"]}
    lab.config["inputs"] = {"I1": {"frames": 1, "encoder": "none"}}
    lab.config["dataset"] = {"labels": "lab/samples.csv", "microns_per_pixel": 0.5}
    lab.table["video"] = lab.table["video"].str.replace("lab/videos/", "videos/")
    lab.table.to_csv(lab.folder / "lab/samples.csv", index=False)
    lab.before, _ = plan_after_a_run(lab.config, lab.folder)
    return lab


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("tracking.search_range", 5, TRACKS),
        ("regressor.epochs", 3, REGRESSORS),
        ("dataset.microns_per_pixel", 0.4, PREDICTED | TABLES
         | {"extract_clips", "plot_contact_sheet", "index_clips", "train_regressor"}),
        ("baselines", ["msd", "casa", "cells"], OTHER_TABLES),
        ("ensembles", {}, OTHER_TABLES),
        ("ensembles.both", ["cells", "I1"], set()),
        ("ensembles.both", ["msd", "I1"], ENSEMBLES),
        ("ensembles", {"pair": ["I1", "cells"], "moving": ["casa", "I1", "msd"]}, ENSEMBLES),
    ],
)  # fmt: skip
def test_a_change_of_an_experiment_with_baselines(with_baselines, key, value, expected):
    lab, row = with_baselines, staleness.Change(key, {key: value}, "")
    after, experiment = plan(apply_change(lab.config, row), lab.folder)
    assert {step for step, _ in stale_jobs(lab.before, after, experiment)} == expected


def test_a_change_of_the_data_of_baselines(with_baselines):
    lab = with_baselines
    path, before = lab.folder / "lab/samples.csv", lab.table
    try:
        before.assign(midpiece=before["midpiece"] + 1).to_csv(path, index=False)
        after, experiment = plan(lab.config, lab.folder)
        stale = stale_jobs(lab.before, after, experiment)
        targets = {dict(job)["target"] for step, job in stale if step == "predict_baseline"}
        assert targets == {"morphology"}
        before.assign(frame_rate=60).to_csv(path, index=False)
        after, experiment = plan(lab.config, lab.folder)
        assert {step for step, _ in stale_jobs(lab.before, after, experiment)} >= TRACKS
    finally:
        before.to_csv(path, index=False)


def test_every_key_of_the_configuration_has_a_row():
    rows = [row for row in SIMULATED + OWN_DATA if isinstance(row.what, str)]
    in_rows = {row.what for row in rows}
    for row in rows:
        section = row.what.removesuffix(".*")
        if section != row.what and isinstance(row.to, dict):
            in_rows |= {f"{section}.{key}" for key in row.to.get(section, ())}
    names = [name.replace("NAME", "*") for name, _ in key_paths(SCHEMA)]
    keys = {name for name in names if not any(n.startswith(f"{name}.") for n in names)}
    assert len(keys) > 25
    assert {key for key in keys - in_rows if not key.startswith("dataset.archive.")} == set()


@pytest.fixture(scope="module")
def edits(tmp_path_factory):
    return rerun_tables.Edits(tmp_path_factory.mktemp("modules"))


def modules_behind(edits, step):
    """Return the modules that are code of a step."""
    names = {name for name, (own, _) in edits.modules.items() if step in own}
    return {name for name in names if not name.endswith("__init__.py")}


ALWAYS = {"core/errors.py", "core/files.py", "core/records.py"}
TRAINING = ALWAYS | {
    "clips/hdf5.py", "core/text.py", "evaluation/diagnostics.py", "models/autoencoders.py",
    "models/layers.py", "models/transforms.py", "training/checkpoint.py",
    "training/model_files.py", "training/schedule.py", "training/stack_dataset.py",
    "training/trainer.py",
}  # fmt: skip


def test_a_training_depends_on_nothing_but_training(edits):
    """Not on reports, tables, bookkeeping, devices, logging, or the other kind of model."""
    autoencoder = TRAINING | {"models/losses.py", "training/autoencoder.py"}
    assert modules_behind(edits, "train_autoencoder") == autoencoder
    regressor = TRAINING | {
        "evaluation/predictions.py", "models/backbones.py", "models/fixed_encoders.py",
        "models/optical_flow.py", "models/output_activations.py", "models/pretrained_weights.py",
        "models/regressor.py", "training/regressor.py",
    }  # fmt: skip
    assert modules_behind(edits, "train_regressor") == regressor


def test_how_a_step_is_run_makes_nothing_stale(edits):
    for name, (own, stale) in edits.modules.items():
        if name.startswith(("pipeline/", "compute/", "inference/cli")):
            assert not own and not stale, name


def test_the_page_shows_the_tables(edits, monkeypatch):
    monkeypatch.setattr(rerun_tables, "Edits", lambda folder: edits)
    page = RERUNS_PAGE.read_text(encoding="utf-8")
    assert page == render_reruns(page), "write it again: make tables"
    assert page.count("`") > 400


ROWS = {
    "7": {"participant": "7", "head": 90.0, "tail": 10.0, "fold": 1},
    "7+2": {"participant": "7", "head": 80.0, "tail": 20.0, "fold": 1},
    "8": {"participant": "8", "head": 70.0, "fold": 2},
}
CLIPS, OTHER = {"sample": "7", "content_sha256": "a" * 64}, {"sample": "8"}


@pytest.fixture
def dependencies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Dependencies(SimpleNamespace(rows=ROWS, config={}), tmp_path, tmp_path)


def test_contents_are_digests_and_labels(dependencies):
    write_record("clips/7.json", CLIPS)
    write_record("clips/8.json", CLIPS | OTHER | {"skip_reason": "damaged"})
    assert dependencies.clip_contents(ROWS, ["head"]) == {
        "7": {"participant": "7", "clips": "a" * 16, "head": 90.0},
        "7+2": {"participant": "7", "clips": None, "head": 80.0},
    }
    write_record("clips/7.json", CLIPS | {"content_sha256": "b" * 64})
    assert dependencies.clip_contents(["7"]) == {"7": {"participant": "7", "clips": "b" * 16}}


@pytest.mark.parametrize("change", [{"content_sha256": None}, {"content_sha256": "a"}, OTHER])
def test_a_record_of_something_else_is_refused(dependencies, change):
    write_record("clips/7.json", CLIPS | change)
    assert_refused("7.json is no record of clips of 7", dependencies.clip_contents, ["7"])
