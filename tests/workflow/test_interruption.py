"""Kill -9 in every step: the next call finishes, and results are those of an undisturbed run.

The undisturbed run had two cores and the disturbed one has one, so this is also the proof that
results depend neither on the number of cores nor on the order of jobs.

By default some steps are killed, of each kind one; with KILL_EVERY_STEP=1 all of them.
"""

import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
import torchvision
import yaml

from support.laboratory import TRACKED
from support.project import ROOT, copy_project, small

EVERY_STEP = bool(os.environ.get("KILL_EVERY_STEP"))
SUPPORT = Path(__file__).parents[1] / "support"
ON_DEMAND = {
    "make_feature_images": "feature_images/I1/fold1/seed0.h5",
    "fetch_weights": "weights/resnet18/IMAGENET1K_V1.pt",
    "make_bundle": "bundles/I1.pt",
}
# In the order of the pipeline: how many files each writes, and a target that needs no later step.
STEPS = {
    "fetch_weights": (1, ON_DEMAND["fetch_weights"]),
    "simulate_video": (1, "clips"),
    "simulate_labels": (2, "samples.csv"),
    "write_sample_table": (2, "samples.csv"),
    "extract_clips": (2, "clips"),
    "plot_contact_sheet": (2, "figures/contact_sheets/1.png"),
    "index_clips": (1, "clips/index/all.csv"),
    "train_autoencoder": (4, "autoencoders"),
    "make_feature_images": (1, ON_DEMAND["make_feature_images"]),
    "train_regressor": (5, "regressors"),
    "track_cells": (2, "tracks/1.csv.gz"),
    "predict_baseline": (2, "predictions/msd/motility/fold1/seed0.csv"),
    "average_predictions": (2, "predictions/both/motility/fold1/seed0.csv"),
    "compute_errors": (2, "tables/mae.csv"),
    "compute_statistics": (4, "tables/statistics.md"),
    "make_table1": (3, "tables/table1.md"),
    "summarize_run": (3, "tables/run_summary.md"),
    "plot_learning_curves": (2, "figures/learning_curves.png"),
    "make_bundle": (3, ON_DEMAND["make_bundle"]),
    "plot_errors": (2, "figures/errors.png"),
    "plot_agreement": (4, "figures/agreement.png"),
    "write_report": (1, "report.html"),
    "plot_gallery": (2, "figures/gallery.png"),
}

SOME = ("extract_clips", "train_regressor", "compute_statistics")
ALL = ("all", *ON_DEMAND.values())
TARGETS = ALL if EVERY_STEP else ("tables/statistics.md", "figures/gallery.png")


@pytest.fixture
def weights(tmp_path):
    """A file that stands for torchvision's, in torch's own cache: no network is needed.

    Only where all steps are killed.
    """
    if not EVERY_STEP:
        return {}
    cache = tmp_path / "torch/hub/checkpoints"
    cache.mkdir(parents=True)
    torch.save(torchvision.models.resnet18().state_dict(), cache / "resnet18-f37072fd.pth")
    return {"TORCH_HOME": str(tmp_path / "torch")}


def run(project, *arguments, target=None, **options):
    command = ["--cores", "1", *arguments, "--", *([target] if target else TARGETS)]
    return project.snakemake(*command, config="small.yaml", **options)


def make_project(folder):
    """Return the smallest pipeline, with all kinds of steps if all of them are to be killed."""
    project = small(copy_project(folder))
    if EVERY_STEP:
        more = TRACKED | {"baselines": ["msd"], "ensembles": {"both": ["I1", "msd"]}}
        with open(project.folder / "small.yaml", "a", encoding="utf-8") as config:
            yaml.safe_dump(more, config)
    return project


@pytest.fixture
def undisturbed(tmp_path, weights, request):
    if not EVERY_STEP:
        return request.getfixturevalue("finished_small")
    project = make_project(tmp_path / "undisturbed")
    run(project, "--cores", "2", **weights)
    return project


def test_every_step_can_be_killed():
    scripts = {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")}
    # It writes as average_predictions does, and needs predictions made elsewhere.
    assert scripts - {"copy_predictions"} == STEPS.keys()


def test_steps_are_killed_in_turn(tmp_path, weights, undisturbed):
    expected = undisturbed.digests()
    assert len(expected) > 30

    project = make_project(tmp_path / "a copy")
    killer = weights | {"PYTHONPATH": str(SUPPORT / "killer")}
    for step in STEPS if EVERY_STEP else SOME:  # killed before the last file has its final name
        files, target = STEPS[step]
        kill = killer | {"KILL_AT": f"{step}:{files}:run"}
        done = run(project, "--nolock", target=target, check=False, **kill)
        assert done.returncode == -signal.SIGKILL, (step, done.stdout[-3000:])
        visible = {
            path: digest for path, digest in project.digests().items() if ".part" not in path
        }
        assert visible.items() <= expected.items(), f"a half-written file after {step}"
    done = run(project, check=False, **killer, KILL_AT="plot_gallery:1:snakemake")
    assert done.returncode == -signal.SIGKILL and "gallery.png" not in project.digests()
    done = run(project, check=False, **weights)
    assert done.returncode == 1 and "--unlock" in done.stdout
    project.snakemake("--unlock", config="small.yaml")
    run(project, **weights)
    made = project.digests()
    assert made.keys() >= set(TARGETS) - {"all"} and made.items() <= expected.items()
    assert made == expected or not EVERY_STEP
    assert "Nothing to be done" in run(project, "-n").stdout


def test_half_a_step_is_not_taken_for_whole_without_our_profile(tmp_path, weights):
    """Its record is missing, its clips are whole: Snakemake marks jobs that have not ended."""
    project = small(copy_project(tmp_path / "a copy"))
    env = weights | {"PYTHONPATH": str(SUPPORT / "killer"), "KILL_AT": "extract_clips:2:run"}
    run(project, "--nolock", check=False, **env)
    [clips] = (project.folder / "results/clips").glob("*.h5")
    plain = ("--workflow-profile", "none")
    done = run(project, *plain, check=False)
    assert done.returncode == 1 and "IncompleteFilesException" in done.stdout
    assert clips.name in done.stdout and "--rerun-incomplete" in done.stdout
    # Even without that mark nothing is built on half a step.
    shutil.rmtree(project.folder / "results/.snakemake/incomplete")
    plan = run(project, *plain, "-n").stdout
    assert f"Decode the video of sample {clips.stem}" in plan
