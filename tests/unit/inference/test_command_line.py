"""Names of videos reach the program as they are."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from motilens.inference.cli import find_newer_run, parse_arguments
from support.configs import ROOT

NAMES = [
    "-y.avi", "--out.avi", "-h.avi", "a b.avi", "it's.avi", 'd"q.avi', "do$llar.avi", "100%.avi",
    "%d.avi", "semi;colon.avi", "$(touch x).avi", "pa)ren(.avi", "b`tick.avi", "b\\slash.avi",
    "#.avi", "*.avi", "c,omma.avi",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A clone's Makefile, with a program that prints its arguments, a line each."""
    (tmp_path / ".venv").mkdir()
    library = tmp_path / "workflow/scripts/motilens"
    library.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "setup.sh", ".venv/ready", *NAMES):
        (tmp_path / name).touch()
    program = "import sys\nprint(*sys.argv[{}:], sep='\\n')\n"
    (tmp_path / "workflow/new_config.py").write_text(program.format(1))
    (library / "__main__.py").write_text(program.format(2))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call_make(target, **variables):
    command = ["make", "-s", target, *(f"{name}={text}" for name, text in variables.items())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    options, videos = done.stdout.split("--\n")
    return options, videos.splitlines()


def test_make_passes_any_name_and_several_names(folder):
    for name in NAMES:
        assert call_make("predict", VIDEOS=name) == ("--out=predictions\n", [name])
    assert not os.path.exists("x")
    several = call_make("predict", VIDEOS="-y.avi 'a b.avi' 100*", OUT="it's", BUNDLE="-b'.pt")
    assert several == ("--model=-b'.pt\n--out=it's\n", ["-y.avi", "a b.avi", "100%.avi"])
    assert call_make("predict", VIDEOS="isn't there")[1] == ["isn't there"]


def test_make_predict_takes_the_model_that_ships_unless_another_is_named(folder):
    options, _ = call_make("predict", VIDEOS="a b.avi", METHOD="I4", FRAME_RATE="50")
    words = "--frame-rate 50 --model=results/bundles/I4.pt --out=predictions"
    assert options.split() == words.split()
    options, _ = call_make("predict", VIDEOS="a b.avi", MICRONS_PER_PIXEL="0.5")
    assert options.split() == ["--microns-per-pixel", "0.5", "--out=predictions"]
    for wrong in ("MODEL=b.pt", "CONFIG=own.yaml"):
        done = subprocess.run(
            ["make", "-s", "predict", "VIDEOS=x", wrong], capture_output=True, text=True
        )
        assert done.returncode and "BUNDLE=" in done.stderr


def test_make_track_passes_the_same_names_and_what_is_known_of_the_videos(folder):
    for name in NAMES:
        assert call_make("track", VIDEOS=name) == ("--out=tracks\n", [name])
    assert not os.path.exists("x")
    known = {"FRAME_RATE": "50", "MICRONS_PER_PIXEL": "0.5", "DURATION": "3", "CONFIG": "it's.yaml"}
    options, videos = call_make("track", VIDEOS="-y.avi 'a b.avi'", OUT="it's", **known)
    words = "--frame-rate 50 --microns-per-pixel 0.5 --duration 3 --config it's.yaml --out=it's"
    assert options.split() == words.split() and videos == ["-y.avi", "a b.avi"]
    done = subprocess.run(["make", "-s", "track"], capture_output=True, text=True)
    assert done.returncode and "make track VIDEOS=folder" in done.stderr


def test_make_new_passes_any_name(folder):
    call = ["make", "-s", "new", "TABLE=it's $.xlsx"]
    for name in NAMES:
        done = subprocess.run([*call, f"VIDEOS={name}"], capture_output=True, text=True)
        options = [f"--videos={name}", "--table=it's $.xlsx", "--out=my_study.yaml"]
        assert done.stdout.splitlines() == options
    done = subprocess.run([*call, "OUT=it's.yaml"], capture_output=True, text=True)
    assert done.stdout.splitlines()[2] == "--out=it's.yaml"


def test_make_demo_has_its_own_configuration(folder):
    done = subprocess.run(
        ["make", "-s", "demo", "CONFIG=it's.yaml"], capture_output=True, text=True
    )
    assert done.returncode and "the demo is config/config.yaml" in done.stderr


def test_make_help_has_a_line_for_each_target(folder):
    done = subprocess.run(["make", "-s", "help"], capture_output=True, text=True)
    phony = re.search(r"^\.PHONY: (.*)$", Path("Makefile").read_text(), re.MULTILINE)[1].split()
    assert [line.split()[1] for line in done.stdout.splitlines()] == phony
    assert all(re.match(r"make [a-z-]+ +[a-z]+ ", line) for line in done.stdout.splitlines())
    first = subprocess.run(["make", "-n"], capture_output=True, text=True)
    assert "snakemake --cores all" in first.stdout, "`make` is `make demo`, as before"


def test_a_file_that_begins_with_a_dash_is_no_option(folder):
    options = parse_arguments(["-y.avi", "--out.avi", "-h.avi", "--out=-o"])
    assert list(map(str, options.videos)) == ["-y.avi", "--out.avi", "-h.avi"]
    with pytest.raises(SystemExit):
        parse_arguments(["bundle.pt", "-missing.avi"])


def test_a_bundle_that_is_older_than_its_run_is_named(tmp_path):
    for name in ("bundles/I4.pt", "tables/statistics.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    bundle, table = tmp_path / "bundles/I4.pt", tmp_path / "tables/statistics.csv"
    os.utime(table, (1e9, 1e9))
    assert find_newer_run(bundle) == [] == find_newer_run(tmp_path / "copied.pt")
    os.utime(bundle, (1e9 - 1, 1e9 - 1))
    [line] = find_newer_run(bundle)
    assert line.endswith("I4.pt: the run went on since it was made: make the bundle again")


def test_a_method_beside_a_bundle_is_refused(folder):
    command = ["make", "-s", "predict", "VIDEOS=x", "METHOD=I4", "BUNDLE=b.pt"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "METHOD or BUNDLE, not both" in done.stderr
