"""Real material, where a developer has it beside the project; it is never part of the project."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from motilens.clips.extract import extract_clips
from motilens.clips.hdf5 import read_stacks
from motilens.compute.device import setup_compute
from motilens.core.labels import LABELS, MOTILITY
from motilens.dataset.issues import Issues
from motilens.dataset.participants import sort_by_participant
from motilens.dataset.samples import read_label_rows
from motilens.dataset.splits import make_split
from motilens.evaluation import paper
from motilens.evaluation.metrics import ZERO_R, mae_participant, predict_constant
from motilens.models.regressor import build_regressor
from motilens.training.model_files import load_model
from motilens.training.regressor import predict_stacks
from motilens.training.stack_dataset import stacks_from_array
from motilens.video.probe import probe_video
from support.errors import assert_refused

REAL = Path(__file__).parents[3] / "shared" / "visem"
VIDEO, LABELS_FILE = REAL / "real_phase_contrast_15s.mp4", REAL / "semen_analysis_data.csv"

needs_video = pytest.mark.skipif(not VIDEO.exists(), reason="no real recording beside the project")
needs_labels = pytest.mark.skipif(
    not LABELS_FILE.exists(), reason="no VISEM labels beside the project"
)


@needs_video
def test_a_real_recording_is_decoded_cut_and_predicted(finished, tmp_path):
    video = probe_video(str(VIDEO))
    assert (video.frames, video.width, video.height, video.codec) == (752, 640, 480, "h264")
    assert video.frame_rate == pytest.approx(50.18) and not video.is_uneven
    settings = {
        "size": 32, "resize_mode": "stretch", "clips_per_video": 10, "clip_length": 18,
        "frame_rate": 50, "on_frame_rate_mismatch": "error",
    }  # fmt: skip
    clips = str(tmp_path / "real.h5")
    extract_clips(str(VIDEO), clips, settings, "real")
    models = finished.folder / "results"
    for name in ("I1", "I2", "I3", "I4"):
        folder = models / f"regressors/{name}/motility/fold1/seed0"
        files = str(folder / "model.pt"), str(folder / "model.json")
        model, _ = load_model(*files, build_regressor)
        real = read_stacks(clips, model.frames)
        assert 50 < real.mean() < 150 and real.std() > 3
        predicted = predict_stacks(model, stacks_from_array(real, setup_compute({"device": "cpu"})))
        assert predicted.shape == (10, 3) and np.isfinite(predicted).all()


def real_labels():
    sums = {"tolerance": 0, "on_mismatch": "error"}
    issues = Issues()
    rows = read_label_rows({"labels": str(LABELS_FILE), "motility_sum": sums}, list(LABELS), issues)
    assert issues == Issues()
    return pd.DataFrame(rows).set_index("participant")[list(LABELS)]


@needs_labels
def test_real_labels_and_zero_r():
    table = real_labels()
    assert len(table) == 85
    assert table["progressive"].mean() == pytest.approx(42.67, abs=0.01)
    assert table["head"].std() == pytest.approx(2.87, abs=0.01)
    assert (table[["progressive", "nonprogressive", "immotile"]].sum(axis=1) == 100).all()


@needs_labels
@pytest.mark.parametrize("target", ["motility", "morphology"])
def test_data_of_the_paper_are_known_by_their_labels(target):
    """In any order."""
    rows = {name: {"participant": name} | dict(row) for name, row in real_labels()[::-1].iterrows()}
    assert paper.digest_labels(rows, paper.PAPER_VALUES[target]) == paper.VISEM_LABELS[target]
    del rows["7"]
    assert paper.digest_labels(rows, paper.PAPER_VALUES[target]) != paper.VISEM_LABELS[target]


@needs_labels
@pytest.mark.parametrize(
    "values, expected",
    [(["progressive", "nonprogressive", "immotile"], 12.96), (["head", "midpiece", "tail"], 5.96)],
)
def test_zero_r_of_random_three_fold_splits(values, expected):
    labels = real_labels()
    errors = []
    for seed in range(40):
        order = random.Random(seed).sample(list(labels.index), len(labels))
        for fold in range(3):
            held_out = order[fold::3]
            true = labels.loc[held_out, values].add_prefix("true_").rename_axis("participant")
            table = true.reset_index().assign(sample=held_out, stack=0)
            baseline = predict_constant(table, labels.drop(held_out)[values], ZERO_R)
            errors.append(mae_participant(baseline))
    assert np.mean(errors) == pytest.approx(expected, abs=0.05)


@needs_labels
def test_zero_r_of_our_balanced_split_is_in_the_same_range():
    labels = real_labels()
    table = sort_by_participant(labels.rename_axis("participant").reset_index())
    for seed in range(10):
        split = table["participant"].map(make_split(table, 3, seed))
        values = table[["progressive", "nonprogressive", "immotile"]]
        errors = [
            (values[split == fold] - values[split != fold].mean()).abs().to_numpy().mean()
            for fold in (1, 2, 3)
        ]
        assert 12.6 < np.mean(errors) < 13.1


FAULTS = Path(__file__).parents[3] / "shared" / "faults"
needs_faults = pytest.mark.skipif(not FAULTS.exists(), reason="no inputs that showed faults here")
SETTINGS = {
    "size": 64, "resize_mode": "stretch", "clips_per_video": 5, "clip_length": 9,
    "frame_rate": 50, "on_frame_rate_mismatch": "warn",
}  # fmt: skip


@needs_faults
@pytest.mark.parametrize("name", ["no_colour_table.avi", "twelve_bits_in_sixteen.mkv"])
def test_gray_levels_are_kept(name, tmp_path):
    record = extract_clips(str(FAULTS / name), tmp_path / "clips.h5", SETTINGS, name)
    assert record["gray_levels"] > 100 and record["warning"] == ""


@needs_faults
def test_interlaced_and_changing_videos_are_reported(tmp_path):
    clips = tmp_path / "clips.h5"
    record = extract_clips(str(FAULTS / "interlaced.mkv"), clips, SETTINGS, "1")
    assert record["warning"].startswith("is interlaced")
    for name in ("sizes_change.mkv", "chroma_changes.mkv"):
        assert_refused(
            "change at frame 60", extract_clips, str(FAULTS / name), clips, SETTINGS, "1"
        )


@needs_faults
def test_labels_are_those_that_are_seen():
    sums = {"tolerance": 1, "on_mismatch": "error"}

    def read(name):
        issues = Issues()
        rows = read_label_rows(
            {"labels": str(FAULTS / name), "motility_sum": sums}, MOTILITY, issues
        )
        return [row["participant"] for row in rows], [row["progressive"] for row in rows], issues

    participants, progressive, issues = read("hidden_first.xlsx")
    assert participants[0] == "P1" and progressive[0] == 52 and not issues.errors
    assert read("sep_line.csv")[0][0] == "P1" and read("initials.xlsx")[0][0] == "NA"
    assert read("none.xlsx")[0][:3] == ["None", "nan", "null"]
    for name, text in (("errors.xlsx", "'#N/A'"), ("merged_ids.xlsx", "merged cells A2:A3"),
                       ("footer.xlsx", "a row of means or sums")):  # fmt: skip
        assert text in " ".join(read(name)[2].errors)
