"""Reruns are exact: the table of staleness.py, row by row, against Snakemake's own plan."""

import copy
import fnmatch
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import changes
import imageio_ffmpeg
import pytest
import staleness
import yaml
from staleness import OWN_DATA, REMOVED, SIMULATED

from motilens.simulation.visem_files import write_video_list

ROOT = Path(__file__).parents[2]
WILDCARDS = [
    r"(frames|contact_sheets)/(?P<sample>[^/]+)\.(h5|json|png)$",
    r"frames/lists/(?P<group>\w+)\.csv$",
    r"videos/(?P<sample>\d+)_",
    r"autoencoders/(?P<input>\w+)/fold(?P<fold>\d+)/seed(?P<seed>\d+)/",
    r"tracks/(?P<sample>[^/]+)\.csv\.gz$",
    r"(baselines|predictions)/(?P<baseline>msd|kinematics|cells|casa)/(?P<target>\w+)/fold(?P<fold>\d+)/",
    r"(regressors|predictions)/(?P<input>\w+)/(?P<target>\w+)/fold(?P<fold>\d+)/seed(?P<seed>\d+)",
]


def plan(project, config, *arguments, **env):
    """Every job of the workflow, and whether it would run, by `snakemake --summary`."""
    done = project.snakemake("--summary", *arguments, config=config, **env)
    jobs = {}
    for line in done.stdout.splitlines():
        if line.count("\t") == 5 and not line.startswith("output_file\t"):
            path, _, rule, _, _, fate = line.split("\t")
            found = [match for match in (re.search(part, path) for part in WILDCARDS) if match]
            job = (rule, frozenset(found[0].groupdict().items() if found else ()))
            jobs[job] = jobs.get(job, False) or fate != "no update"
    assert jobs, done.stdout
    return jobs


def named(jobs, reruns):
    """Those of `jobs` that a row names; each of its names stands for at least one."""
    chosen = set()
    for word in reruns.split():
        rule, wildcards = re.fullmatch(r"(\w+)(?:\[(.*)\])?", word).groups()
        wanted = dict(part.split("=") for part in (wildcards or "").split(",") if part)
        found = {
            job
            for job in jobs
            if job[0] == rule
            and all(fnmatch.fnmatch(dict(job[1])[name], value) for name, value in wanted.items())
        }
        assert found, f"no job is called {word}"
        chosen |= found
    return chosen


def assert_exact(jobs, row):
    stale, expected = {job for job in jobs if jobs[job]}, named(jobs, row.reruns)
    assert stale - expected == set(), "too much reruns"
    assert expected - stale == set(), "too little reruns"


def changed(config, row):
    config = copy.deepcopy(config)
    for key, value in (row.to if isinstance(row.to, dict) else {row.what: row.to}).items():
        *path, last = key.split(".")
        section = config
        for name in path:
            section = section[name]
        if value == REMOVED:
            del section[last]
        else:
            section[last] = value
    return config


def in_pairs(function, rows):
    """Snakemake uses one core for a plan; these machines have at least two."""
    with ThreadPoolExecutor(2) as pool:
        return [pool.submit(function, row) for row in rows]


def planned(project, config, row, folder):
    path = folder / f"{id(row)}.yaml"
    path.write_text(yaml.safe_dump(changed(config, row), sort_keys=False))
    return plan(project, str(path))


def each(rows):
    names = [
        f"{row.what if isinstance(row.what, str) else row.what.__name__}-{row.to}" for row in rows
    ]
    return pytest.mark.parametrize("number", range(len(rows)), ids=names)


@pytest.fixture(scope="module")
def simulated_plans(finished, tmp_path_factory):
    config = yaml.safe_load((ROOT / "tests/tiny.yaml").read_text(encoding="utf-8"))
    folder = tmp_path_factory.mktemp("changed")
    return in_pairs(lambda row: planned(finished, config, row, folder), SIMULATED)


@each(SIMULATED)
def test_simulated_data(simulated_plans, number):
    assert_exact(simulated_plans[number].result(), SIMULATED[number])


def test_nothing_changed(finished):
    assert not any(plan(finished, "tests/tiny.yaml").values())


@pytest.fixture(scope="module")
def laboratory(finished_laboratory, tmp_path_factory):
    lab = finished_laboratory.copy(tmp_path_factory.mktemp("own") / "a lab")
    write_video_list(lab.table, lab.folder / "lab/list.csv")
    shutil.copytree(lab.folder / "lab", lab.folder / "moved")
    folds = (lab.folder / "results/folds.csv").read_text().replace("participant", "ID")
    (lab.folder / "lab/folds.csv").write_text(folds)
    swapped = folds.replace("1,1", "1,x").replace("2,2", "2,1").replace("1,x", "1,2")
    assert swapped != folds
    (lab.folder / "lab/swapped.csv").write_text(swapped)
    return lab


