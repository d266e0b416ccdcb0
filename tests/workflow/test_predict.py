"""A finished run's models answer for videos that nobody has labelled."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from support.laboratory import FOLLOWED

from motilens.compute.device import setup_compute
from motilens.core.records import read_record
from motilens.inference.bundle import load_bundle
from motilens.inference.predictor import predict_videos, prediction_to_dict
from motilens.models.backbones import make_backbone
from motilens.simulation.render import render_video
from motilens.tracking.kinematics import compute_kinematics
from motilens.tracking.label_proportions import LabelProportionModel
from motilens.tracking.trajectories import read_tracks
from motilens.training.model_files import load_model
from motilens.training.regressor import predict_stacks
from motilens.training.stack_dataset import load_stacks
from motilens.video.encode import encode_video

VALUES = ["progressive", "nonprogressive", "immotile", "head", "midpiece", "tail"]


@pytest.fixture(scope="module")
def lab(finished_laboratory, tmp_path_factory):
    made = finished_laboratory.copy(tmp_path_factory.mktemp("predict") / "a lab")
    made.config["inputs"] = {"ours": {"frames": 3, "encoder": "motion"}}
    made.config["regressor"]["answer"] = "bounded"
    made.config |= FOLLOWED | {"ensembles": {"both": ["ours", "cells"]}}
    made.write_configuration()
    shutil.rmtree(made.folder / "results/figures")  # of another configuration
    made.snakemake(
        "--cores", "2", "--", "bundle_ours", "bundle_cells", "bundle_both", config="own.yaml"
    )
    return made


def predict(lab, *arguments, code=0):
    command = [sys.executable, "workflow/predict.py", *map(str, arguments)]
    done = subprocess.run(command, cwd=lab.folder, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def predicted(lab):
    """Two videos that are known, one too dark, one damaged, one too short."""
    folder = lab.folder / "new"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.avi").write_bytes(lab.video(number).read_bytes())
    encode_video(folder / "dark.avi", np.zeros((30, 480, 640, 3), np.uint8), 50.0)
    (folder / "damaged.avi").write_bytes(lab.video(3).read_bytes()[:5000])
    encode_video(folder / "short.avi", np.zeros((4, 480, 640, 3), np.uint8), 50.0)
    (folder / "notes.txt").write_text("no video")
    done = predict(lab, "results/bundles/ours.pt", "new", "--out", "answers")
    return done.stdout, lab.folder / "answers"


def test_each_video_has_its_row_and_page(predicted):
    told, answers = predicted
    table = pd.read_csv(answers / "predictions.csv").set_index("video")
    assert list(table.index) == [f"new/{n}.avi" for n in ("1", "2", "damaged", "dark", "short")]
    usable = table.loc[["new/1.avi", "new/2.avi", "new/dark.avi"]]
    assert usable[VALUES].notna().all(axis=None) and usable["problem"].isna().all()
    assert usable[VALUES[:3]].sum(axis=1).tolist() == pytest.approx([100] * 3, abs=0.01)
    assert table.loc[["new/damaged.avi", "new/short.avi"], VALUES].isna().all(axis=None)
    assert "too few" in table.loc["new/short.avi", "problem"]
    assert sorted(path.name for path in answers.glob("*.png")) == [
        "1.avi.png", "2.avi.png", "dark.avi.png",
    ]  # fmt: skip
    assert "3 of 5 videos" in told and "not a diagnosis" in told


def test_what_is_unlike_the_training_videos_is_said(lab, predicted):
    table = pd.read_csv(predicted[1] / "predictions.csv").set_index("video")
    told = table.loc["new/1.avi", "warnings"]
    assert "models of this bundle were trained with this video: no test of them" in told
    compared = pd.read_csv(lab.folder / "results/tables/comparisons.csv")
    versus = compared[(compared["first"] == "ZeroR") & (compared["second"] == "ours")]
    assert len(versus) == 2
    for row in versus.itertuples():
        assert (f"{row.target}: do not rely on it" in told) == (row.low <= 0)
    assert "trained with" not in str(table.loc["new/dark.avi", "warnings"])
    assert "the field is empty" in table.loc["new/dark.avi", "warnings"]
    assert "brightness 0 of white, less than in training" in table.loc["new/dark.avi", "warnings"]


def test_numbers_are_those_of_all_models(lab, predicted):
    cpu = setup_compute({"device": "cpu"})
    given = json.loads((predicted[1] / "predictions.json").read_text(encoding="utf-8"))[0]
    frames = {"1": str(lab.folder / "results/clips/1.h5")}
    answers = []
    for fold in (1, 2):
        folder = lab.folder / f"results/regressors/ours/morphology/fold{fold}/seed0"
        model, _ = load_model(folder / "model.pt", folder / "model.json")
        examples, _ = load_stacks(frames, 3, cpu)
        answers.append(predict_stacks(model, examples))
    answers = np.array(answers)
    for place, value in enumerate(VALUES[3:]):
        found = given["values"][value]
        assert found["percent"] == pytest.approx(answers[..., place].mean(), abs=1e-3)
        assert found["of_stacks"] == pytest.approx(answers[..., place].mean(0).std(), abs=1e-3)
        assert found["of_models"] == pytest.approx(answers[..., place].mean(1).std(), abs=1e-3)
    assert given["models"] == 4 and len(given["stacks"]["motility"]) == 4
    assert given["decoded"]["video_frames"] == 30
    digest = json.loads((lab.folder / "results/bundles/ours.json").read_text())["sha256"]
    assert given["bundle_sha256"] == digest


def test_three_lines_of_python_are_enough(lab, predicted):
    program = (
        "from motilens.compute.device import setup_compute\n"
        "from motilens.inference.bundle import load_bundle\n"
        "from motilens.inference.predictor import predict_videos, predictions_table\n"
        "bundle = load_bundle('results/bundles/ours.pt')\n"
        "predictions = predict_videos(bundle, ['new/1.avi'], setup_compute())\n"
        "print(predictions_table(predictions).to_csv())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=lab.folder, capture_output=True, text=True,
        env={"PYTHONPATH": "workflow/scripts", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0 and "new/1.avi" in done.stdout, done.stderr


def test_the_card_says_what_it_is_for_and_how_well_it_does(lab):
    card = (lab.folder / "results/bundles/ours.md").read_text(encoding="utf-8")
    assert "Not a diagnosis" in card and "6 participants" in card and "ZeroR" in card
    page = (lab.folder / "results/tables/statistics.md").read_text(encoding="utf-8")
    [row] = re.findall(r"ours [^|]*\|([^|]*)\|[^|]*\|([^|]*)\|", page.partition("morphology")[0])
    for interval in row:
        assert interval.strip() in card, "as in the table of statistics"
    assert load_bundle(lab.folder / "results/bundles/ours.pt").card == card


def test_mistakes_are_told_in_a_line(lab, predicted, tmp_path):
    whole = (lab.folder / "results/bundles/ours.pt").read_bytes()
    damaged, other = tmp_path / "damaged.pt", tmp_path / "other.pt"
    damaged.write_bytes(whole[:-9] + b"x" + whole[-8:])
    torch.save(make_backbone("resnet18").state_dict(), other)
    (tmp_path / "empty").mkdir()
    for arguments, told in (
        ((damaged, "new"), "damaged.pt is damaged"),
        ((other, "new"), "other.pt is no bundle"),
        (("nothing.pt", "new"), "nothing.pt cannot be read"),
        (("results/bundles/ours.pt", "nowhere"), "nowhere: no such file"),
        (("results/bundles/ours.pt", tmp_path / "empty"), "empty holds no videos"),
        (("results/bundles/ours.pt", "new", "--out", "answers"), "answers holds predictions"),
        (("results/bundles/ours.pt", "new", "--out", damaged), "damaged.pt: File exists"),
    ):
        done = predict(lab, *arguments, code=1)
        assert done.stderr.startswith("ERROR: ") and told in done.stderr
        assert done.stderr.count("\n") == 1
    done = predict(lab, "results/bundles/ours.pt", "new/damaged.avi", "--out", tmp_path, code=1)
    assert "0 of 1 videos" in done.stdout


def test_what_is_no_video_stops_no_other(lab, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    known = lab.video(1)
    (folder / os.fsdecode(b"lat\xe9in.avi")).write_bytes(known.read_bytes())
    (folder / "$\\frac{$.avi").write_bytes(known.read_bytes())
    (folder / ("\u044f" * 118 + ".avi")).write_bytes(known.read_bytes())
    (folder / "list.avi").write_text(f"ffconcat version 1.0\nfile {known.resolve()}\n")
    os.mkfifo(folder / "pipe.avi")
    (folder / "a folder.avi").mkdir()
    (folder / "._hidden.avi").write_text("of another system")
    predict(lab, "results/bundles/ours.pt", folder, "--out", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/predictions.csv", keep_default_na=False)
    names = table["video"].map(lambda path: path.split("/")[-1])
    problems = dict(zip(names, table["problem"], strict=True))
    assert list(problems.values()).count("") == 2, problems
    assert "list of other files" in problems["list.avi"]
    assert "is no file" in problems["pipe.avi"] and "is no file" in problems["a folder.avi"]
    assert "rename it" in problems["lat\\xe9in.avi"]
    assert len(problems) == 6 and len(list((tmp_path / "out").glob("*.png"))) == 2


def test_what_is_there_is_not_overwritten(lab, tmp_path):
    video, out = lab.video(1), tmp_path / "out"
    (out / f"{video.name}.png").mkdir(parents=True)
    done = predict(lab, "results/bundles/ours.pt", video, "--out", out)
    assert "WARNING: no page: " in done.stdout
    [row] = pd.read_csv(out / "predictions.csv", keep_default_na=False).to_dict("records")
    assert row["page"] == "" and "is there already" in row["warnings"] and row["head"] != ""
    (out / "predictions.json").unlink()
    done = predict(lab, "results/bundles/ours.pt", video, "--out", out, code=1)
    assert "holds predictions already" in done.stderr


def test_models_that_answer_no_numbers_predict_nothing(lab, predicted):
    models = load_bundle(lab.folder / "results/bundles/ours.pt")
    for member in models.members:
        for weights in member.model.parameters():
            weights.data.fill_(float("nan"))
    video = str(lab.folder / "new/1.avi")
    (found,) = predict_videos(models, video, setup_compute({"device": "cpu"}))
    assert "what is no number" in found.problem and not found.values


def test_what_is_not_there_is_told_in_our_words(lab):
    done = lab.snakemake("-n", "--", "bundle_I9", config="own.yaml", check=False)
    assert (
        done.returncode == 1 and "can be bundled; there are ours, cells, both (make" in done.stdout
    )
    done = lab.snakemake("--report", "report.html", config="own.yaml", check=False)
    assert done.returncode == 1 and "results holds no finished run to report on" in done.stdout


def test_cells_are_counted_in_new_videos_as_in_the_run(lab, predicted):
    """The mean of what both folds' models say of a sample, one of which had it held out."""
    done = predict(lab, "results/bundles/cells.pt", "new", "--out", "counted")
    assert "2 of 5 videos" in done.stdout and "new/dark.avi" in done.stdout
    given = json.loads((lab.folder / "counted/predictions.json").read_text(encoding="utf-8"))
    one, dark = (next(p for p in given if p["video"] == f"new/{n}.avi") for n in ("1", "dark"))
    model = "cells/motility"
    records = [
        read_record(lab.folder / f"results/baselines/{model}/fold{fold}/seed0/model.json")
        for fold in (1, 2)
    ]
    paths = read_tracks(str(lab.folder / "results/tracks/1.csv.gz"))
    cells = compute_kinematics(paths, 50.0)
    assert one["cells"] == len(cells) > 0 and one["models"] == 4
    kinds = [LabelProportionModel.restored(record["fitted"]) for record in records]
    answers = np.array([kind.percentages([cells])[0] for kind in kinds])
    for place, value in enumerate(VALUES[:3]):
        assert one["values"][value]["percent"] == pytest.approx(answers[:, place].mean(), abs=1e-6)
        assert one["values"][value]["of_models"] == pytest.approx(answers[:, place].std(), abs=1e-6)
        assert one["values"][value]["of_stacks"] is None
    held_out = next(fold for fold in (1, 2) if "1" in records[fold - 1]["held_out"])
    table = pd.read_csv(
        lab.folder / f"results/predictions/{model}/fold{held_out}/seed0.csv",
        dtype={"sample": str},
    )
    [row] = table[table["sample"] == "1"].to_dict("records")
    assert answers[held_out - 1] == pytest.approx([row[f"predicted_{v}"] for v in VALUES[:3]])
    whole = load_bundle(lab.folder / "results/bundles/cells.pt")
    [again] = predict_videos(whole, str(lab.video(1)), setup_compute())
    assert len(again.kinds) == len(cells) and set(again.kinds) <= set(VALUES[:3])
    assert again.frame.shape == (480, 640)  # of the paths, not of the clips
    assert "dark.avi: the field is empty" in dark["problem"] and not dark["values"]
    whole.frames["other_frame_rate"] = "resample"
    [other] = predict_videos(whole, str(lab.video(1)), setup_compute(), {"frame_rate": 48.9})
    assert any("has 48.9 frames a second, not 50" in line for line in other.warnings), other
    assert not any("shown twice" in line for line in other.warnings), "cells are not resampled"
    noise = np.random.default_rng(0).integers(98, 103, (30, 480, 640, 1)).astype(np.uint8)
    encode_video(lab.folder / "noise.avi", np.repeat(noise, 3, 3), 50.0)
    encode_video(lab.folder / "still.avi", list(render_video(1, 1, 1)) * 30, 50.0)
    odd = [str(lab.folder / f"{name}.avi") for name in ("noise", "still")]
    noise, still = predict_videos(whole, odd, setup_compute())
    assert "noise.avi: the field is empty" in noise.problem, "its spots are no cells"
    assert any("next to nothing moves" in line for line in still.warnings) and still.cells
    whole.tracks["shortest"] = 40
    [short] = predict_videos(whole, str(lab.video(1)), setup_compute())
    assert "too short to follow cells: a path has 40 frames or more" in short.problem
    assert "there are 30 frames in the first 0.6 s" in short.problem
    card = (lab.folder / "results/bundles/cells.md").read_text(encoding="utf-8")
    assert "follow the cells of the first 0.6 s" in card


