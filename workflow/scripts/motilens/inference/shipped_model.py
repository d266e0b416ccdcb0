"""The model that ships: percentages of motility from the tracks of a video, without a bundle.

It is a JSON file, which benchmarks/fit_shipped_model.py writes. models/ holds one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from motilens.core.errors import InputError
from motilens.core.files import hash_file
from motilens.core.labels import HEAD_MICRONS, MOTILITY
from motilens.core.records import CHECKSUM, make_provenance, short_digest
from motilens.core.text import describe_error
from motilens.inference.cell_table import MIN_RATE
from motilens.inference.domain_shift import (
    TRACKING_FEATURES,
    TRACKING_MARGINS,
    compare_with_ranges,
)
from motilens.inference.predictor import (
    Prediction,
    add_doubts,
    explain_too_few,
    summarize_predictions,
)
from motilens.inference.track_cli import track_file
from motilens.inference.track_folder import OVERLAY, TrackFolder
from motilens.motility.motility_model import MotilityModel
from motilens.tracking.drift import subtract_drift
from motilens.tracking.frame_setup import FrameSetup
from motilens.tracking.quality import LONG_SECONDS, explain_no_sample, is_doubtful
from motilens.tracking.tracker import TrackedVideo
from motilens.tracking.trajectories import TRACKING_WIDTH

SHIPPED_MODEL = Path(__file__).with_name("visem_tracking.json").resolve()  # a link to models/
FORMAT = "Motilens shipped model 1"
LONG_SHARE = 0.25  # of tracks of LONG_SECONDS (SVIA, 1.5 s: 0.5); less is rather noise than cells
SHORTEST = LONG_SECONDS  # of a video that gets percentages


@dataclass(frozen=True)
class ShippedModel:
    """What the file of a shipped model holds; as far as both have it, with the names of `Bundle`.

    Args:
        members: the one model.
        held_out_errors, doubts, warnings: see `Bundle`.
        ranges: of the training videos: the numbers of `measure_video` by name.
        polarity: of the training videos' heads.
        tracking: how cells are tracked: min_score, duration (s).
        digest: SHA-256 of the file.
    """

    members: list[MotilityModel]
    held_out_errors: dict[str, dict[str, float]]
    doubts: dict[str, list[str]]
    warnings: list[str]
    ranges: dict[str, list[float]]
    polarity: str
    tracking: dict[str, float]
    digest: str
    targets: ClassVar[dict[str, list[str]]] = {"motility": list(MOTILITY)}
    uses_only_tracks: ClassVar[bool] = True


def load_shipped_model(path: str | Path = SHIPPED_MODEL) -> ShippedModel:
    """Read the file of a shipped model; its checksum is checked.

    Raises:
        InputError: it is missing, was edited, is damaged, or of another version.
    """
    restore = "restore it (git checkout, or install Motilens again)"
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        made_by = content.pop("format", None) if isinstance(content, dict) else None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {restore}") from error
    except ValueError as error:
        raise InputError(f"{path} is damaged ({describe_error(error)}): {restore}") from error
    if made_by != FORMAT:
        is_other = str(made_by).startswith(FORMAT[:-1])
        what = "is of another version of Motilens" if is_other else "is no model of Motilens"
        raise InputError(f"{path} {what}: {restore}")
    if content.pop(CHECKSUM, None) != short_digest({"format": FORMAT} | content):
        raise InputError(f"{path} was edited: {restore}")
    try:
        names = ("held_out_errors", "doubts", "warnings", "ranges", "polarity", "tracking")
        known = {name: content[name] for name in names}
        return ShippedModel(
            members=[MotilityModel.from_dict(content["model"])], digest=hash_file(path), **known
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be used ({describe_error(error)}): {restore}") from error


def predict_percentages(model: MotilityModel, tracked: TrackedVideo) -> np.ndarray:
    """Return the percentages (3,) of a tracked video.

    Where a scale is given, the tracker makes the length of a head from it: so it counts here, too.
    """
    scale = HEAD_MICRONS / tracked.head_length if tracked.head_length else None
    return model.predict([select_sample(tracked)], [tracked.frame_rate], [scale], [None])[0]


def select_sample(tracked: TrackedVideo) -> pd.DataFrame:
    """Return the tracks of LONG_SECONDS or more, in square pixels, without the stage's drift.

    A pixel is as high as one of the video.
    """
    tracks = tracked.tracks
    seconds = tracks.groupby("cell")["frame"].transform("size") / tracked.frame_rate
    still = subtract_drift(tracks, tracked.drift)
    return tracks.assign(**still * [tracked.pixel_aspect, 1.0])[seconds >= LONG_SECONDS]


def measure_video(tracked: TrackedVideo) -> dict[str, float]:
    """Return how many cells were seen for LONG_SECONDS, and TRACKING_FEATURES."""
    longer_side = max(tracked.width * tracked.pixel_aspect, tracked.height)
    return {
        "cells": select_sample(tracked)["cell"].nunique(),
        "frame_rate": float(tracked.frame_rate),
        "seconds": tracked.frames / tracked.frame_rate,
        "head_length": float(tracked.head_length) * TRACKING_WIDTH / longer_side,
        "heads_per_frame": tracked.quality["cells_per_frame"],
    }


class TrackPredictor:
    """Predicts one video after the other; keeps their tracks in a folder, as `make track` does.

    Args:
        folder: of the tracks. A call that was stopped goes on there.
        code: see `code_versions`.
        facts: what is known better than by the files: frame_rate (1/s), microns_per_pixel.
    """

    def __init__(self, model: ShippedModel, folder: Path, code: dict, facts: dict | None = None):
        facts = {"frame_rate": None, "microns_per_pixel": None} | (facts or {})
        folder.mkdir(parents=True, exist_ok=True)
        tracking = dict(model.tracking)
        self.settings = {"duration": tracking.pop("duration"), "tracking": tracking} | facts
        provenance = make_provenance(code, self.settings | {"model": model.digest})
        self.model, self.folder, self.rows = model, TrackFolder(folder, provenance), []

    def check_use(self, videos: Sequence[Path]) -> None:
        """Check that the folder holds nothing else (InputError)."""
        self.folder.check_use(videos)

    def predict(self, path: Path) -> Prediction:
        """Track a video and predict it; what is wrong with it is the prediction's error.

        Raises:
            InputError, OSError, MemoryError, RuntimeError: the machine is at fault, not the video.
        """
        self.rows.append(track_file(path, self.settings, self.folder, self._describe))
        self.folder.write_summary(self.rows)
        return predict_row(self.model, self.rows[-1], self.folder)

    def _describe(self, tracked: TrackedVideo) -> dict:
        [model] = self.model.members
        return {
            "percentages": predict_percentages(model, tracked).tolist(),
            "measured": measure_video(tracked),
            "problems": tracked.warnings,
            "is_doubtful": is_doubtful(tracked.quality)
            or tracked.quality["long_share"] < LONG_SHARE,
            "no_sample": explain_no_sample(tracked.quality),
            "pixel_aspect": float(tracked.pixel_aspect),
        }


def predict_row(model: ShippedModel, row: dict, folder: TrackFolder) -> Prediction:
    """Return the prediction of a tracked video, by its row of the table of tracks.

    A video that shows no sample of cells gets no percentages, but says why.
    """
    if row["error"]:
        return Prediction(row["video"], error=row["error"])
    measured = row["measured"]
    unlike = describe_differences(model, measured, row["polarity"])
    overlay = folder.list_files(row["name"])[OVERLAY]
    record = measured | {"fingerprint": row["fingerprint"]}
    known = {"n_cells": row["cells"], "record": record, "overlay": overlay}
    if reason := find_refusal(row, unlike):
        error = f"{row['video']}: no percentages: {reason}; its tracks are in {folder.folder}"
        return Prediction(row["video"], error=error, **known)
    [target] = model.targets
    outputs = {target: np.array(row["percentages"])[None, None]}
    prediction = Prediction(
        row["video"],
        values=summarize_predictions(outputs, model.targets, model.held_out_errors),
        outputs=outputs,
        doubts={target: list(model.doubts[target])},
        about_model=list(model.warnings),
        **known,
    )
    add_doubts(prediction, measured["cells"], row["problems"], row["is_doubtful"], unlike)
    for value in prediction.values.values():
        value["std_over_models"] = None  # there is one
    _add_images(prediction, row, folder)
    return prediction


def describe_differences(model: ShippedModel, measured: dict, polarity: str) -> list[str]:
    """Return, in plain words, how a video differs from all of training."""
    lines = compare_with_ranges(measured, model.ranges, TRACKING_FEATURES, TRACKING_MARGINS)
    if polarity != model.polarity:
        lines.append(f"heads are {polarity} (training: {model.polarity})")
    return lines


def find_refusal(row: dict, unlike: list[str]) -> str | None:
    """Return why a tracked video can have no percentages; None if it can.

    Args:
        row: of the table of tracks, with what `TrackPredictor` adds.
        unlike: as of `describe_differences`.
    """
    seconds = row["measured"]["seconds"]
    if seconds < SHORTEST:
        return f"{row['frames']} frames ({seconds:.2g} s) are too few: {SHORTEST:g} s is the least"
    if row["frame_rate"] < MIN_RATE:
        return f"{row['frame_rate']:.3g} frames/s are too few to follow cells"
    if reason := row["no_sample"] or explain_too_few(row["measured"]["cells"]):
        return reason
    if row["is_doubtful"] and unlike:
        return "what was tracked is hardly cells, and the video is unlike those of the training"
    return None


def _add_images(prediction: Prediction, row: dict, folder: TrackFolder) -> None:
    """Add the first frame, and the tracks in its pixels with the categories of the cells."""
    setup = FrameSetup(row["width"], row["height"], row["pixel_aspect"], TRACKING_WIDTH)
    [prediction.frame] = setup.read_frames(prediction.video, np.array([0]))
    files = folder.list_files(row["name"])
    tracks, cells = (pd.read_csv(files[suffix]) for suffix in (".tracks.csv", ".cells.csv"))
    sides = {"width": row["width"], "height": row["height"], "pixel_aspect": row["pixel_aspect"]}
    prediction.record |= {f"video_{name}": value for name, value in sides.items()}
    if row["scale"] == "given":
        prediction.record["microns_per_pixel"] = row["microns_per_pixel"]
    prediction.tracks = tracks.assign(**(tracks[["x", "y"]] + 0.5) * setup.scale - 0.5)
    categories = cells["class"].fillna("")
    prediction.cell_classes = categories.str.replace(".*_progressive", "progressive", regex=True)
    prediction.cell_classes = prediction.cell_classes.tolist()
    prediction.class_source = "WHO's cut-offs"
