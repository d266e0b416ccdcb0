"""The whole pipeline from simulated videos to Table 1, as docs/reference/formats.md has it."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from support.project import ROOT

INPUTS = {"I1": 1, "I2": 9, "I3": 9, "I4": 18}
TARGETS = {
    "motility": ["progressive", "nonprogressive", "immotile"],
    "morphology": ["head", "midpiece", "tail"],
}
FOLDS = (1, 2)


@pytest.fixture(scope="module")
def results(finished):
    return finished.folder / "results"


@pytest.fixture(scope="module")
def samples(results):
    return pd.read_csv(results / "samples.csv", dtype={"participant": str}).set_index("participant")


def predictions(results, name, target, fold):
    path = results / f"predictions/{name}/{target}/fold{fold}/seed0.csv"
    return pd.read_csv(path, dtype={"participant": str})


def record(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_data_set_has_visems_shape(results, samples):
    videos = sorted(path.name for path in (results / "dataset/videos").iterdir())
    assert len(videos) == len(samples) == 6
    assert any(" " in name for name in videos)
    for participant, row in samples.iterrows():
        assert Path(row["video"]).name.startswith(f"{participant}_")
        assert row["progressive"] + row["nonprogressive"] + row["immotile"] == 100


def test_folds_are_written_and_even(results, samples):
    folds = pd.read_csv(results / "folds.csv", dtype={"participant": str})
    assert dict(zip(folds["participant"], folds["fold"], strict=True)) == dict(samples["fold"])
    assert sorted(folds["fold"]) == [1, 1, 1, 2, 2, 2]


def test_clip_files_hold_clips_and_their_history(results, samples):
    for participant in samples.index:
        with h5py.File(results / f"clips/{participant}.h5") as file:
            clips = file["clips"]
            assert clips.shape == (4, 18, 32, 32) and clips.dtype == np.uint8
            assert clips.attrs["participant"] == participant
            assert clips.attrs["video_frames"] == 30
            assert 10 < clips[:].mean() < 240 and clips[:].std() > 1
            kept = record(results / f"clips/{participant}.json")
            assert kept["content_sha256"] == clips.attrs["content_sha256"]
            assert kept["made"]["settings"] == {
                "clip_length": 18,
                "frames": {
                    "clips_per_video": 4, "size": 32, "resize_mode": "stretch", "frame_rate": 50,
                    "on_frame_rate_mismatch": "error",
                },
            }  # fmt: skip


def test_autoencoders_saw_only_their_training_participants(results, samples):
    for name in INPUTS:
        for fold in FOLDS:
            seen = record(results / f"autoencoders/{name}/fold{fold}/seed0/model.json")
            assert sorted(seen["training"]) == sorted(samples.index[samples["fold"] != fold])
            assert len(seen["diagnostics"]["feature_spread"]) == 3
            run = record(results / f"autoencoders/{name}/fold{fold}/seed0/run.json")
            assert run["threads"] == 1 and run["seconds"] > 0 and run["resumed_at_steps"] == []


def test_feature_images_on_demand_have_the_frames_size(finished, results, samples, tmp_path):
    path = "feature_images/I4/fold1/seed0.h5"
    made = finished.copy(tmp_path / "a copy")
    made.snakemake("--cores", "1", "--", path)
    with h5py.File(made.folder / "results" / path) as file:
        assert sorted(file["features"]) == sorted(samples.index)
        for images in file["features"].values():
            assert images.shape == (4, 3, 32, 32) and images.dtype == np.float32
        made = json.loads(file["features"].attrs["made"])
    weights = record(results / "autoencoders/I4/fold1/seed0/model.json")["weights_sha256"]
    assert made["autoencoder_sha256"] == weights


def test_predictions_are_of_the_held_out_participants(results, samples):
    for name in INPUTS:
        for target, values in TARGETS.items():
            for fold in FOLDS:
                table = predictions(results, name, target, fold)
                assert list(table) == ["participant", "sample", "stack"] + [
                    f"{kind}_{value}" for kind in ("true", "predicted") for value in values
                ]
                held_out = samples.index[samples["fold"] == fold]
                assert sorted(table["participant"]) == sorted(list(held_out) * 4)
                assert np.isfinite(table[[f"predicted_{value}" for value in values]]).all(axis=None)
                for value in values:
                    true = samples.loc[table["participant"], value].to_numpy()
                    assert (table[f"true_{value}"] == true).all()


def test_models_differ_between_folds_and_targets(results):
    digests = [
        record(path)["weights_sha256"] for path in results.glob("regressors/*/*/*/seed0/model.json")
    ]
    assert len(set(digests)) == len(digests) == 16


def test_mae_is_what_the_predictions_say(results, samples):
    mae = pd.read_csv(results / "tables/mae.csv")
    assert list(mae)[:12] == [
        "method", "target", "fold", "seed", "mae_stack", "mae_participant", "zeror_stack",
        "median_stack", "zeror_participant", "median_participant", "n_participants", "n_stacks",
    ]  # fmt: skip
    assert len(mae) == 4 * 2 * 2 and set(mae["pretrained_weights"]) == {"none"}
    for row in mae.to_dict("records"):
        values = TARGETS[row["target"]]
        table = predictions(results, row["method"], row["target"], row["fold"])
        true = table[[f"true_{value}" for value in values]].to_numpy()
        predicted = table[[f"predicted_{value}" for value in values]].to_numpy()
        assert row["mae_stack"] == pytest.approx(np.abs(true - predicted).mean())
        by_participant = (predicted.reshape(3, 4, 3).mean(1), true.reshape(3, 4, 3).mean(1))
        assert row["mae_participant"] == pytest.approx(np.abs(np.subtract(*by_participant)).mean())
        mean = samples.loc[samples["fold"] != row["fold"], values].mean().to_numpy()
        assert row["zeror_stack"] == pytest.approx(np.abs(true - mean).mean())
        assert (row["n_participants"], row["n_stacks"]) == (3, 12)


def test_table1_is_written_and_printed(results, finished):
    table = pd.read_csv(results / "tables/table1.csv")
    assert table["method"].unique().tolist() == ["ZeroR", "median", *INPUTS]
    assert table["motility_paper"].isna().all(), "the data are no VISEM"
    text = (results / "tables/table1.md").read_text(encoding="utf-8")
    assert text in finished.output and "The data are simulated" in text


def test_figures_are_pictures(results):
    for name in ("learning_curves", "gallery", "errors", "agreement"):
        data = (results / f"figures/{name}.png").read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) > 20_000
        assert (results / f"figures/{name}.pdf").read_bytes().startswith(b"%PDF")


def test_everything_says_how_it_was_made(results):
    made = record(results / "tables/mae.json")
    assert len(made["models"]) == 16 and made["libraries"]["pandas"]
    for path in results.glob("*/*/*/seed0/model.json"):
        assert {"settings", "code", "libraries", "training"} <= set(record(path))


def test_the_report_holds_tables_and_pictures_of_the_run(results):
    text = (results / "report.html").read_text(encoding="utf-8")
    [title] = re.findall("<title>(Motilens.*)</title>", text)
    assert re.fullmatch(r"Motilens: tiny\.yaml, \d{4}-\d\d-\d\d, \d+\.\d+\.\d+.*", title)
    assert text.count("data:image/png;") == 4 and text.count("data:image/webp;") == 6
    assert text.count("<circle") == 4 * 2 * 3 * 6, "methods, targets, values, samples"
    assert "The data are simulated" in text and "better than ZeroR by" in text
    assert re.findall("Sample (.), held out", text) == list("123456")
    gains = pd.read_csv(results / "tables/comparisons.csv").query(
        "first == 'I1' and second == 'I4'"
    )
    for gain in gains["difference"]:
        assert f">{-gain:.2f} [" in text, "better than I4 by"


@pytest.fixture(scope="module")
def provenance(finished, tmp_path_factory):
    """As `make report` writes it: of the configuration that nobody names."""
    made = finished.copy(tmp_path_factory.mktemp("report") / "a copy")
    shutil.copy(made.folder / "tiny.yaml", made.folder / "config/config.yaml")
    page = made.folder / "provenance.html"
    command = [sys.executable, "-m", "snakemake", "--report", page]
    done = subprocess.run(command, cwd=made.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return page


def test_snakemakes_own_report_is_one_page_that_needs_no_network(provenance):
    text = provenance.read_text(encoding="utf-8")
    for name in (
        "table1.html",
        "statistics.html",
        "run_summary.html",
        "errors.png",
        "learning_curves.png",
        "gallery.png",
    ):
        assert name in text, name
    loaded = re.findall(r"<(?:script|link|img)\b[^>]*\b(?:src|href)=\"(?!data:|#)([^\"]+)\"", text)
    assert not loaded
    assert text.count("data:image/png;") == 5 + 6  # figures; a sheet for each video


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc here")
def test_snakemake_does_not_wake_itself_more_and_more_often(finished, tmp_path):
    """Each job that ended would leave it a thread more, and a round of its scheduler a second."""
    made = finished.copy(tmp_path / "again")
    command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2"]
    command += ["--forcerun", "plot_contact_sheet", "--", "clips"]
    with subprocess.Popen(command, cwd=made.folder, stderr=subprocess.DEVNULL) as run:
        threads = []
        while run.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                threads.append(len(os.listdir(f"/proc/{run.pid}/task")))
            time.sleep(0.05)
    assert run.returncode == 0
    # Its own, one for each of two jobs, and some to spare.
    assert 2 < max(threads) < 8


def test_methods_of_runs_are_compared_side_by_side(results, finished):
    def compare(*arguments):
        command = [sys.executable, ROOT / "benchmarks/compare.py", "--folds", "1,2", *arguments]
        return subprocess.run(command, cwd=finished.folder, capture_output=True, text=True)

    def mae_of(method, text):
        row = rf"^\| {re.escape(method)} +\| +6 +\| +1 +\| +([\d.]+)"
        [error] = re.findall(row, text, re.MULTILINE)
        return float(error)

    text = compare("results:I4,I1").stdout
    summary = pd.read_csv(results / "tables/statistics.csv").query("level == 'participant'")
    expected = summary.query("target == 'motility' and value == 'all'").set_index("method")["mae"]
    for name in ("I1", "I4"):
        assert mae_of(f"{name} (results)", text) == pytest.approx(expected[name], abs=1e-3)
    text = compare("results:I4+results:I1", "results:I4").stdout
    tables = [predictions(results, name, "motility", k) for k in FOLDS for name in ("I4", "I1")]
    means = [table.groupby("participant").mean() for table in tables]
    mean = pd.concat([(means[k] + means[k + 1]) / 2 for k in (0, 2)])
    errors = mean.filter(regex="^true").to_numpy() - mean.filter(regex="^predicted").to_numpy()
    error = mae_of("I4 (results) + I1 (results)", text)
    assert error == pytest.approx(abs(errors).mean(), abs=1e-3)
    forms = "write folder:method,method or folder:method+folder:method"
    for argument in ("results:I4+results:I1,I2", "results"):
        assert compare(argument).stderr == f"ERROR: {argument}: {forms}\n"
    assert "no predictions of I5, motility, fold 1" in compare("results:I5").stderr
    assert compare("results:I4,I4").stderr == "ERROR: I4 (results) is named twice\n"
