"""Reruns are exact by Snakemake's own plan: rows of staleness.py that need it, and whole runs.

tests/unit/pipeline/test_step_dependencies.py proves the other rows, without Snakemake.
"""

import re
import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from tempfile import mkdtemp

import imageio_ffmpeg
import pytest
import yaml

from motilens.simulation.visem_files import write_video_list
from support import changes
from support.project import TINY
from support.staleness import FOLDERS, OWN_DATA, SIMULATED, apply_change, named_jobs

WILDCARDS = [
    r"^clips/(?P<sample>[^/]+)\.(h5|json)$",
    r"contact_sheets/(?P<sample>[^/]+)\.(png|pdf)$",
    r"^clips/index/(?P<group>\w+)\.csv$",
    r"videos/(?P<sample>\d+)_",
    r"^autoencoders/(?P<input>\w+)/fold(?P<fold>\d+)/seed(?P<seed>\d+)/",
    r"^tracks/(?P<sample>[^/]+)\.csv\.gz$",
    r"^baselines/(?P<baseline>\w+)/(?P<target>\w+)/fold(?P<fold>\d+)/",
    r"^regressors/(?P<input>\w+)/(?P<target>\w+)/fold(?P<fold>\d+)/seed(?P<seed>\d+)/",
]


def plan_with_snakemake(project, config, *arguments, **env):
    """Return every job of the workflow and whether it would run, by `snakemake --summary`."""
    done = project.snakemake("--summary", *arguments, config=config, **env)
    jobs = {}
    for line in done.stdout.splitlines():
        if line.count("\t") == 5 and not line.startswith("output_file\t"):
            path, _, rule, _, _, plan = line.split("\t")
            if not path.startswith("predictions/"):  # beside a model or a record, which is listed
                matches = [match for match in (re.search(p, path) for p in WILDCARDS) if match]
                job = (rule, frozenset(matches[0].groupdict().items() if matches else ()))
                jobs[job] = jobs.get(job, False) or plan != "no update"
    assert jobs, done.stdout
    return jobs


def assert_exact(jobs, row):
    stale, expected = {job for job in jobs if jobs[job]}, named_jobs(jobs, row.reruns)
    assert stale - expected == set(), "too much runs again"
    assert expected - stale == set(), "too little runs again"


def plan_in_pairs(make_plan, rows):
    """Start all plans, two at a time: Snakemake uses one core for a plan.

    Changes that make nothing stale share one plan, but for those of files' times, which others
    would change.
    """
    of_times = (changes.touch_everything, changes.restore_backup)
    together = [row for row in rows if not row.reruns and row.what not in of_times]
    with ThreadPoolExecutor(2) as pool:
        plans = {id(row): pool.submit(make_plan, [row]) for row in rows if row not in together}
        return plans | dict.fromkeys(map(id, together), pool.submit(make_plan, together))


def parametrize(rows):
    names = [f"{getattr(row.what, '__name__', row.what)}-{row.to}" for row in rows]
    return pytest.mark.parametrize("row", rows, ids=names)


FOR_SNAKEMAKE = [row for row in SIMULATED if row.compared_with_snakemake]
OWN_FOR_SNAKEMAKE = [row for row in OWN_DATA if row.compared_with_snakemake] + FOLDERS


@pytest.fixture(scope="module")
def simulated_plans(finished, tmp_path_factory):
    config = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    folder = tmp_path_factory.mktemp("changed")

    def make_plan(rows):
        path = Path(mkdtemp(dir=folder)) / "changed.yaml"
        changed = reduce(apply_change, rows, config)
        path.write_text(yaml.safe_dump(changed, sort_keys=False))
        return plan_with_snakemake(finished, str(path))

    return plan_in_pairs(make_plan, FOR_SNAKEMAKE)


@parametrize(FOR_SNAKEMAKE)
def test_snakemake_plans_what_changes_of_a_simulated_experiment_say(simulated_plans, row):
    assert_exact(simulated_plans[id(row)].result(), row)


def test_nothing_runs_again_when_nothing_is_changed(finished):
    assert not any(plan_with_snakemake(finished, "tiny.yaml").values())


