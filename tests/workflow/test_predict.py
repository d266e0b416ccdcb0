"""The models of a finished run predict videos that nobody has labeled."""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from motilens.compute.device import setup_compute
from motilens.core.command_line import run_command_line
from motilens.core.records import read_record
from motilens.inference.batch_files import prediction_to_dict
from motilens.inference.bundle import load_bundle
from motilens.inference.cli import main
from motilens.inference.predictor import predict_videos
from motilens.models.backbones import make_backbone
from motilens.models.regressor import build_regressor
from motilens.motility.kinematics import compute_kinematics
from motilens.motility.label_proportions import LabelProportionModel
from motilens.simulation.render import render_video
from motilens.tracking.trajectories import read_tracks
from motilens.training.model_files import load_model
from motilens.training.regressor import predict_stacks
from motilens.training.stack_dataset import load_stacks
from motilens.video.encode import encode_video
from support.laboratory import TRACKED
from support.project import run_motilens

VALUES = ["progressive", "nonprogressive", "immotile", "head", "midpiece", "tail"]


@pytest.fixture(scope="module")
def lab(finished_laboratory, tmp_path_factory):
    lab = finished_laboratory.copy(tmp_path_factory.mktemp("predict") / "a lab")
    lab.config["inputs"] = {"ours": {"frames": 3, "encoder": "motion"}}
    lab.config["regressor"]["output_activation"] = "bounded"
    lab.config |= TRACKED | {"ensembles": {"both": ["ours", "cells"]}}
    lab.write_configuration()
    bundles = [f"bundles/{method}.pt" for method in ("ours", "cells", "both")]
    lab.snakemake("--cores", "2", "--", *bundles, config="own.yaml")
    return lab


def predict(lab, *arguments, code=0):
    """Call the program in this process: a new one takes seconds to start."""
    output, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        contextlib.chdir(lab.folder),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            run_command_line(lambda: main([str(argument) for argument in arguments]))
            error = 0
        except SystemExit as stop:
            error = stop.code
    output, errors = (stream.buffer.getvalue().decode() for stream in (output, errors))
    assert bool(error) == bool(code), (error, output)
    return SimpleNamespace(stdout=output, stderr=f"{errors}{error}")