def test_an_ensemble_answers_the_mean_of_its_members(lab, predicted):
    whole, *parts = (
        load_bundle(lab.folder / f"results/bundles/{name}.pt") for name in ("both", "ours", "cells")
    )
    assert len(whole.members) == 8 and whole.tracks == parts[1].tracks
    cpu, video = setup_compute({"device": "cpu"}), str(lab.video(1))
    [both], [ours], [cells] = (predict_videos(one, video, cpu) for one in (whole, *parts))
    for value in VALUES:
        members = [one.values[value]["percent"] for one in (ours, cells)]
        assert both.values[value]["percent"] == pytest.approx(np.mean(members), abs=1e-6)
        assert both.values[value]["of_stacks"] == pytest.approx(
            ours.values[value]["of_stacks"] / 2, abs=1e-6
        )
    assert both.cells == cells.cells and both.kinds == cells.kinds
    assert len(prediction_to_dict(both, whole)["stacks"]["morphology"]) == 4
    card = (lab.folder / "results/bundles/both.md").read_text(encoding="utf-8")
    assert "4 models follow the cells" in card and "4 regressors (mobilenet_v3_small" in card
    assert "at 50 frames per second" in card and "at each video's own frame rate" in card
    # What the networks see is resampled, what cells are followed in is not.
    whole.frames["other_frame_rate"] = "resample"
    [other] = predict_videos(whole, video, cpu, {"frame_rate": 48.9})
    assert other.record["video_frame_rate"] == 48.9 and other.cells == cells.cells
    assert any("shown twice" in line for line in other.warnings), other.warnings
    done = predict(lab, "results/bundles/both.pt", "new/1.avi", "--out", "of both")
    assert "1 of 1 videos" in done.stdout