@pytest.fixture(scope="module")
def laboratory(finished_laboratory, tmp_path_factory):
    lab = finished_laboratory.copy(tmp_path_factory.mktemp("own") / "a lab")
    write_video_list(lab.table, lab.folder / "lab/list.csv")
    shutil.copytree(lab.folder / "lab", lab.folder / "moved")
    return lab


@pytest.fixture(scope="module")
def own_plans(laboratory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("changed")

    def make_plan(rows):
        lab, arguments = laboratory.copy(Path(mkdtemp(dir=folder)) / "a lab"), []
        for row in rows:
            if isinstance(row.what, str):
                lab.config = apply_change(lab.config, row)
            else:
                arguments += row.what(lab, row.to) or []
        lab.write_configuration()
        return plan_with_snakemake(lab, "own.yaml", *arguments, **lab.env)

    return plan_in_pairs(make_plan, OWN_FOR_SNAKEMAKE)


@parametrize(OWN_FOR_SNAKEMAKE)
def test_snakemake_plans_what_changes_of_a_laboratory_say(own_plans, row):
    assert_exact(own_plans[id(row)].result(), row)


def count_finished_jobs(done):
    """Return how many jobs of each rule a run has finished."""
    return Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", done.stdout))


def model_times(lab):
    return {path: path.stat().st_mtime_ns for path in lab.folder.rglob("results/**/model.*")}


def test_the_same_content_trains_nothing_and_another_content_trains_what_saw_it(
    laboratory, tmp_path
):
    """A video is packed again (other bytes, the same frames); then it is really replaced."""
    lab = laboratory.copy(tmp_path / "a lab")
    video, models = lab.video(6), model_times(lab)
    old, packed = video.read_bytes(), video.with_name("packed.avi")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", video, "-c", "copy", "-metadata", "title=x"]
    subprocess.run([*command, packed], check=True, capture_output=True)
    packed.replace(video)
    assert video.read_bytes() != old
    done = lab.snakemake("--cores", "2", config="own.yaml")
    # 6 was held out in fold 1: on the list of all and on that of fold 2's training.
    assert count_finished_jobs(done) == {
        "extract_clips": 1, "plot_contact_sheet": 1, "index_clips": 2, "write_report": 1, "all": 1,
    }  # fmt: skip
    assert model_times(lab) == models
    assert not any(plan_with_snakemake(lab, "own.yaml").values())

    changes.replace_video(lab, 6)
    done = lab.snakemake("--cores", "2", config="own.yaml")
    assert count_finished_jobs(done) == {
        "extract_clips": 1, "plot_contact_sheet": 1, "index_clips": 2,
        "train_autoencoder": 1, "train_regressor": 4, "compute_errors": 1, "compute_statistics": 1,
        "make_table1": 1, "summarize_run": 1, "plot_learning_curves": 1, "plot_errors": 1,
        "plot_agreement": 1, "write_report": 1, "all": 1,
    }  # fmt: skip
    assert not any(plan_with_snakemake(lab, "own.yaml").values())


def test_changes_that_were_run_and_taken_back_leave_the_results_of_before(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    before, labels = lab.digests(), (lab.folder / "lab/labels.csv").read_bytes()
    changes.add_participant(lab, 7)
    lab.config["autoencoder"]["epochs"] = 3
    lab.write_configuration()
    target = ("--cores", "2", "--", "tables/table1.md")
    lab.snakemake(*target, config="own.yaml")
    during = lab.digests()
    assert during["tables/mae.csv"] != before["tables/mae.csv"] and "clips/7.h5" in during

    next((lab.folder / "lab/videos").glob("7_*")).unlink()
    (lab.folder / "lab/labels.csv").write_bytes(labels)
    lab.config["autoencoder"]["epochs"] = 2
    lab.write_configuration()
    lab.snakemake(*target, config="own.yaml")
    after = lab.digests()
    assert {path for path in after if after[path] != before.get(path)} == {
        "clips/7.h5", "clips/7.json", "splits/folds2_seed0.csv",
    }  # fmt: skip


def test_an_edit_that_changes_no_clip_trains_nothing(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    changes.edit_module(lab, "video/ffmpeg.py")
    done = lab.snakemake("--cores", "2", config="own.yaml")
    assert count_finished_jobs(done) == {
        "extract_clips": 6, "plot_contact_sheet": 6, "index_clips": 4, "write_report": 1, "all": 1,
    }  # fmt: skip


def test_deleted_clips_are_made_again_for_a_model_that_needs_them(laboratory, tmp_path):
    """Trainings name a list of their clips only."""
    lab = laboratory.copy(tmp_path / "a lab")
    before = lab.digests()
    changes.delete(lab, "clips/3.h5")
    changes.delete(lab, "regressors/I1/motility/fold1/seed0/model.pt")
    done = count_finished_jobs(lab.snakemake("--cores", "2", config="own.yaml"))
    assert (done["extract_clips"], done["train_regressor"]) == (1, 1)
    assert done["train_autoencoder"] == 0
    assert lab.digests() == before


def test_results_without_records_are_not_taken_for_up_to_date(laboratory, tmp_path):
    """As `cp results/*` copies them to another clone: without hidden folders."""
    lab = laboratory.copy(tmp_path / "a lab")
    shutil.rmtree(lab.folder / "results/.snakemake")
    done = lab.snakemake("-n", config="own.yaml", check=False)
    assert done.returncode == 1 and ": nothing says how these were made: " in done.stdout


def test_explain_says_why_in_the_users_words(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    done = lab.run_program("explain.py", "--configfile", "own.yaml")
    assert done.stdout == "Nothing would run again: everything is up to date.\n"
    lab.config["frames"]["size"] = 96
    lab.config["regressor"]["learning_rate"] = 0.5
    lab.write_configuration()
    changes.add_participant(lab, 7)
    done = lab.run_program("explain.py", "--configfile", "own.yaml", "--jobs")
    lines = done.stdout.splitlines()
    for start in (
        "frames.size changed 32 -> 96: 6 extract_clips, 6 plot_contact_sheet, 4 index_clips, "
        "4 train_regressor, 2 train_autoencoder, 1 compute_errors, 1 compute_statistics, "
        "1 make_table1, 1 plot_agreement, 1 plot_errors, 1 plot_gallery, ",
        "regressor.learning_rate changed 0.0001 -> 0.5: 4 train_regressor, 1 compute_errors, ",
        "samples 7 are new: 4 train_regressor, 1 compute_errors, 1 compute_statistics, ",
        "not made yet: 1 extract_clips, 1 plot_contact_sheet",
        "In all: 7 extract_clips, 7 plot_contact_sheet, 4 index_clips, 4 train_regressor, ",
        "If the new clips are identical to the old ones, Snakemake skips what follows.",
        "train_regressor {'input': 'I1', 'target': 'motility', 'fold': '1', 'seed': '0'}",
    ):
        assert any(line.startswith(start) for line in lines), (start, done.stdout)


def test_explain_names_what_snakemake_plans(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    changes.edit_morphology(lab, 3)
    changes.delete(lab, "figures/gallery.png")
    done = lab.run_program("explain.py", "--configfile", "own.yaml")
    planned = lab.snakemake("-n", "--quiet", "rules", config="own.yaml").stdout
    counts = dict(re.findall(r"^(\w+) +(\d+)$", planned, re.MULTILINE))
    assert counts.pop("all") == "1" and counts.pop("total")
    assert counts == {
        "write_sample_table": "1", "train_regressor": "2", "compute_errors": "1",
        "make_table1": "1", "compute_statistics": "1", "plot_learning_curves": "1",
        "plot_errors": "1", "summarize_run": "1", "plot_agreement": "1", "plot_gallery": "1",
        "write_report": "1",
    }  # fmt: skip
    assert done.stdout.splitlines()[-1] == (
        "In all: 2 train_regressor, 1 compute_errors, 1 compute_statistics, 1 make_table1, "
        "1 plot_agreement, 1 plot_errors, 1 plot_gallery, 1 plot_learning_curves, "
        "1 summarize_run, 1 write_report, 1 write_sample_table."
    )
    assert "midpiece of samples 3 changed" in done.stdout
    assert "missing: figures/gallery.png: 1 plot_gallery" in done.stdout


def test_explain_reports_a_mistake_in_the_configuration(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    lab.config["frames"]["sice"] = 1
    lab.write_configuration()
    done = lab.run_program("explain.py", "--configfile", "own.yaml")
    assert done.returncode == 1 and "frames.sice: unknown key; did you mean size?" in done.stderr
    assert "Traceback" not in done.stderr
