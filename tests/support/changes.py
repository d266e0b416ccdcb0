"""What people do to a folder with data and finished results; rows of staleness.py.

An action gets a Laboratory (a copy that it may spoil) and the value in its row. It may return
further arguments for Snakemake.
"""

import os
import re
import shutil
import signal
from pathlib import Path

import yaml

from motilens.simulation.render import render_video
from motilens.simulation.visem_files import simulated_sample_table, write_label_table
from motilens.video.encode import encode_video

LABELS_FILE = "lab/labels.csv"


def draw_video(path, participant: int) -> None:
    """Write a short video of a simulated participant."""
    encode_video(path, render_video(participant, 1, 30), 50.0)


def _edit_labels(lab, participant, **differences):
    table = lab.table.set_index("participant")
    table.loc[str(participant), list(differences)] += list(differences.values())
    write_label_table(table.reset_index(), lab.folder / LABELS_FILE)


def edit_morphology(lab, participant):
    """A label of morphology is corrected."""
    _edit_labels(lab, participant, midpiece=1)


def edit_motility(lab, participant):
    """Labels of motility are corrected."""
    _edit_labels(lab, participant, progressive=-5, immotile=5)


def add_participant(lab, participant):
    """A participant is added, with labels and video."""
    table = simulated_sample_table(participant, seed=1, folder="lab/videos")
    write_label_table(table, lab.folder / LABELS_FILE)
    draw_video(lab.folder / table["video"].iloc[-1], participant)


def remove_participant(lab, participant):
    """A participant is removed, labels and video."""
    table = lab.table[lab.table["participant"] != str(participant)]
    write_label_table(table, lab.folder / LABELS_FILE)
    lab.video(participant).unlink()


def replace_video(lab, participant):
    """A video is replaced under the same name."""
    draw_video(lab.video(participant), 99)


def rename_video(lab, participant):
    """A video is renamed."""
    old = lab.video(participant)
    old.rename(old.with_name(f"{participant}_renamed.avi"))


def one_table(lab, _):
    """Labels and list of videos become one table, with other headers."""
    table = lab.table.assign(video=lab.table["video"].str.replace("lab/videos/", "videos/"))
    table.to_csv(lab.folder / "lab/samples.csv", index=False)
    lab.config["dataset"] = {"labels": "lab/samples.csv"}


def remove_and_add(lab, participant):
    """A participant is removed, planned with `-n`, and added again."""
    labels, video = (lab.folder / LABELS_FILE).read_bytes(), lab.video(participant)
    content = video.read_bytes()
    remove_participant(lab, participant)
    lab.snakemake("-n", config="own.yaml")
    (lab.folder / LABELS_FILE).write_bytes(labels)
    video.write_bytes(content)


def touch_everything(lab, _):
    """Every file is touched."""
    for path in lab.files():
        os.utime(path)


def restore_backup(lab, _):
    """A backup is restored, with other times."""
    for path in lab.files():
        is_data = path.is_relative_to(lab.folder / "lab")
        os.utime(path, (10**9,) * 2 if is_data else None)


def move_everything(lab, _):
    """Everything is copied to another place, without times."""
    other = lab.folder.with_name(f"{lab.folder.name}, copied")
    shutil.copytree(lab.folder, other, copy_function=shutil.copyfile)
    lab.folder = other


def clone_again(lab, _):
    """A fresh clone is set beside existing results."""
    move_everything(lab, _)
    shutil.rmtree(lab.folder / ".snakemake", ignore_errors=True)


def clone_again_and_change(lab, _):
    """A fresh clone is set beside existing results, with another `regressor.epochs`."""
    clone_again(lab, _)
    lab.config["regressor"]["epochs"] = 5


def clone_after_a_kill(lab, _):
    """A run with other `regressor.epochs` is killed; a fresh clone has the old value."""
    lab.config["regressor"]["epochs"] = 2
    lab.write_configuration()
    killer = {"PYTHONPATH": str(Path(__file__).parent / "killer"), "KILL_AT": "make_table1:1:run"}
    done = lab.snakemake("--cores", "2", config="own.yaml", check=False, **killer)
    assert done.returncode == -signal.SIGKILL
    lab.config["regressor"]["epochs"] = 1
    clone_again(lab, _)
    lab.write_configuration()
    lab.snakemake("--unlock", config="own.yaml")


def end_half_way(lab, _):
    """`autoencoder.epochs` is changed, only `autoencoders` are run, all is copied without times."""
    lab.config["autoencoder"]["epochs"] = 3
    lab.write_configuration()
    lab.snakemake("--cores", "2", "--", "autoencoders", config="own.yaml")
    move_everything(lab, _)


def rename_results(lab, _):
    """The folder of results gets another name."""
    (lab.folder / "results").rename(lab.folder / "renamed")
    lab.config["results"] = "renamed"


def rewrite_configuration(lab, _):
    """Comments and the order of keys in the configuration are edited."""

    def reverse(part):
        items = reversed(part.items()) if isinstance(part, dict) else ()
        return {key: reverse(value) for key, value in items} or part

    text = yaml.safe_dump(reverse(lab.config), sort_keys=False)
    (lab.folder / "other.yaml").write_text("# mine\n" + text)
    return ["--configfile", "other.yaml"]


def run_otherwise(lab, _):
    """Other cores, threads, device, progress and logging are used."""
    lab.env |= {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "2"}
    threads = ["--set-threads", "train_regressor=2", "--cores", "7"]
    return [*threads, "--verbose", "--printshellcmds", "--show-failed-logs", "--keep-going"]


def edit_module(lab, name):
    """The code of a module is edited."""
    with open(lab.folder / "workflow/scripts/motilens" / name, "a") as file:
        file.write("\nADDED = 1\n")


def edit_comments(lab, _):
    """Comments, docstrings, messages and layout of modules are edited."""
    for path in (lab.folder / "workflow/scripts").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith('"""')
        text = '"""Another docstring.\n' + text[3:] + "\n\n# A comment\n"
        path.write_text(re.sub(r'(raise InputError\(\n? *f?")', r"\1Now: ", text))


def upgrade(lab, library):
    """Another version of a library is pinned."""
    path = lab.folder / "requirements.in"
    text, count = re.subn(rf"(?m)^({library}==\S+)", r"\1.1", path.read_text())
    assert count == 1
    path.write_text(text)


def edit_messages(lab, _):
    """Messages, priorities and layout of rules are edited."""
    for path in (lab.folder / "rules").glob("*.smk"):
        text = path.read_text(encoding="utf-8").replace("priority: 1", "priority: 5")
        text, count = re.subn(r'(message:\n +")', r"\1Now: ", text)
        assert count or "message:" not in text
        path.write_text(text + "\n\n# A comment\n")


def delete(lab, name):
    """A result is deleted."""
    (lab.folder / lab.config["results"] / name).unlink()