@pytest.fixture(scope="module")
def own_plans(laboratory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("changed")

    def one(row):
        if isinstance(row.what, str):
            return planned(laboratory, laboratory.config, row, folder)
        lab = laboratory.copy(folder / str(id(row)) / "a lab")
        arguments = row.what(lab, row.to) or []
        lab.write_configuration()
        return plan(lab, "own.yaml", *arguments, **lab.env)

    return in_pairs(one, OWN_DATA)


@each(OWN_DATA)
def test_own_data(own_plans, number):
    assert_exact(own_plans[number].result(), OWN_DATA[number])


def finished_jobs(done):
    """How many jobs of each rule a run has finished."""
    return Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", done.stdout))


def models_of(lab):
    return {path: path.stat().st_mtime_ns for path in lab.folder.rglob("results/**/model.*")}


def test_the_same_content_trains_nothing_and_another_content_trains_what_saw_it(
    laboratory, tmp_path
):
    """A video is packed anew (other bytes, the same frames); then it is really replaced."""
    lab = laboratory.copy(tmp_path / "a lab")
    film, models = lab.video(6), models_of(lab)
    old, packed = film.read_bytes(), film.with_name("packed.avi")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", film, "-c", "copy", "-metadata", "title=x"]
    subprocess.run([*command, packed], check=True, capture_output=True)
    packed.replace(film)
    assert film.read_bytes() != old
    done = lab.snakemake("--cores", "2", config="own.yaml")
    # 6 was held out in fold 1: on the list of all and on that of fold 2's training.
    assert finished_jobs(done) == {
        "extract_frames": 1, "plot_contact_sheet": 1, "list_clips": 2, "all": 1,
    }  # fmt: skip
    assert models_of(lab) == models
    assert not any(plan(lab, "own.yaml").values())

    changes.replace_video(lab, 6)
    done = lab.snakemake("--cores", "2", config="own.yaml")
    assert finished_jobs(done) == {
        "extract_frames": 1, "plot_contact_sheet": 1, "list_clips": 2,
        "train_autoencoder": 1, "train_regressor": 4, "measure_errors": 1, "measure_statistics": 1,
        "make_table1": 1, "describe_run": 1, "plot_learning_curves": 1, "plot_errors": 1,
        "plot_agreement": 1, "all": 1,
    }  # fmt: skip
    assert not any(plan(lab, "own.yaml").values())


def test_changes_that_were_run_and_taken_back_leave_the_results_of_before(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    before, labels = lab.digests(), (lab.folder / "lab/labels.csv").read_bytes()
    changes.add_participant(lab, 7)
    lab.config["autoencoder"]["epochs"] = 3
    lab.write_configuration()
    lab.snakemake("--cores", "2", config="own.yaml")
    during = lab.digests()
    assert during["tables/mae.csv"] != before["tables/mae.csv"] and "frames/7.h5" in during

    next((lab.folder / "lab/videos").glob("7_*")).unlink()
    (lab.folder / "lab/labels.csv").write_bytes(labels)
    lab.config["autoencoder"]["epochs"] = 2
    lab.write_configuration()
    lab.snakemake("--cores", "2", config="own.yaml")
    after = lab.digests()
    remains = {
        "frames/7.h5",
        "frames/7.json",
        "figures/contact_sheets/7.png",
        "splits/folds2_seed0.csv",
    }
    assert {path for path in after if after[path] != before.get(path)} == remains


def test_an_edit_that_changes_no_clip_trains_nothing(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    changes.edit_module(lab, "video/ffmpeg.py")
    done = lab.snakemake("--cores", "2", config="own.yaml")
    assert finished_jobs(done) == {
        "extract_frames": 6, "plot_contact_sheet": 6, "list_clips": 4, "all": 1,
    }  # fmt: skip


def explained(project, *arguments):
    command = [sys.executable, "workflow/explain.py", *arguments]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True)


def test_reasons_are_told_in_the_users_words(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    told = explained(lab, "--configfile", "own.yaml")
    assert told.stdout == "Nothing would rerun: all is up to date.\n"
    lab.config["frames"]["size"] = 96
    lab.config["regressor"]["learning_rate"] = 0.5
    lab.write_configuration()
    changes.add_participant(lab, 7)
    told = explained(lab, "--configfile", "own.yaml", "--jobs")
    lines = told.stdout.splitlines()
    assert lines[0] == (
        "frames.size changed 32 -> 96: 6 frames, 6 contact sheets, 4 lists of clips, "
        "2 autoencoders, 4 regressors, 1 table of errors, 1 table of statistics, 1 Table 1, "
        "1 description of the run, 1 figure of learning curves, 1 figure of errors, "
        "1 figure of agreement, 1 gallery"
    )
    for line in (
        "regressor.learning_rate changed 0.0001 -> 0.5: 4 regressors, 1 table of errors,",
        "samples 7 are new: 1 table of samples, 1 autoencoder, 4 regressors,",
        "not made yet: 1 file of frames",
        "In all: 1 table of samples, 7 frames, 7 contact sheets, 4 lists of clips, 2 autoencoders,",
        "Should the new clips be the same as the old, what is behind them will not rerun.",
        "train_regressor {'input': 'I1', 'target': 'motility', 'fold': '1', 'seed': '0'}",
    ):
        assert any(found.startswith(line) for found in lines), (line, told.stdout)


def test_deleted_clips_are_made_again_for_a_model_that_needs_them(laboratory, tmp_path):
    """Trainings name a list of their clips only."""
    lab = laboratory.copy(tmp_path / "a lab")
    before = lab.digests()
    changes.delete(lab, "frames/3.h5")
    changes.delete(lab, "regressors/I1/motility/fold1/seed0/model.pt")
    done = finished_jobs(lab.snakemake("--cores", "2", config="own.yaml"))
    assert (done["extract_frames"], done["train_regressor"]) == (1, 1)
    assert done["train_autoencoder"] == 0
    assert lab.digests() == before


def test_what_is_explained_is_what_snakemake_plans(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    changes.edit_morphology(lab, 3)
    changes.delete(lab, "figures/gallery.png")
    told = explained(lab, "--configfile", "own.yaml").stdout
    planned = lab.snakemake("-n", "--quiet", "rules", config="own.yaml").stdout
    counts = dict(re.findall(r"^(\w+) +(\d+)$", planned, re.MULTILINE))
    assert counts.pop("all") == "1" and counts.pop("total")
    assert counts == {
        "check_samples": "1", "train_regressor": "2", "measure_errors": "1", "make_table1": "1",
        "measure_statistics": "1", "plot_learning_curves": "1", "plot_errors": "1",
        "describe_run": "1", "plot_agreement": "1", "plot_gallery": "1",
    }  # fmt: skip
    assert told.splitlines()[-1] == (
        "In all: 1 table of samples, 2 regressors, 1 table of errors, 1 table of statistics, "
        "1 Table 1, 1 description of the run, 1 figure of learning curves, 1 figure of errors, "
        "1 figure of agreement, 1 gallery."
    )
    assert "midpiece of samples 3 changed" in told and "missing: results/figures" in told


def test_results_without_any_note_are_not_taken_for_up_to_date(laboratory, tmp_path):
    """As `cp results/*` copies them to another clone: without hidden folders."""
    lab = laboratory.copy(tmp_path / "a lab")
    shutil.rmtree(lab.folder / ".snakemake")
    shutil.rmtree(lab.folder / "results/.metadata")
    told = lab.snakemake("-n", config="own.yaml", check=False)
    assert told.returncode == 1 and "nothing says how these were made, in results: " in told.stdout


def test_explaining_a_mistake_is_explaining_it(laboratory, tmp_path):
    lab = laboratory.copy(tmp_path / "a lab")
    lab.config["frames"]["sice"] = 1
    lab.write_configuration()
    told = explained(lab, "--configfile", "own.yaml")
    assert told.returncode == 1 and "frames.sice: unknown key; did you mean size?" in told.stderr
    assert "Traceback" not in told.stderr


def keys(schema, place=""):
    """All keys of the schema that hold a value; * stands for a name of the user's."""
    parts = {} if schema.get("partial") else dict(schema.get("properties", {}))
    for part in schema.get("patternProperties", {}).values():
        parts["*"] = part
    if not parts and place:
        yield place
    for name, part in parts.items():
        yield from keys(part, f"{place}.{name}" if place else name)


def test_every_key_of_the_configuration_has_a_row():
    schema = yaml.safe_load((ROOT / "config/schema.yaml").read_text(encoding="utf-8"))
    in_rows = {row.what for row in SIMULATED + OWN_DATA}
    for row in SIMULATED + OWN_DATA:
        if isinstance(row.what, str) and row.what.endswith(".*"):
            section = row.what.removesuffix(".*")
            if isinstance(row.to, dict) and section in row.to:
                in_rows |= {f"{section}.{key}" for key in row.to[section]}
    assert len(list(keys(schema))) > 25
    missing = [key for key in keys(schema) if key not in in_rows]
    assert [key for key in missing if not key.startswith("dataset.archive.")] == []


def test_the_docs_show_the_table():
    page = (ROOT / "docs/reruns.md").read_text(encoding="utf-8")
    assert page == staleness.rendered(page), "write it anew: make reruns"
    assert page.count("| `") > 50
