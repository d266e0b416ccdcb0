"""What users give and cannot work: one message with the place and the remedy, nothing lost."""

import os
import re
import shutil
import site
import subprocess
import sys
import time

import imageio_ffmpeg
import pandas as pd
import pytest
import torch
import torchvision
import yaml

from motilens.simulation.render import render_video
from motilens.simulation.visem_files import simulated_sample_table, write_label_table
from motilens.video.encode import encode_video
from support.laboratory import TRACKED
from support.project import copy_project, smallest


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Six labeled videos."""
    folder = tmp_path_factory.mktemp("data") / "lab"
    (folder / "videos").mkdir(parents=True)
    table = simulated_sample_table(6, seed=1, folder=str(folder / "videos"))
    write_label_table(table, folder / "labels.csv")
    for row in table.itertuples():
        encode_video(row.video, _frames(30, int(row.participant)), 50.0)
    return folder


@pytest.fixture
def own_data(project, lab):
    """A lab's own folder, and a configuration that points to it."""
    shutil.copytree(lab, project.folder / "lab")
    config = yaml.safe_load((project.folder / "tiny.yaml").read_text(encoding="utf-8"))
    config["dataset"] = {"labels": "lab/labels.csv", "videos": "lab/videos"}
    return Own(project, config)


def _frames(count, participant=1):
    return render_video(participant, 1, count)


class Own:
    def __init__(self, project, config):
        self.project, self.config, self.folder = project, config, project.folder

    def run(self, *arguments, **env):
        (self.folder / "own.yaml").write_text(yaml.safe_dump(self.config))
        return self.project.snakemake(*arguments, config="own.yaml", check=False, **env)


def assert_clear(done, *lines):
    assert done.returncode == 1
    for line in lines:
        assert re.search(line, done.stdout), done.stdout
    assert "Traceback" not in done.stdout


