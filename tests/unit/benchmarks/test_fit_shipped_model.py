"""The command that fits the model that ships, on a made-up folder."""

import fit_shipped_model
import numpy as np
import pandas as pd
import pytest
import real_participants

from motilens.core.errors import InputError
from motilens.inference.shipped_model import load_shipped_model
from support.tracks import make_tracked_video, straight_track

SPEEDS = [0.1, 0.5, 1.0, 2.0, 3.0, 0.3]  # pixels/frame


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Six participants of the layout of VISEM-Tracking, two with videos."""
    immotile = np.array([80.0, 60, 40, 20, 10, 70])
    people = {"progressive": (90 - immotile), "nonprogressive": 10.0, "immotile": immotile}
    table = pd.DataFrame({"participant": ["07", *"23456"]} | people)
    table.to_csv(tmp_path / "participants.csv", index=False)
    for name, speed in zip(table["participant"], SPEEDS, strict=True):
        tracks = pd.concat(straight_track(speed, 1500, cell) for cell in range(6))
        tracks = tracks.rename(columns={"cell": "track_id", "x": "x_px", "y": "y_px"})
        tracks.to_csv(tmp_path / f"tracks_{name}.csv.gz", index=False)
    for name in ("07", "4"):
        (tmp_path / f"visem_{name}.mp4").touch()
    quality = {"cells_per_frame": 6.0, "cells": 6, "estimated_precision": 0.9, "roundness": 0.7}
    video = make_tracked_video(straight_track(1, 500), 500, head_length=13.0, quality=quality)
    monkeypatch.setattr(fit_shipped_model, "track_video", lambda *_, detector: video)
    monkeypatch.setattr(fit_shipped_model, "load_network", lambda *_: None)
    monkeypatch.setattr(real_participants, "probe_video", lambda _: real_participants.UNKNOWN_VIDEO)
    return tmp_path


def call(monkeypatch, folder, out):
    monkeypatch.setattr(
        "sys.argv", ["x", str(folder), "--networks", "nets", "--out", str(folder / out)]
    )
    fit_shipped_model.main()
    return folder / f"{out}.json", folder / f"{out}.md"


def test_the_same_folder_gives_the_same_model_and_card(folder, monkeypatch):
    files = [call(monkeypatch, folder, out) for out in ("one", "two")]
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
    model, card = load_shipped_model(files[0][0]), files[0][1].read_text(encoding="utf-8")
    assert model.ranges["heads_per_frame"] == [6, 6] and model.ranges["frame_rate"] == [49, 49]
    assert "6 participants of VISEM-Tracking" in card and "| 07 " in card and "{" not in card
    assert "fitted on 6 participants of one laboratory" in model.warnings[0]
    assert max(map(len, card.splitlines())) < 200


def test_a_left_out_participant_has_no_influence_on_its_own_prediction(folder):
    people = fit_shipped_model.read_participants(folder)
    others = fit_shipped_model.fit_model(people[1:])
    changed = fit_shipped_model.read_participants(folder)
    changed[0].percentages[:] = [0, 0, 100]
    again = fit_shipped_model.fit_model(changed[1:])
    assert others.to_dict() == again.to_dict()
    table = fit_shipped_model.make_long_table(people, [p.percentages for p in people])
    zero_r = table[(table["method"] == "ZeroR") & (table["value"] == "immotile")]
    assert zero_r["predicted"].iloc[0] == pytest.approx(np.mean([60, 40, 20, 10, 70]))


def test_a_folder_without_its_files_is_reported(folder, monkeypatch):
    for name in ("07", "4"):
        (folder / f"visem_{name}.mp4").unlink()
    with pytest.raises(InputError, match="holds no video"):
        call(monkeypatch, folder, "out")
    (folder / "participants.csv").unlink()
    with pytest.raises(InputError, match="holds none of participants.csv"):
        call(monkeypatch, folder, "out")
