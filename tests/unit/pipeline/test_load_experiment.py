"""Methods whose predictions were made elsewhere: what is checked before any job runs."""

import contextlib

import pytest

from motilens.core.records import write_record
from motilens.pipeline.config import check_config
from motilens.pipeline.load_experiment import load_experiment
from support.configs import SCHEMA, load_config
from support.errors import assert_refused
from support.planning import job, plan, stale_jobs, write_clip_records
from support.predictions import write_external
from support.staleness import OTHER_TABLES

SEED0 = "theirs/motility/fold2/seed0.csv"


@pytest.fixture
def config():
    return load_config("tests/support/tiny.yaml")


@pytest.fixture
def folder(tmp_path, config):
    write_external(tmp_path / "theirs", plan(config, tmp_path)[1])
    config["external"] = {"theirs": "theirs"}
    return tmp_path


def load(config, folder, **options):
    with contextlib.chdir(folder):
        return load_experiment(check_config(config, SCHEMA), folder, **options)


def test_they_are_methods_of_their_targets_and_members_of_ensembles(folder, config):
    (folder / "theirs/morphology").rename(folder / "theirs/Morphology")
    config["ensembles"] = {"both": ["theirs", "I1"]}
    experiment = load(config, folder)
    assert experiment.external_methods == [("theirs", "motility")]
    assert experiment.ensemble_methods == [("both", "motility")]
    assert experiment.methods[-2:] == [("theirs", "motility"), ("both", "motility")]
    assert "theirs" not in experiment.bundled_methods and "both" not in experiment.bundled_methods
    [note] = experiment.notes
    assert note.startswith(
        "external.theirs: not used: Morphology/fold1/seed0.csv, Morphology/fold2/"
    )


def test_what_is_wrong_is_reported_for_all_files_at_once(folder, config):
    config["external"]["other"] = "nowhere"
    (folder / SEED0).unlink()
    path = folder / "theirs/morphology/fold1/seed0.csv"
    path.write_text(path.read_text().replace("true_head", "head"))
    for message in (
        "external.other: nowhere holds no predictions: name a folder that holds TARGET/fold1/seed0",
        f"external.theirs: {SEED0} is missing: give one for each fold and seed",
        "theirs/morphology/fold1/seed0.csv: has no column true_head",
    ):
        assert_refused(message, load, config, folder)
    assert load(config, folder, is_main=False).external_methods, "checked once"


def test_predictions_of_other_folds_are_refused(folder, config):
    for target in ("motility", "morphology"):
        first, second = (folder / "theirs" / target / f"fold{k}" for k in (1, 2))
        first.rename(second.with_name("old"))
        second.rename(first)
        second.with_name("old").rename(second)
    assert_refused("line 2: sample '.' is not held out in this fold", load, config, folder)


def test_a_changed_file_is_copied_again_alone(folder, config):
    config["ensembles"] = {"both": ["theirs", "I1"]}
    before, _ = plan(config, folder)
    path = folder / SEED0
    path.touch()
    assert plan(config, folder)[0] == before
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *reversed(lines[1:])]))
    after, experiment = plan(config, folder)
    stale = stale_jobs(before, after, experiment)
    assert {step for step, _ in stale} == {
        "copy_predictions",
        "average_predictions",
        *OTHER_TABLES.split(),
    }
    copied = [dict(wildcards) for step, wildcards in stale if step == "copy_predictions"]
    named = {"external": "theirs", "target": "motility", "fold": "2", "seed": "0"}
    assert copied == [named]


def test_samples_that_are_skipped_may_be_missing(folder, config):
    path = folder / SEED0
    header, first, *others = path.read_text().splitlines()
    path.write_text("\n".join([header, *others]))
    sample = first.partition(",")[0]
    assert_refused(f"held-out samples have no row: {sample}: add them", load, config, folder)
    config["dataset"]["on_unreadable_video"] = "skip"
    _, experiment = plan(config, folder)
    write_clip_records(experiment, folder / "results")
    record = {"sample": sample, "content_sha256": "0" * 64, "skip_reason": "damaged"}
    write_record(folder / f"results/clips/{sample}.json", record)
    copy = job("copy_predictions", external="theirs", target="motility", fold=2, seed=0)
    depends_on = plan(config, folder)[0][copy]
    assert depends_on["skipped"] == [sample] and sample not in depends_on["held_out"]


def test_labels_alone_are_enough_where_no_method_of_ours_looks_at_videos(folder, config):
    rows = load(config, folder).samples
    table = rows.drop(columns=["video", "fold"]).rename_axis("x").reset_index(drop=True)
    table.to_csv(folder / "labels.csv", index=False)
    config["dataset"] = {"labels": "labels.csv"}
    rows[["participant", "fold"]].to_csv(folder / "folds.csv", index=False)
    config["folds"] = {"number": 2, "file": "folds.csv"}
    assert_refused("labels.csv: has no column `video`", load, config, folder)
    experiment = load(config | {"inputs": {}}, folder)
    assert not experiment.uses_videos and experiment.samples["video"].tolist() == [""] * 6
    assert {name for name, _ in experiment.methods} == {"theirs"}
