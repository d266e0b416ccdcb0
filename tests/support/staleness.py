"""What a change makes stale: the tables that tests prove and docs/reference/reruns.md shows.

A row names jobs by rule, in brackets with the wildcards that they have in common; a job that is not
named must not run again.
"""

import fnmatch
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import reduce

from support import changes, planning
from support.configs import set_key

NOTHING = ""
DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of an empty file
REMOVED = "removed"
ALL_TABLES = " ".join(planning.TABLES)
OTHER_TABLES = ALL_TABLES.replace("plot_learning_curves ", "")  # not of regressors alone
REGRESSORS = f"train_regressor {ALL_TABLES}"
MODELS = f"train_autoencoder plot_gallery {REGRESSORS}"
CLIPS = f"extract_clips plot_contact_sheet index_clips {MODELS}"
EVERYTHING = f"simulate_video simulate_labels write_sample_table {CLIPS}"
SPLIT = f"write_sample_table index_clips[group=training*] index_clips[group=gallery] {MODELS}"
# When somebody held out in fold 1 comes, goes or changes.
INDEX_2 = "index_clips[group=all] index_clips[group=training2]"
FOLD_2 = f"{INDEX_2} train_autoencoder[fold=2] {REGRESSORS}"
ALL_STEPS = list(dict.fromkeys(
    "simulate_video simulate_labels write_sample_table extract_clips plot_contact_sheet "
    "index_clips train_autoencoder make_feature_images plot_gallery fetch_weights train_regressor "
    "track_cells predict_baseline copy_predictions average_predictions "
    f"{ALL_TABLES} make_bundle".split()
))  # fmt: skip
GROUPS = {  # how the docs call those that recur
    "everything": EVERYTHING,
    "clips and what follows": CLIPS,
    "models and what follows": MODELS,
    "models that see the participant": FOLD_2,
    "regressors and what follows": REGRESSORS,
    "tables and figures": ALL_TABLES,
    "tables without learning curves": OTHER_TABLES,
}


def only(jobs: str, **wildcards) -> str:
    """Return the same jobs, those with these wildcards alone."""
    chosen = ",".join(f"{name}={value}" for name, value in wildcards.items())
    return " ".join(f"{job}[{chosen}]" for job in jobs.split())


def of_target(name: str) -> str:
    return f"{only('train_regressor', target=name)} {ALL_TABLES}"


def of_input(name: str) -> str:
    """Return all models of one input type, and what is made of all types together."""
    return f"{only('train_autoencoder train_regressor', input=name)} plot_gallery {ALL_TABLES}"


@dataclass(frozen=True)
class Change:
    """One row: a key of the configuration and its new value, or something done to the data."""

    what: str | Callable
    to: object
    reruns: str
    why: str = ""
    compared_with_snakemake: bool = False


