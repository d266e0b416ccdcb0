"""What a change makes stale: the table that test_reruns.py proves and docs/reruns.md shows.

`make reruns` writes it into the docs. A row names jobs by rule, in brackets with the wildcards
that they have in common; a job that is not named must not rerun.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import changes

from motilens.reports.page import replace_between_marks

NOTHING = ""
DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of an empty file
REMOVED = "(removed)"
FIGURES = "plot_learning_curves plot_errors plot_agreement"
TABLES = f"measure_errors measure_statistics make_table1 describe_run {FIGURES}"
REGRESSORS = f"train_regressor {TABLES}"
MODELS = f"train_autoencoder plot_gallery {REGRESSORS}"
CLIPS = "extract_frames plot_contact_sheet"
FRAMES = f"{CLIPS} list_clips {MODELS}"
EVERYTHING = f"simulate_video simulate_labels check_samples {FRAMES}"
SPLIT = f"check_samples list_clips[group=training*] {MODELS}"


def only(jobs: str, **wildcards) -> str:
    """The same jobs, those with these wildcards alone."""
    chosen = ",".join(f"{name}={value}" for name, value in wildcards.items())
    return " ".join(f"{job}[{chosen}]" for job in jobs.split())


def target(name: str) -> str:
    return f"{only('train_regressor', target=name)} {TABLES}"


def branch(name: str) -> str:
    """All models of one input type, and what is made of all types together."""
    return f"{only('train_autoencoder train_regressor', input=name)} plot_gallery {TABLES}"


def seen_by_fold_2(jobs: str) -> str:
    """What follows when somebody held out in fold 1 comes, goes or changes."""
    lists = only("list_clips", group="all") + " " + only("list_clips", group="training2")
    return f"{jobs} {lists} {only('train_autoencoder', fold=2)} {REGRESSORS}"


@dataclass(frozen=True)
class Change:
    """One row: a key of the configuration and its new value, or something done to the folder."""

    what: str | changes.Action
    to: object
    reruns: str
    why: str = ""


# Six simulated participants, input types I1 to I4, two folds, one seed (tests/tiny.yaml).
SIMULATED = [
    Change("results", "elsewhere", EVERYTHING, "another folder is a new experiment"),
    Change("results", "./results/", NOTHING, "the same folder in other words"),
    Change("dataset.simulated.participants", 7, seen_by_fold_2(
        only(f"simulate_video {CLIPS}", sample=7) + " simulate_labels check_samples"
    ), "7 joins fold 1, the others stay: only the autoencoders of fold 2 see 7 in training"),
    Change("dataset.simulated.participants", 5, seen_by_fold_2("simulate_labels check_samples"),
           "6 was held out in fold 1"),
    Change("dataset.simulated.seconds", 0.7, f"simulate_video {FRAMES}"),
    Change("dataset.simulated.seed", 2, EVERYTHING),
    Change("inputs.*.frames", {"inputs.I4.frames": 17}, FRAMES,
           "the longest type decides how long clips are, and so where they lie"),
    Change("inputs.*.frames", {"inputs.I3.frames": 8}, branch("I3")),
    Change("inputs.*.frames", {"inputs.I3.frames": 19}, FRAMES, "now I3 decides"),
    Change("inputs.*.copies", {"inputs.I2.copies": 3}, branch("I2")),
    Change("inputs.*.copies", {"inputs.I1.copies": 1}, NOTHING, "what was meant without it"),
    Change("inputs.*.encoder", {"inputs.I4.encoder": "pca"},
           f"{only('train_regressor', input='I4')} plot_gallery {TABLES}",
           "its autoencoders are of no more use"),
    Change("inputs.*.autoencoder", {"inputs.I4.autoencoder": {"epochs": 3}}, branch("I4")),
    Change("inputs.*.autoencoder", {"inputs.I4.autoencoder": {"epochs": 2}}, NOTHING,
           "what was meant without it"),
    Change("inputs.*.regressor", {"inputs.I4.regressor": {"epochs": 2}},
           f"{only('train_regressor', input='I4')} {TABLES}"),
    Change("inputs", {"inputs.I5": {"frames": 4}}, branch("I5"), "a new type that fits the clips"),
    Change("inputs", {"inputs.I5": {"frames": 24}}, FRAMES, "a new type that needs longer clips"),
    Change("inputs", {"inputs.I2": REMOVED}, f"plot_gallery {TABLES}"),
    Change("inputs", {"inputs.I4": REMOVED}, FRAMES, "clips are now as long as I3"),
    Change("targets.*", {"targets.motility": ["progressive", "immotile"]}, target("motility")),
    Change("targets.*", {"targets.motility": ["immotile", "nonprogressive", "progressive"]},
           target("motility"), "two values swapped: other outputs of the network"),
    Change("targets", {"targets.heads": ["head"]}, target("heads"), "a new target"),
    Change("targets", {"targets.morphology": REMOVED}, TABLES),
    Change("folds.number", 3, f"{SPLIT} list_clips[group=gallery]", "the gallery shows another"),
    Change("folds.seed", 1, NOTHING, "of so few participants the same split is the best"),
    Change("frames.size", 64, FRAMES),
    Change("frames.clips_per_video", 3, FRAMES),
    Change("frames.aspect", "pad", FRAMES),
    Change("frames.aspect", "squeeze", NOTHING, "what was meant without it"),
    Change("frames.frame_rate", 25, FRAMES),
    Change("frames.other_frame_rate", "resample", FRAMES, "the plan is careful: see Clips"),
    Change("autoencoder.variant", "paper", MODELS),
    Change("autoencoder.loss.squared", {"autoencoder.loss": {"squared": 2}}, MODELS),
    Change("autoencoder.loss.squared", {"autoencoder.loss": {"squared": 1, "ssim": 0}}, NOTHING,
           "what was meant without it"),
    Change("autoencoder.loss.gradient", {"autoencoder.loss": {"gradient": 1}}, MODELS),
    Change("autoencoder.loss.difference",
           {"inputs.I4.autoencoder": {"loss": {"difference": 1}}}, branch("I4")),
    Change("autoencoder.loss.ssim", {"autoencoder.loss": {"ssim": 1}}, MODELS),
    Change("autoencoder.loss.divergence", {
        "autoencoder.variant": "variational", "autoencoder.loss": {"divergence": 0.01},
    }, MODELS),
    Change("autoencoder.loss.adversarial", {
        "autoencoder.variant": "adversarial", "autoencoder.loss": {"adversarial": 0.01},
    }, MODELS),
    Change("autoencoder.epochs", 3, MODELS),
    Change("autoencoder.batch_size", 8, MODELS),
    Change("autoencoder.learning_rate", 1e-3, MODELS),
    Change("autoencoder.weight_decay", 0, MODELS),
    Change("autoencoder.schedule", "cosine", MODELS),
    Change("autoencoder.gradient_clip", 1, MODELS),
    Change("autoencoder.unhealthy", "stop", MODELS),
    Change("autoencoder", {"autoencoder.epochs": 4, "autoencoder.batch_size": 2}, MODELS,
           "two values swapped"),
    Change("regressor.backbone", "resnet18", REGRESSORS),
    Change("regressor.weights", "IMAGENET1K_V1", f"fetch_weights {REGRESSORS}"),
    Change("regressor.weights", {"regressor.weights": {"file": "a.pth", "sha256": DIGEST}},
           f"fetch_weights {REGRESSORS}", "whatever the file is called"),
    Change("regressor.normalise", "imagenet", REGRESSORS),
    Change("regressor.fine_tune_encoder", True, REGRESSORS),
    Change("regressor.recurrent", {
        "inputs.I4.encoder": "none", "inputs.I4.regressor": {"recurrent": True},
    }, f"{only('train_regressor', input='I4')} plot_gallery {TABLES}"),
    Change("regressor.answer", "standardised", REGRESSORS),
    Change("regressor.answer", "plain", NOTHING, "what was meant without it"),
    Change("regressor.loss", "absolute", REGRESSORS),
    Change("regressor.symmetries", "training", REGRESSORS),
    Change("regressor.together", 2, REGRESSORS),
    Change("regressor.start_at_mean", False, REGRESSORS),
    Change("regressor.settle_batch_norm", False, REGRESSORS),
    Change("regressor.epochs", 2, REGRESSORS),
    Change("regressor.batch_size", 4, REGRESSORS),
    Change("regressor.batch_size", 8.0, NOTHING, "8 is 8.0"),
    Change("regressor.learning_rate", 2e-4, REGRESSORS),
    Change("regressor.weight_decay", 0, REGRESSORS),
    Change("regressor.schedule", "cosine", REGRESSORS),
    Change("regressor.gradient_clip", 1, REGRESSORS),
    Change("regressor.unhealthy", "keep", REGRESSORS),
    Change("baselines", ["msd"], "track_cells count_cells measure_errors measure_statistics "
           "make_table1 describe_run plot_errors plot_agreement", "one more row"),
    Change("ensembles.*", {"ensembles": {"both": ["I1", "I4"]}}, "average_predictions "
           "measure_errors measure_statistics make_table1 describe_run plot_errors plot_agreement",
           "one more row"),
    # Sections of which every key is changed at once, for none makes anything stale.
    Change("performance.*", {"performance": {
        "device": "cpu", "threads": 2, "precision": "bfloat16", "tf32": False,
        "deterministic": True, "channels_last": True, "compile": True, "data": "disk",
        "micro_batch": 2, "save_minutes": 1, "trainings_per_gpu": 2,
    }}, NOTHING),
    Change("slurm.*", {"slurm": {
        "account": "a", "partition": "a", "gpu_partition": "a", "gpu_model": "a", "qos": "a",
        "constraint": "a", "extra": "--nice=5", "longest": 60,
    }}, NOTHING),
    Change("tracks.*", {"tracks": {
        "seconds": 1, "diameter": 13, "brightness": 0.3, "reach": 5, "memory": 1, "shortest": 30,
    }}, NOTHING, "only `baselines` follow cells: see test_baselines.py"),
    Change("seeds", [0, 1], f"{only('train_autoencoder train_regressor', seed=1)} {TABLES}"),
    Change("seeds", [1], f"{only('train_autoencoder train_regressor', seed=1)} plot_gallery "
           f"{TABLES}"),
]  # fmt: skip

ARCHIVE = {
    "url": "https://example.org/a.zip", "path": "a.zip", "size": 1, "md5": "0" * 32,
    "licence": "free", "licence_accepted": False,
}  # fmt: skip

# A laboratory's own six videos, input type I1 alone, two folds, one seed.
OWN_DATA = [
    Change("dataset.labels", "moved/labels.csv", NOTHING, "the same labels in another place"),
    Change("dataset.videos", "moved/videos", "check_samples",
           "the same videos in another place: samples.csv names them"),
    Change("dataset.video_list", "lab/list.csv", NOTHING, "a list that says what names had said"),
    Change("dataset.columns", {"dataset.columns": {"head": "head defects (%)"}}, NOTHING,
           "the same column in other words"),
    Change("dataset.motility_sum.tolerance", {"dataset.motility_sum": {"tolerance": 3}}, NOTHING),
    Change("dataset.motility_sum.otherwise", {"dataset.motility_sum": {"otherwise": "warn"}},
           NOTHING),
    Change("dataset.microns_per_pixel", 0.3, FRAMES,
           "is recorded with the clips; in the run, these are found unchanged: see Clips"),
    Change("dataset.unreadable", "leave_out", NOTHING, "nothing had to be left out"),
    Change("dataset.archive", {"dataset.archive": ARCHIVE}, NOTHING, "the data set is there"),
    Change("folds.file", {"folds.file": "lab/folds.csv", "folds.seed": REMOVED}, NOTHING,
           "the same folds from a file"),
    Change("folds.file", {"folds.file": "lab/swapped.csv", "folds.seed": REMOVED},
           f"{SPLIT} list_clips[group=gallery]", "two participants change places"),
    Change(changes.edit_morphology, 3, f"check_samples {target('morphology')}",
           "no decoding and no autoencoder: labels are not their business"),
    Change(changes.edit_motility, 3, f"check_samples {target('motility')}",
           "the folds stay, though they were balanced by this label"),
    Change(changes.add_participant, 7,
           seen_by_fold_2(f"check_samples {only(CLIPS, sample=7)}"),
           "joins the smallest fold, here fold 1; the others stay"),
    Change(changes.remove_participant, 6, seen_by_fold_2("check_samples")),
    Change(changes.remove_and_add, 6, NOTHING, "comes back into the same fold"),
    Change(changes.replace_video, 6, seen_by_fold_2(only(CLIPS, sample=6))),
    Change(changes.rename_video, 3, "check_samples", "samples.csv names it"),
    Change(changes.one_table, "", NOTHING),
    Change(changes.touch_everything, "", NOTHING, "content counts, not time"),
    Change(changes.restore_backup, "", NOTHING),
    Change(changes.move_results, "", NOTHING),
    Change(changes.clone_anew, "", NOTHING, "the results hold their own metadata"),
    Change(changes.clone_anew_and_change, "", REGRESSORS),
    Change(changes.clone_after_a_kill, "", REGRESSORS,
           "what a killed run was making is in doubt until a run has ended"),
    Change(changes.end_half_way, "", f"plot_gallery {REGRESSORS}",
           "a step knows what the steps before it rest on"),
    Change(changes.rename_results, "", NOTHING, "the metadata in them do not name their folder"),
    Change(changes.rewrite_configuration, "", NOTHING),
    Change(changes.run_otherwise, "", NOTHING),
    Change(changes.edit_module, "training/trainer.py", MODELS, "all that import it, directly or not"),
    Change(changes.edit_module, "training/regressor.py", REGRESSORS),
    Change(changes.edit_module, "evaluation/metrics.py", TABLES),
    Change(changes.edit_module, "evaluation/statistics.py", "measure_statistics plot_errors plot_agreement"),
    Change(changes.edit_module, "reports/style.py", f"plot_contact_sheet plot_gallery {FIGURES}"),
    Change(changes.edit_module, "video/ffmpeg.py", FRAMES,
           "the plan is careful; in the run, clips that come out the same end it: see Clips"),
    Change(changes.edit_script, "make_table1.py", "make_table1"),
    Change(changes.edit_comments, "", NOTHING, "the digest is of the parsed code"),
    Change(changes.upgrade, "matplotlib", f"plot_contact_sheet plot_gallery {FIGURES}"),
    Change(changes.upgrade, "scipy", "measure_statistics plot_errors plot_agreement"),
    Change(changes.upgrade, "torch", MODELS),
    Change(changes.edit_messages, "", NOTHING),
    Change(changes.delete, "figures/gallery.png", "plot_gallery"),
    Change(changes.delete, "regressors/I1/motility/fold1/seed0/model.pt",
           f"{only('train_regressor', target='motility', fold=1)} {TABLES}"),
    Change(changes.delete, "frames/3.h5", NOTHING, "is made again when it is needed"),
]  # fmt: skip

GROUPS = {  # how the docs call those that recur
    "all": EVERYTHING,
    "frames and all behind": FRAMES,
    "models and all behind": MODELS,
    "regressors and all behind": REGRESSORS,
    "tables": TABLES,
}


def markdown(rows: list[Change]) -> str:
    lines = ["| what changes | to | what reruns | |", "|---|---|---|---|"]
    for row in rows:
        what = f"`{row.what}`" if isinstance(row.what, str) else row.what.__doc__.rstrip(".")
        lines.append(f"| {what} | {_shown(row.to)} | {_jobs(row.reruns)} | {row.why} |")
    return "\n".join(lines)


def _shown(value) -> str:
    if isinstance(value, dict) and ARCHIVE in value.values():
        return "a section"
    if isinstance(value, dict) and REMOVED not in value.values():
        return "<br>".join(f"`{key}: {part}`" for key, part in value.items()).replace("'", "")
    if isinstance(value, dict):
        return "<br>".join(
            f"`{key}` removed" if part == REMOVED else f"`{key}: {part}`"
            for key, part in value.items()
        )
    return f"`{value}`".replace("'", "") if value != "" else ""


def _jobs(reruns: str) -> str:
    for name, jobs in GROUPS.items():
        reruns = reruns.replace(jobs, f"*{name.replace(' ', '~')}*")
    words = [re.sub(r"^(\w+)(\[.*\])?$", r"`\1`\2", word) for word in reruns.split()]
    text = ", ".join(words) or "nothing"
    return re.sub(
        r"\[(.*?)\]", lambda found: " " + found[1].replace("=", " ").replace(",", ", "), text
    ).replace("~", " ")


def rendered(page: str) -> str:
    """The page of the docs with the tables of today."""
    for name, rows in (("simulated", SIMULATED), ("own data", OWN_DATA)):
        page = replace_between_marks(page, name, markdown(rows))
    return page


if __name__ == "__main__":
    docs = Path(__file__).parents[2] / "docs/reruns.md"
    docs.write_text(rendered(docs.read_text(encoding="utf-8")), encoding="utf-8")