@pytest.fixture(scope="module")
def predicted(lab):
    """Two videos of the training, one too dark, one damaged, one too short."""
    folder = lab.folder / "new"
    folder.mkdir()
    for number in (1, 2):
        shutil.copy(lab.video(number), folder / f"{number}.avi")
    encode_video(folder / "dark.avi", np.zeros((30, 480, 640, 3), np.uint8), 50.0)
    (folder / "damaged.avi").write_bytes(lab.video(3).read_bytes()[:5000])
    encode_video(folder / "short.avi", np.zeros((4, 480, 640, 3), np.uint8), 50.0)
    (folder / "notes.txt").write_text("no video")
    done = run_motilens("predict", "results/bundles/ours.pt", "new", cwd=lab.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, lab.folder / "predictions"


@pytest.fixture(scope="module")
def table(predicted):
    return pd.read_csv(predicted[1] / "predictions.csv").set_index("video")


def test_each_video_has_a_row_and_each_usable_one_a_page(predicted, table):
    output, folder = predicted
    assert list(table.index) == [f"new/{n}.avi" for n in ("1", "2", "damaged", "dark", "short")]
    usable = table.loc[["new/1.avi", "new/2.avi"]]
    assert usable[VALUES].notna().all(axis=None) and usable["error"].isna().all()
    assert usable[VALUES[:3]].sum(axis=1).tolist() == pytest.approx([100] * 2, abs=0.01)
    others = table.loc[["new/damaged.avi", "new/dark.avi", "new/short.avi"], VALUES]
    assert others.isna().all(axis=None)
    assert "too few" in table.loc["new/short.avi", "error"]
    pages = {path.name for path in folder.glob("*.png")}
    assert pages == {f"{name}.avi.png" for name in ("1", "2")}
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("<section") == 5 and page.count("<img") == 2
    assert "2 of 5 videos" in output and "not a diagnosis" in output


def test_what_is_unlike_the_training_videos_is_reported(lab, table):
    warnings, of_dark = table.loc["new/1.avi", "warnings"], table.loc["new/dark.avi", "error"]
    assert "models of this bundle were trained on this video: this is no test of them" in warnings
    compared = pd.read_csv(lab.folder / "results/tables/comparisons.csv")
    versus = compared[(compared["first"] == "ZeroR") & (compared["second"] == "ours")]
    assert len(versus) == 2
    for row in versus.itertuples():
        is_certain = row.p_adjusted <= 0.05
        is_better, is_worse = is_certain and row.low > 0, is_certain and row.high < 0
        is_lower = row.difference > 0  # the error, than that of ZeroR
        not_shown = f"{row.target}: not shown to be better than ZeroR (error "
        assert (not_shown in warnings) == (is_lower and not is_better)
        not_better = f"{row.target}: not better than ZeroR (error "
        assert (not_better in warnings) == (not is_lower and not is_worse)
        assert (f"{row.target}: worse than ZeroR (error" in warnings) == is_worse
    assert "held-out participants only" in warnings and "simulated" not in warnings
    assert "no percentages: the field is empty" in of_dark


def read_limit(lab, method, value):
    """The greater limit of agreement, by the table of statistics, for so many participants."""
    table = pd.read_csv(lab.folder / "results/tables/statistics.csv")
    table = table[(table["method"] == method) & (table["level"] == "participant")]
    row, count = table.set_index("value").loc[value], table["participants"].iloc[0]
    half_width = (row["limits_high"] - row["limits_low"]) / 2 / 1.96
    return abs(row["bias"]) + stats.t.ppf(0.975, count - 1) * half_width * np.sqrt(1 + 1 / count)


def test_the_error_beside_each_percentage_is_that_on_held_out_participants(lab, predicted, table):
    output, folder = predicted
    content = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    card = (lab.folder / "results/bundles/ours.md").read_text(encoding="utf-8")
    for value in VALUES:
        limit, percent = read_limit(lab, "ours", value), table.loc["new/1.avi", value]
        assert content[0]["values"][value]["held_out_error"] == pytest.approx(limit)
        assert table.loc["new/1.avi", f"{value}_held_out_error"] == pytest.approx(limit, abs=1e-3)
        assert f"{percent:.0f} ± {limit:.0f} %" in output and f"± {limit:.1f} " in card
    first, *lines = output.splitlines()
    assert first.startswith("WARNING: ") and output.count("held-out participants only") == 1
    names = list(table)
    assert names.index("head_held_out_error") < names.index("head_std_over_stacks")


def test_numbers_are_those_of_all_models(lab, predicted):
    cpu = setup_compute({"device": "cpu"})
    given = json.loads((predicted[1] / "predictions.json").read_text(encoding="utf-8"))[0]
    stacks, _ = load_stacks({"1": str(lab.folder / "results/clips/1.h5")}, 3, cpu)
    outputs = []
    for fold in (1, 2):
        folder = lab.folder / f"results/regressors/ours/morphology/fold{fold}/seed0"
        model, _ = load_model(folder / "model.pt", folder / "model.json", build_regressor)
        outputs.append(predict_stacks(model, stacks))
    outputs = np.array(outputs)
    for place, value in enumerate(VALUES[3:]):
        numbers, of_value = given["values"][value], outputs[..., place]
        assert numbers["percent"] == pytest.approx(of_value.mean(), abs=1e-3)
        assert numbers["std_over_stacks"] == pytest.approx(of_value.mean(0).std(), abs=1e-3)
        assert numbers["std_over_models"] == pytest.approx(of_value.mean(1).std(), abs=1e-3)
    assert given["models"] == 4 and len(given["stacks"]["motility"]) == 4
    assert given["decoded"]["video_frames"] == 30
    digest = json.loads((lab.folder / "results/bundles/ours.json").read_text())["sha256"]
    assert given["bundle_sha256"] == digest


def test_a_few_lines_of_python_are_enough(lab, predicted):
    program = (
        "from motilens.compute.device import setup_compute\n"
        "from motilens.inference.bundle import load_bundle\n"
        "from motilens.inference.batch_files import predictions_table\n"
        "from motilens.inference.predictor import predict_videos\n"
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


def test_mistakes_are_reported_in_one_line(lab, predicted, tmp_path, monkeypatch, capfd):
    """Without a new process for each, which would take 9 s."""
    monkeypatch.chdir(lab.folder)
    content = (lab.folder / "results/bundles/ours.pt").read_bytes()
    damaged, other, older = (tmp_path / f"{name}.pt" for name in ("damaged", "other", "older"))
    damaged.write_bytes(content[:-9] + b"x" + content[-8:])
    older.write_bytes(content.replace(b"bundle 5", b"bundle 4", 1))
    torch.save(make_backbone("resnet18").state_dict(), other)
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ((damaged, "new"), "damaged.pt is damaged"),
        ((other, "new"), "other.pt is no bundle"),
        ((older, "new"), "older.pt was made by another version of Motilens"),
        (("nothing.pt", "new"), "nothing.pt cannot be read"),
        (("results/bundles/ours.pt", "nowhere"), "nowhere: no such file"),
        (("results/bundles/ours.pt", tmp_path / "empty"), "empty holds no videos"),
        (("results/bundles/ours.pt", "new", "--out", "predictions"), "predictions holds predicti"),
    ):
        with pytest.raises(SystemExit) as error:
            run_command_line(lambda given=arguments: main(list(map(str, given))))
        assert error.value.code.startswith("ERROR: ") and message in error.value.code
        assert "\n" not in error.value.code and capfd.readouterr() == ("", "")
    done = predict(lab, "results/bundles/ours.pt", "new/damaged.avi", "--out", tmp_path, code=1)
    assert "0 of 1 videos" in done.stdout


def test_what_is_no_video_stops_no_other(lab, tmp_path):
    folder, video = tmp_path / "odd", lab.video(1)
    folder.mkdir()
    for name in (os.fsdecode(b"lat\xe9in.avi"), "$\\frac{$.avi", "\u044f" * 118 + ".avi"):
        shutil.copy(video, folder / name)
    (folder / "list.avi").write_text(f"ffconcat version 1.0\nfile {video.resolve()}\n")
    os.mkfifo(folder / "pipe.avi")
    (folder / "a folder.avi").mkdir()
    (folder / "._hidden.avi").write_text("of another system")
    predict(lab, "results/bundles/ours.pt", folder, "--out", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/predictions.csv", keep_default_na=False)
    names = table["video"].map(lambda path: path.split("/")[-1])
    errors = dict(zip(names, table["error"], strict=True))
    assert list(errors.values()).count("") == 2, errors
    assert "list of other files" in errors["list.avi"]
    assert "is no file" in errors["pipe.avi"] and "is no file" in errors["a folder.avi"]
    assert "rename it" in errors["lat\\xe9in.avi"]
    assert len(errors) == 6 and len(list((tmp_path / "out").glob("*.png"))) == 2


def test_existing_files_are_not_overwritten(lab, tmp_path):
    video, out = lab.video(1), tmp_path / "out"
    (out / f"{video.name}.png").mkdir(parents=True)
    done = predict(lab, "results/bundles/ours.pt", video, "--out", out)
    assert "WARNING: no page: " in done.stdout
    [row] = pd.read_csv(out / "predictions.csv", keep_default_na=False).to_dict("records")
    assert row["page"] == "" and "is there already" in row["warnings"] and row["head"] != ""
    (out / "predictions.json").unlink()
    done = predict(lab, "results/bundles/ours.pt", video, "--out", out, code=1)
    assert "holds predictions already" in done.stderr


def test_models_whose_outputs_are_not_numbers_predict_nothing(lab, predicted):
    bundle = load_bundle(lab.folder / "results/bundles/ours.pt")
    for member in bundle.members:
        for weights in member.model.parameters():
            weights.data.fill_(float("nan"))
    video = str(lab.folder / "new/1.avi")
    [prediction] = predict_videos(bundle, video, setup_compute({"device": "cpu"}))
    assert "what is not a number" in prediction.error and not prediction.values


def test_methods_that_can_be_bundled_are_named(lab):
    done = lab.snakemake("-n", "--", "bundles/I9.pt", config="own.yaml", check=False)
    assert done.returncode == 1
    assert "I9 cannot be bundled" in done.stdout and ": ours, cells, both" in done.stdout


def test_cells_of_new_videos_are_classified_as_in_the_run(lab, predicted):
    """The mean of both folds' models for a sample, one of which had it held out."""
    done = predict(lab, "results/bundles/cells.pt", "new", "--out", "by cells")
    assert "2 of 5 videos" in done.stdout and "new/dark.avi" in done.stdout
    content = json.loads((lab.folder / "by cells/predictions.json").read_text(encoding="utf-8"))
    first, dark = (next(p for p in content if p["video"] == f"new/{n}.avi") for n in ("1", "dark"))
    assert "the field is empty" in dark["error"] and set(dark["values"].values()) == {None}
    records = [
        read_record(lab.folder / f"results/baselines/cells/motility/fold{fold}/seed0/model.json")
        for fold in (1, 2)
    ]
    cells = compute_kinematics(read_tracks(str(lab.folder / "results/tracks/1.csv.gz")), 50.0)
    assert first["cells"] == len(cells) > 0 and first["models"] == 4
    models = [LabelProportionModel.from_dict(record["fitted"]) for record in records]
    outputs = np.array([model.predict([cells])[0] for model in models])
    for place, value in enumerate(VALUES[:3]):
        assert first["values"][value] == {
            "target": "motility",
            "percent": pytest.approx(outputs[:, place].mean(), abs=1e-6),
            "held_out_error": pytest.approx(read_limit(lab, "cells", value)),
            "std_over_models": pytest.approx(outputs[:, place].std(), abs=1e-6),
            "std_over_stacks": None,
        }
    held_out = next(fold for fold in (1, 2) if "1" in records[fold - 1]["held_out"])
    path = lab.folder / f"results/predictions/cells/motility/fold{held_out}/seed0.csv"
    [row] = pd.read_csv(path).query("sample == 1").to_dict("records")
    assert outputs[held_out - 1] == pytest.approx([row[f"predicted_{v}"] for v in VALUES[:3]])
    card = (lab.folder / "results/bundles/cells.md").read_text(encoding="utf-8")
    assert "track the cells of the first 0.6 s" in card


def test_tracks_are_shown_and_odd_videos_reported(lab):
    bundle, compute = load_bundle(lab.folder / "results/bundles/cells.pt"), setup_compute()
    video = str(lab.video(1))
    [prediction] = predict_videos(bundle, video, compute)
    assert len(prediction.cell_classes) == prediction.n_cells > 0
    assert set(prediction.cell_classes) <= set(VALUES[:3])
    assert prediction.frame.shape == (480, 640)  # of the tracks, not of the clips
    bundle.frames["on_frame_rate_mismatch"] = "resample"
    [prediction] = predict_videos(bundle, video, compute, {"frame_rate": 48.9})
    assert any("has 48.9 frames a second, not 50" in line for line in prediction.warnings)
    assert not any("some are repeated" in line for line in prediction.warnings), "at its own"
    noise = np.random.default_rng(0).integers(98, 103, (30, 480, 640, 1)).astype(np.uint8)
    encode_video(lab.folder / "noise.avi", np.repeat(noise, 3, 3), 50.0)
    encode_video(lab.folder / "still.avi", list(render_video(1, 1, 1)) * 30, 50.0)
    odd = [str(lab.folder / f"{name}.avi") for name in ("noise", "still")]
    noise, still = predict_videos(bundle, odd, compute)
    assert "noise.avi: no percentages: the field is empty" in noise.error, "spots, but no cells"
    assert "still.avi: no percentages: nothing moves" in still.error
    bundle.tracking["min_track_duration"] = 0.8
    [short] = predict_videos(bundle, video, compute)
    assert "too short to track cells: a track has 40 frames or more" in short.error
    assert "there are 30 frames in the first 0.6 s" in short.error


def test_an_ensemble_predicts_the_mean_of_its_members(lab, predicted):
    bundle, *members = (
        load_bundle(lab.folder / f"results/bundles/{name}.pt") for name in ("both", "ours", "cells")
    )
    assert len(bundle.members) == 8 and bundle.tracking == members[1].tracking
    cpu, video = setup_compute({"device": "cpu"}), str(lab.video(1))
    [both], [ours], [cells] = (predict_videos(b, video, cpu) for b in (bundle, *members))
    for value in VALUES:
        percents = [prediction.values[value]["percent"] for prediction in (ours, cells)]
        assert both.values[value]["percent"] == pytest.approx(np.mean(percents), abs=1e-6)
        of_stacks = ours.values[value]["std_over_stacks"] / 2
        assert both.values[value]["std_over_stacks"] == pytest.approx(of_stacks, abs=1e-6)
    assert both.n_cells == cells.n_cells and both.cell_classes == cells.cell_classes
    assert len(prediction_to_dict(both, bundle)["stacks"]["morphology"]) == 4
    card = (lab.folder / "results/bundles/both.md").read_text(encoding="utf-8")
    assert "4 models track the cells" in card and "4 regressors (mobilenet_v3_small" in card
    assert "at 50 frames per second" in card and "at each video's own frame rate" in card
    # What the networks see is resampled, what cells are tracked in is not.
    bundle.frames["on_frame_rate_mismatch"] = "resample"
    [prediction] = predict_videos(bundle, video, cpu, {"frame_rate": 48.9})
    assert prediction.record["video_frame_rate"] == 48.9 and prediction.n_cells == cells.n_cells
    assert any("some are repeated" in line for line in prediction.warnings), prediction.warnings
    done = predict(lab, "results/bundles/both.pt", "new/1.avi", "--out", "of both")
    assert "1 of 1 videos" in done.stdout