# Six simulated participants, input types I1 to I4, two folds, one seed (tests/support/tiny.yaml).
SIMULATED = [
    Change("results", "elsewhere", EVERYTHING, "a new experiment"),
    Change("results", "./results/", NOTHING, "the same folder"),
    Change("dataset.simulated.participants", 7,
           f"{only('simulate_video extract_clips plot_contact_sheet', sample=7)} "
           f"simulate_labels write_sample_table {FOLD_2}", "one more", True),
    Change("dataset.simulated.participants", 5, f"simulate_labels write_sample_table {FOLD_2}",
           "one fewer"),
    Change("dataset.simulated.seconds", 0.7, f"simulate_video {CLIPS}"),
    Change("dataset.simulated.seed", 2, EVERYTHING),
    Change("dataset.simulated.style", "realistic", EVERYTHING),
    Change("inputs.*.frames", {"inputs.I4.frames": 17}, CLIPS,
           "the longest type decides length and position of clips", True),
    Change("inputs.*.frames", {"inputs.I3.frames": 8}, of_input("I3"), "not the longest", True),
    Change("inputs.*.frames", {"inputs.I3.frames": 19}, CLIPS, "now I3 decides"),
    Change("inputs.*.repeats", {"inputs.I2.repeats": 3}, of_input("I2")),
    Change("inputs.*.repeats", {"inputs.I1.repeats": 1}, NOTHING, "the default"),
    Change("inputs.*.encoder", {"inputs.I4.encoder": "pca"},
           f"{only('train_regressor', input='I4')} plot_gallery {ALL_TABLES}",
           "needs no autoencoder"),
    Change("inputs.*.autoencoder", {"inputs.I4.autoencoder": {"epochs": 3}}, of_input("I4")),
    Change("inputs.*.autoencoder", {"inputs.I4.autoencoder": {"epochs": 2}}, NOTHING,
           "the default"),
    Change("inputs.*.regressor", {"inputs.I4.regressor": {"epochs": 2}},
           f"{only('train_regressor', input='I4')} {ALL_TABLES}"),
    Change("inputs", {"inputs.I5": {"frames": 4}}, of_input("I5"), "fits the clips"),
    Change("inputs", {"inputs.I5": {"frames": 24}}, CLIPS, "needs longer clips"),
    Change("inputs", {"inputs.I2": REMOVED}, f"plot_gallery {ALL_TABLES}", "", True),
    Change("inputs", {"inputs.I4": REMOVED}, CLIPS, "now I3 decides"),
    Change("targets.*", {"targets.motility": ["progressive", "immotile"]}, of_target("motility")),
    Change("targets.*", {"targets.motility": ["immotile", "nonprogressive", "progressive"]},
           of_target("motility"), "two values swapped", True),
    Change("targets", {"targets.heads": ["head"]}, of_target("heads"), "a new target"),
    Change("targets", {"targets.morphology": REMOVED}, ALL_TABLES),
    Change("folds.number", 3, SPLIT, "",
           True),
    Change("folds.seed", 1, NOTHING, "gives the same split"),
    Change("frames.size", 64, CLIPS), Change("frames.clips_per_video", 3, CLIPS),
    Change("frames.resize_mode", "pad", CLIPS),
    Change("frames.resize_mode", "stretch", NOTHING, "the default", True),
    Change("frames.frame_rate", 25, CLIPS),
    Change("frames.on_frame_rate_mismatch", "resample", CLIPS, "see Clips"),
    Change("autoencoder.loss.mse", {"autoencoder.loss": {"mse": 2}}, MODELS),
    Change("autoencoder.loss.mse", {"autoencoder.loss": {"mse": 1, "ssim": 0}}, NOTHING,
           "the default"),
    Change("autoencoder.loss.gradient_difference",
           {"autoencoder.loss": {"gradient_difference": 1}}, MODELS),
    Change("autoencoder.loss.frame_difference",
           {"inputs.I4.autoencoder": {"loss": {"frame_difference": 1}}}, of_input("I4"),
           "the type's own"),
    Change("autoencoder.loss.ssim", {"autoencoder.loss": {"ssim": 1}}, MODELS),
    *(Change(f"autoencoder.loss.{term}",
             {"autoencoder.variant": variant, "autoencoder.loss": {term: 0.01}}, MODELS)
      for term, variant in (("kl", "variational"), ("adversarial", "adversarial"))),
    *(Change(f"autoencoder.{key}", value, MODELS) for key, value in {
        "variant": "paper", "epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "weight_decay": 0,
        "lr_schedule": "cosine", "clip_grad_norm": 1, "on_collapse": "error",
    }.items()),
    Change("autoencoder", {"autoencoder.epochs": 4, "autoencoder.batch_size": 2}, MODELS,
           "two values swapped", True),
    Change("regressor.weights", "IMAGENET1K_V1", f"fetch_weights {REGRESSORS}", "", True),
    Change("regressor.weights", {"regressor.weights": {"file": "a.pth", "sha256": DIGEST}},
           f"fetch_weights {REGRESSORS}"),
    Change("regressor.recurrent",
           {"inputs.I4.encoder": "none", "inputs.I4.regressor": {"recurrent": True}},
           f"{only('train_regressor', input='I4')} plot_gallery {ALL_TABLES}"),
    *(Change(f"regressor.{key}", value, REGRESSORS) for key, value in {
        "backbone": "resnet18", "input_normalization": "imagenet", "fine_tune_encoder": True,
        "output_activation": "standardized", "loss": "l1", "augmentation": "dihedral", "tta": True,
        "bag_size": 2, "init_bias_to_mean": False, "recalibrate_batch_norm": False, "epochs": 2,
        "batch_size": 4, "learning_rate": 2e-4, "weight_decay": 0, "lr_schedule": "cosine",
        "clip_grad_norm": 1, "on_collapse": "keep",
    }.items()),
    Change("regressor.output_activation", "identity", NOTHING, "the default"),
    Change("regressor.batch_size", 8.0, NOTHING, "the default", True),
    Change("baselines", ["msd"], f"track_cells predict_baseline {OTHER_TABLES}", "one more method",
           True),
    Change("ensembles.*", {"ensembles": {"both": ["I1", "I4"]}},
           f"average_predictions {OTHER_TABLES}", "one more method", True),
    Change("external.*", {"external": {"theirs": "theirs"}}, f"copy_predictions {OTHER_TABLES}",
           "one more method; a changed file of it copies that file again"),
    Change("plugins", {"plugins": "mine"}, NOTHING,
           "none of its methods is used; an edit reruns the methods of the file"),
    # Sections of which every key is changed at once, since none makes anything stale.
    Change("compute.*", {"compute": {
        "device": "cpu", "threads": 2, "precision": "bfloat16", "tf32": False,
        "deterministic": True, "channels_last": True, "compile": True, "data_location": "disk",
        "micro_batch": 2, "checkpoint_minutes": 1, "jobs_per_gpu": 2,
        "fast_layers": ["pool_first"], "cuda_graph": True,
    }}, NOTHING, "", True),
    Change("tracking.*", {"tracking": {
        "duration": 1, "diameter": 13, "min_mass_fraction": 0.3, "search_range": 5, "memory": 1,
        "min_track_duration": 0.6, "detector": "blobs", "min_score": 0.6,
    }}, NOTHING, "only `baselines` track cells"),
    Change("reference", "ZeroR",
           "compute_statistics make_table1 plot_errors plot_agreement write_report"),
    Change("reference", "I4", NOTHING, "the default"),
    Change("seeds", [0, 1], f"{only('train_autoencoder train_regressor', seed=1)} {ALL_TABLES}",
           "one more", True),
    Change("seeds", [1], f"{only('train_autoencoder train_regressor', seed=1)} plot_gallery "
           f"{ALL_TABLES}", "another"),
]  # fmt: skip