def test_a_python_whose_path_has_a_space(own_data, tmp_path):
    """Snakemake would give each step's shell only the path's first word."""
    python = tmp_path / "a python" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    done = subprocess.run(
        [python, "-m", "snakemake", "-n", "--configfile", "tiny.yaml"],
        cwd=own_data.folder, env=os.environ | {"PYTHONPATH": site.getsitepackages()[0]},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"{python}: Snakemake cannot run steps by a Python whose path has a space" in done.stderr


def test_labels_and_videos_that_do_not_match(own_data):
    (own_data.folder / "lab/videos/99_new_XY.avi").touch()
    next((own_data.folder / "lab/videos").glob("3_*")).unlink()
    done = own_data.run("--cores", "1")
    assert_clear(
        done,
        r"lab/labels\.csv, line 4: participant 3 has labels but no video in lab/videos: add",
        r"lab/videos/99_new_XY\.avi: participant 99 has no row in lab/labels\.csv: add the labels",
    )
    assert not (own_data.folder / "results").exists()


def check_data(own_data):
    own_data.folder.joinpath("own.yaml").write_text(yaml.safe_dump(own_data.config))
    return own_data.project.run_program("check_data.py", "--configfile", "own.yaml")


def test_checking_the_data_says_what_is_wrong_and_nothing_else(own_data):
    table = simulated_sample_table(6, seed=1, folder="videos")
    with pd.ExcelWriter(own_data.folder / "lab/samples.xlsx") as book:
        table.to_excel(book, sheet_name="new", index=False)
        table.to_excel(book, sheet_name="old", index=False)
    (own_data.folder / "lab/videos/new.avi").touch()
    own_data.config["dataset"] = {"labels": "lab/samples.xlsx"}
    done = check_data(own_data)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 10
    assert re.fullmatch(r"progressive: [\d.]+ to [\d.]+ %, in 6 videos", lines[0])
    size = "6 videos of 6 participants; folds of 3, 3 participants (a new split, seed 0)"
    assert lines[6] == size
    assert lines[7].startswith("WARNING: lab/samples.xlsx: the sheet 'new' is read, not 'old'")
    assert lines[8].startswith("WARNING: lab/videos: no row of lab/samples.xlsx names these")
    assert lines[9].endswith("own.yaml can be used (2 warnings). No video was decoded.")
    own_data.config["folds"]["number"] = 7
    done = check_data(own_data)
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and done.stdout == "" and len(lines) == 5
    assert lines[0] == "ERROR: the data set cannot be used:"
    assert lines[1].startswith("  folds.number: 7 folds need at least 7 participants, there are 6")
    assert lines[2].startswith("  WARNING: lab/samples.xlsx: the sheet 'new'")
    assert lines[4] == "Correct this, then check again."
    assert not list((own_data.folder / "results").glob("[!.]*"))


def test_unreadable_and_short_videos_stop_only_themselves(own_data):
    videos = sorted((own_data.folder / "lab/videos").iterdir())
    videos[0].write_text("not a video")
    encode_video(videos[1], _frames(12), 50.0)
    done = own_data.run("--cores", "2", "--keep-going", "--", "clips")
    assert_clear(
        done,
        rf"ERROR: .*lab/videos/{videos[0].name}: ffmpeg cannot read",
        rf"ERROR: .*lab/videos/{videos[1].name}: 12 frames are too few for 4 clips of 18 frames",
        r"2 of 6 videos could not be used:\n  1 failed: .*lab/videos/1_.*\n  2 failed: .*12 frames",
        r"Replace or remove them, or skip them \(dataset\.on_unreadable_video: skip\)",
    )
    assert len(list((own_data.folder / "results/clips").glob("*.h5"))) == 4


def test_going_on_without_a_video_and_the_table_says_so(own_data):
    smallest(own_data.config)["inputs"]["I1"]["encoder"] = "none"
    video = next((own_data.folder / "lab/videos").glob("5_*"))
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    own_data.config["dataset"]["on_unreadable_video"] = "skip"
    targets = ("--", "samples.csv", "tables/table1.md", "figures/contact_sheets/5.png")
    done = own_data.run("--cores", "2", *targets)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(
        r"WARNING: .*lab/videos/5_.* \(skipped until it is replaced; .* delete ", done.stdout
    )
    assert "1 of 6 videos could not be used:\n  5 was skipped: " in done.stdout
    results = own_data.folder / "results"
    table = (results / "tables/table1.md").read_text(encoding="utf-8")
    assert "**Without samples 5**: their videos" in table and "5 participants (20 stacks)" in table
    assert "5,5,lab/videos/5_" in (results / "samples.csv").read_text(), "has a place in a fold"
    predicted = [path.read_text() for path in (results / "predictions").rglob("*.csv")]
    assert len(predicted) == 2 and not any("\n5,5," in text for text in predicted)
    assert (results / "figures/contact_sheets/5.png").exists()
    assert "Nothing to be done" in own_data.run("-n", *targets).stdout

    own_data.config["dataset"]["on_unreadable_video"] = "error"  # so it is tried again
    done = own_data.run("--cores", "2", *targets)
    assert_clear(done, r"ERROR: .*lab/videos/5_", r"1 of 6 videos could not be used:\n  5 failed")
    assert not (results / "clips/5.h5").exists()
    video.write_bytes(content)
    done = own_data.run("--cores", "1", "--", "clips/5.h5")
    assert done.returncode == 0 and "could not be used" not in done.stdout


def test_a_fault_of_the_machine_drops_no_participant(own_data, tmp_path):
    """An ffmpeg that is killed (out of memory, for example) says nothing about the video."""
    own_data.config["dataset"]["on_unreadable_video"] = "skip"
    own_data.config |= TRACKED
    fake = tmp_path / "ffmpeg"
    real = imageio_ffmpeg.get_ffmpeg_exe()
    fake.write_text(f'#!/bin/sh\ncase "$*" in */5_*) kill -KILL $$ ;; esac\nexec {real} "$@"\n')
    fake.chmod(0o755)
    targets = ("--", "clips/5.h5", "tracks/5.csv.gz", "clips/4.h5")
    killed = {"IMAGEIO_FFMPEG_EXE": str(fake)}
    done = own_data.run("--cores", "2", "--keep-going", *targets, **killed)
    assert_clear(done, r"ERROR: .*lab/videos/5_.*: ffmpeg was killed by signal 9 \(SIGKILL\)")
    results = own_data.folder / "results"
    assert [path.stem for path in (results / "clips").glob("*.h5")] == ["4"]
    assert not (results / "tracks").exists() or not list((results / "tracks").iterdir())
    done = own_data.run("--cores", "2", *targets)
    assert done.returncode == 0 and "could not be used" not in done.stdout, done.stdout[-3000:]


VANISH = """
from pathlib import Path
if not Path("gone.avi").exists():  # after the first of all, one of those to come
    waiting = [k for k in range(1, 7) if not Path(f"clips/{k}.h5").exists()]
    next(Path("../lab/videos").glob(f"{waiting[0]}_*")).rename("gone.avi")
"""


def test_a_video_that_vanishes_during_the_run(own_data):
    """Snakemake itself ends the run then; nothing is lost, and the next call says whose it was."""
    script = own_data.folder / "workflow/scripts/extract_clips.py"
    script.write_text(script.read_text(encoding="utf-8") + VANISH, encoding="utf-8")
    done = own_data.run("--cores", "1", "--", "clips")
    assert done.returncode == 1 and "Missing files after 5 seconds" in done.stdout
    name = re.search(r"lab/videos/(.*) \(missing locally", done.stdout)[1]
    error = f"participant {name[0]} has labels but no video in lab/videos"
    assert_clear(own_data.run("-n"), error)
    shutil.copyfile(own_data.folder / "results/gone.avi", own_data.folder / "lab/videos" / name)
    done = own_data.run("-n", "--quiet", "rules", "--", "clips")
    assert re.search(r"extract_clips +[1-5]\n", done.stdout), done.stdout


def test_two_files_that_show_the_same(own_data):
    """Packed again, so their bytes differ; only the frames are the same."""
    first, second = sorted((own_data.folder / "lab/videos").iterdir())[:2]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", first]
    subprocess.run([*command, "-c", "copy", "-metadata", "title=x", second], check=True)
    done = own_data.run("--cores", "2", "--", "clips/index/all.csv")
    assert_clear(
        done, r"ERROR: the videos of samples 1 and 2 \(1_.* and 2_.*\) show the same frames: remove"
    )


def test_a_full_disk(own_data, tmp_path):
    place = own_data.folder / "results"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M", "tmpfs", place]).returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        own_data.config["frames"] |= {"size": 256}
        done = own_data.run("--cores", "1", "--", "clips")
        assert_clear(
            done, r"ERROR: clips/\d\.h5: No space left on device: free some space, and run"
        )
        assert "Segmentation" not in done.stdout and "core dumped" not in done.stdout
        assert not [path for path in place.rglob("*") if ".part" in path.name]
    finally:
        subprocess.run(["umount", place], check=True)


def test_own_data_in_one_excel_table(own_data):
    table = simulated_sample_table(6, seed=1, folder="videos").drop(columns=["tail"])
    table.loc["2", "progressive"] = 99
    table.to_excel(own_data.folder / "lab/samples.xlsx", index=False)
    own_data.config["dataset"] = {"labels": "lab/samples.xlsx"}
    done = own_data.run("-n")
    assert_clear(done, r"lab/samples\.xlsx: .*missing 'Tail defects \(%\)' or 'tail'")
    own_data.config["targets"] = {"motility": ["progressive", "nonprogressive", "immotile"]}
    own_data.config["dataset"]["motility_sum"] = {"on_mismatch": "warn"}
    done = own_data.run("-n", "--quiet", "rules")
    warning = "WARNING: lab/samples.xlsx, line 3: participant 2: its three percentages"
    assert done.returncode == 0 and warning in done.stdout


def test_mistakes_in_the_configuration(own_data):
    own_data.config["epochs"] = own_data.config["autoencoder"].pop("epochs")
    assert_clear(
        own_data.run("-n", "--config", "regressor={epochs: 0}"),
        r"epochs: unknown key; did you mean autoencoder\.epochs or regressor\.epochs\?",
        r"autoencoder\.epochs: missing",
        r"regressor\.epochs: 0 is less than the minimum of 1",
    )


def test_until_behind_the_checkpoint(own_data):
    """Snakemake would say `Nothing to be done`."""
    done = own_data.run("-n", "--until", "train_autoencoder")
    assert done.returncode == 1
    assert "do not work with train_autoencoder: ask for a target instead (clips," in done.stdout
    assert own_data.run("-n", "--until", "extract_clips").returncode == 0


def test_a_video_that_may_not_be_read(own_data):
    path = next((own_data.folder / "lab/videos").glob("3_*"))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read everything")
    done = own_data.run("-n")
    assert done.returncode == 1 and f"{path.name}: cannot be read (Permission" in done.stdout


def test_results_that_were_cut_off_are_reported(finished_small, tmp_path):
    run = finished_small.copy(tmp_path / "copy")
    for name, size in (("clips/1.json", 60), ("clips/index/all.csv", 0), ("samples.csv", 40)):
        os.truncate(run.folder / "results" / name, size)
    done = run.snakemake("-n", config="small.yaml", check=False)
    names = "clips/1.json, clips/index/all.csv, samples.csv"
    assert_clear(done, f"ERROR: .*: these were changed or cut off since they were made: {names}. ")


def test_another_working_directory_is_refused_in_one_line(own_data):
    done = own_data.run("-n", "--directory", "elsewhere")
    assert_clear(
        done, "ERROR: --directory elsewhere: results go to the folder that `results` names"
    )


def test_results_that_are_a_file(own_data):
    (own_data.folder / "results").write_text("mine")
    assert_clear(own_data.run("-n"), "results: .*results is a file: name a folder")


def test_runs_of_two_clones_do_not_write_the_same_results(own_data, tmp_path):
    own_data.config["results"] = str(own_data.folder / "results")
    own_data.run("-n")
    other = Own(copy_project(tmp_path / "another clone"), own_data.config)
    other.config["dataset"] = {
        k: str(own_data.folder / v) for k, v in own_data.config["dataset"].items()
    }
    command = [sys.executable, "-m", "snakemake", "--configfile", "own.yaml", "--cores", "1"]
    command += ["--", "clips/index/all.csv"]
    with subprocess.Popen(command, cwd=own_data.folder, stderr=subprocess.DEVNULL) as run:
        locks = own_data.folder / "results/.snakemake/locks"
        while run.poll() is None and not (locks.exists() and any(locks.iterdir())):
            time.sleep(0.01)
        done = other.run("--cores", "1", "--", "clips")
        assert run.poll() is None
    assert done.returncode == 1 and "cannot be locked" in done.stdout
    assert run.returncode == 0
    done = other.run("--cores", "1", "--", "clips/index/all.csv")
    assert done.returncode == 0 and "Nothing to be done" in done.stdout


def test_weights_are_fetched_first_and_their_absence_is_explained(project, tmp_path):
    """A proxy that refuses stands for a machine without network; a made file for torchvision's."""
    cache = tmp_path / "torch/hub/checkpoints"
    cache.mkdir(parents=True)
    wanted = "weights/resnet18/IMAGENET1K_V1.pt"
    env = {"TORCH_HOME": str(tmp_path / "torch"), "https_proxy": "http://127.0.0.1:9"}
    done = project.snakemake("--cores", "1", "--", wanted, check=False, **env)
    assert_clear(done, rf"ERROR: regressor\.weights: .* Download \S+resnet18\S+ .* into {cache}")
    name = re.search(r"/(resnet18-\w+\.pth)", done.stdout)[1]
    state = torchvision.models.resnet18().state_dict()
    torch.save(state, cache / name)
    project.snakemake("--cores", "1", "--", wanted, **env)
    assert torch.load(project.folder / "results" / wanted, weights_only=True).keys() == state.keys()


def test_the_papers_experiment_has_the_papers_jobs(project):
    folder = project.folder / "visem-dataset"
    (folder / "videos").mkdir(parents=True)
    table = simulated_sample_table(85, seed=1, folder=str(folder / "videos"))
    write_label_table(table, folder / "semen_analysis_data.csv")
    for path in table["video"]:
        open(path, "w").close()
    plan = project.snakemake("-n", "--quiet", "rules", config="config/visem.yaml").stdout
    jobs = {
        "extract_clips": 85,
        "fetch_weights": 1,
        "train_autoencoder": 12,
        "train_regressor": 24,
    }
    for rule, count in jobs.items():
        assert re.search(rf"{rule}\s+{count}\b", plan), plan