ARCHIVE = {"url": "https://example.org/a.zip", "path": "a.zip", "size": 1, "md5": "0" * 32}
ARCHIVE |= {"license": "free", "license_accepted": False}

# A laboratory's own six videos, input type I1 alone, two folds, one seed.
OWN_DATA = [
    Change("dataset.labels", "moved/labels.csv", NOTHING, "the same labels"),
    Change("dataset.videos", "moved/videos", "write_sample_table",
           "samples.csv names them", True),
    Change("dataset.video_list", "lab/list.csv", NOTHING, "the same participants"),
    Change("dataset.video_names", ["*.*"], NOTHING, "the same videos"),
    Change("dataset.on_unmatched", "skip", NOTHING, "nobody was left out"),
    Change("dataset.columns", {"dataset.columns": {"head": "head defects (%)"}}, NOTHING,
           "the same column"),
    Change("dataset.motility_sum.tolerance", {"dataset.motility_sum": {"tolerance": 3}}, NOTHING),
    Change("dataset.motility_sum.on_mismatch", {"dataset.motility_sum": {"on_mismatch": "warn"}},
           NOTHING),
    Change("dataset.microns_per_pixel", 0.3, CLIPS,
           "their content stays: see Clips"),
    Change("dataset.on_unreadable_video", "skip", NOTHING, "nothing was skipped"),
    Change("dataset.archive", {"dataset.archive": ARCHIVE}, NOTHING, "the data set is there"),
    Change("folds.file", {"folds.file": "lab/folds.csv", "folds.seed": REMOVED}, NOTHING,
           "the same folds from a file"),
    Change("folds.file", {"folds.file": "lab/swapped.csv", "folds.seed": REMOVED},
           SPLIT, "two participants change places"),
    Change(changes.edit_morphology, 3, f"write_sample_table {of_target('morphology')}",
           "autoencoders do not depend on labels", True),
    Change(changes.edit_motility, 3, f"write_sample_table {of_target('motility')}",
           "folds stay"),
    Change(changes.add_participant, 7,
           f"write_sample_table {only('extract_clips plot_contact_sheet', sample=7)} {FOLD_2}",
           "", True),
    Change(changes.remove_participant, 6, f"write_sample_table {FOLD_2}"),
    Change(changes.replace_video, 6,
           f"{only('extract_clips plot_contact_sheet', sample=6)} {FOLD_2}", "", True),
    Change(changes.rename_video, 3, "write_sample_table", "samples.csv names it"),
    Change(changes.one_table, "", NOTHING),
]  # fmt: skip

# What people do to the folders of a finished run; only Snakemake's own plan can show it.
FOLDERS = [
    Change(changes.touch_everything, "", NOTHING, "content counts, not time"),
    Change(changes.restore_backup, "", NOTHING),
    Change(changes.remove_and_add, 6, NOTHING, "comes back into the same fold"),
    Change(changes.move_everything, "", NOTHING),
    Change(changes.clone_again, "", NOTHING, "records are in the results"),
    Change(changes.clone_again_and_change, "", REGRESSORS),
    Change(changes.clone_after_a_kill, "", REGRESSORS, "what was unfinished runs again"),
    Change(changes.end_half_way, "", f"plot_gallery {REGRESSORS}",
           ""),
    Change(changes.rename_results, "", NOTHING, "records do not name it"),
    Change(changes.rewrite_configuration, "", NOTHING), Change(changes.run_otherwise, "", NOTHING),
    Change(changes.edit_module, "training/regressor.py", REGRESSORS, "see below"),
    Change(changes.edit_comments, "", NOTHING), Change(changes.upgrade, "torch", MODELS),
    Change(changes.edit_messages, "", NOTHING),
    Change(changes.delete, "figures/gallery.png", "plot_gallery write_report"),
    Change(changes.delete, "regressors/I1/motility/fold1/seed0/model.pt",
           f"{only('train_regressor', target='motility', fold=1)} {ALL_TABLES}"),
    Change(changes.delete, "clips/3.h5", NOTHING, "made again when needed"),
]  # fmt: skip


def apply_change(config: dict, row: Change) -> dict:
    """Return a configuration with the values of a row."""
    config = deepcopy(config)
    for key, value in (row.to if isinstance(row.to, dict) else {row.what: row.to}).items():
        if value == REMOVED:
            *path, last = key.split(".")
            del reduce(dict.get, path, config)[last]
        else:
            set_key(config, key, value)
    return config


def named_jobs(jobs, reruns: str) -> set:
    """Return those of `jobs` that a row names; each of its names stands for at least one."""
    chosen = set()
    for word in reruns.split():
        rule, wildcards = re.fullmatch(r"(\w+)(?:\[(.*)\])?", word).groups()
        wanted = dict(part.split("=") for part in (wildcards or "").split(",") if part)
        named = [job for job in jobs if job[0] == rule]
        for name, value in wanted.items():
            named = [job for job in named if fnmatch.fnmatch(dict(job[1])[name], value)]
        assert named, f"no job is called {word}"
        chosen |= set(named)
    return chosen
