"""Percentages of new videos, by all models of a bundle together."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from motilens.clips.extract import extract_clips
from motilens.clips.hdf5 import read_clips
from motilens.compute.device import ComputeSettings
from motilens.core.labels import MOTILITY
from motilens.core.text import to_printable
from motilens.inference.bundle import Bundle
from motilens.inference.domain_shift import (
    EMPTY_FIELD,
    describe_out_of_range,
    is_empty_field,
    measure_appearance,
)
from motilens.tracking.kinematics import compute_kinematics
from motilens.tracking.trajectories import (
    count_first_frames,
    explain_no_tracks,
    track_first_seconds,
)
from motilens.training.regressor import REGRESSOR_LAYOUT, predict_stacks
from motilens.training.stack_dataset import stacks_from_array
from motilens.video.ffmpeg import DamagedVideo

MIN_CELLS = 10  # cells: fewer are no sample of a population


@dataclass
class Prediction:
    """What is said of one video.

    Args:
        values: by percentage, a dict: percent; of_stacks, the standard deviation over its stacks
            (of the models' mean; None of a single one); of_models, that over models (of their mean
            over stacks).
        stacks: by target, (models, stacks, values), within bounds (see `within_bounds`).
        warnings: why to trust it less.
        problem: why there is none; None if there is one.
        frame: a frame of the video, (height, width) uint8; with `paths`, in their pixels.
        moving: standard deviation of the grey levels over the first clip, (height, width).
        cells: how many were followed, if models answer for these.
        paths: theirs, see `tracks.follow`, and `kinds`, which percentage each cell is taken for, if
            these add up to 100.
        record: how it was decoded, as with clips (docs/formats.md).
        page: the file that shows it, if there is one.
    """

    video: str
    values: dict[str, dict[str, float]] = field(default_factory=dict)
    stacks: dict[str, np.ndarray] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    problem: str | None = None
    frame: np.ndarray | None = None
    moving: np.ndarray | None = None
    cells: int | None = None
    paths: pd.DataFrame | None = None
    kinds: list[str] = field(default_factory=list)
    record: dict = field(default_factory=dict)
    page: str | None = None


def predict_videos(
    bundle: Bundle, videos: Iterable[str], performance: ComputeSettings, facts: dict | None = None
) -> Iterator[Prediction]:
    """One prediction after the other; a video that cannot be used does not stop the others.

    Args:
        facts: what is known better than by the files: frame_rate (1/s).
    """
    for member in bundle.members:
        if not member.of_cells:
            performance.place(member.model, REGRESSOR_LAYOUT)
    for path in [videos] if isinstance(videos, str | Path) else videos:
        video = to_printable(path)
        if not Path(path).is_file():
            yield Prediction(video, problem=f"{video} is no file")
            continue
        if video != str(path):
            yield Prediction(video, problem=f"{video}: its name is no UTF-8 text: rename it")
            continue
        try:
            yield _predict_video(bundle, str(path), performance, facts)
        except (DamagedVideo, OSError) as error:
            yield Prediction(video, problem=to_printable(error))
        except Exception as error:  # of one video: the others should not be lost by it
            unforeseen = f"{type(error).__name__}: {to_printable(error)}"
            yield Prediction(
                video, problem=f"{video}: not foreseen, please report it: {unforeseen}"
            )


def _predict_video(
    bundle: Bundle, path: str, performance: ComputeSettings, facts: dict | None
) -> Prediction:
    followed = None
    with tempfile.TemporaryDirectory() as folder:
        clips, settings = Path(folder, "clips.h5"), bundle.frames
        if bundle.of_cells and settings["other_frame_rate"] == "resample":
            settings = settings | {"other_frame_rate": "warn"}  # cells are followed frame by frame
        record = extract_clips(path, clips, settings, "video", facts)
        found = read_clips(str(clips))
    measured = measure_appearance(found, record)
    if bundle.tracks:
        # Before noise is followed as if it were cells.
        if is_empty_field(measured, bundle.ranges):
            raise DamagedVideo(f"{path}: {EMPTY_FIELD}: what moves there is noise")
        rate = (facts or {}).get("frame_rate")
        followed = track_first_seconds(path, bundle.tracks, rate)
        if followed[0].empty:
            frames = count_first_frames(path, bundle.tracks["seconds"], rate)
            why = explain_no_tracks(frames, bundle.tracks)
            raise DamagedVideo(f"{path}: {why}: so nothing can be said of it")
    return _predict_clips(bundle, path, found, measured, followed, record, performance)


def _predict_clips(
    bundle: Bundle,
    video: str,
    clips: np.ndarray,
    measured: dict[str, float],
    followed: tuple[pd.DataFrame, np.ndarray] | None,
    record: dict,
    performance: ComputeSettings,
) -> Prediction:
    """Of one video.

    Args:
        clips: as they lie in a file of frames, uint8 (clips, frames, height, width).
        measured: as of `appearance.measure`.
        followed: as of `tracks.follow`, if models answer for cells.
        record: how it was decoded.
    """
    made, warned = Prediction(video, record=record), [record["warning"]]
    warned += describe_out_of_range(measured, bundle.ranges)
    if record["content_sha256"][:16] in bundle.known:
        warned.append("models of this bundle were trained with this video: no test of them")
    made.frame, made.moving = clips[0, 0], clips[0].std(0)
    if followed:
        made.paths, made.frame = followed
        cells = compute_kinematics(made.paths, record["video_frame_rate"])
        made.cells = len(cells)
        if made.cells < MIN_CELLS:
            warned.append(
                f"fewer than {MIN_CELLS} cells ({made.cells}) are no sample of a population"
            )
    for target in bundle.targets:
        members = [one for one in bundle.members if one.target == target]
        answers = stack_predictions(
            [
                one.model.percentages([cells])
                if one.of_cells
                else predict_stacks(
                    one.model, stacks_from_array(clips[:, : one.model.frames], performance)
                )
                for one in members
            ]
        )
        if not np.isfinite(answers).all():
            made.problem = f"models of {target} answer what is no number: make the bundle anew"
            return made
        judges = [one.model for one in members if one.of_cells and one.model.whole]
        if judges:
            likely = np.mean([one.of(cells) for one in judges], 0).argmax(1)
            made.kinds = [bundle.targets[target][place] for place in likely]
        made.stacks[target], empty = clip_and_normalize(answers, bundle.targets[target])
        if target in bundle.no_better:
            warned.append(
                f"{target}: do not rely on it: on participants that were held out, these models "
                "are not for certain better than ZeroR, which always answers the training mean"
            )
        if empty:
            warned.append(
                f"{target}: {empty:.0%} of all answers are 0 or below: taken as all alike"
            )
    made.warnings = [text for text in warned if text]
    made.values = summarize_predictions(made.stacks, bundle.targets)
    return made


def stack_predictions(answers: list[np.ndarray]) -> np.ndarray:
    """Answers of models, each (stacks, values), as one array (models, stacks, values).

    What a model says of a whole video, one stack, it says of each.
    """
    most = max(map(len, answers))
    return np.array([np.broadcast_to(one, (most, one.shape[1])) for one in answers])


def clip_and_normalize(answers: np.ndarray, values: list[str]) -> tuple[np.ndarray, float]:
    """Answers (models, stacks, values) between 0 and 100; the three of motility add up to 100.

    Returns:
        They, and the share of stacks of which motility is 0 altogether, so that nothing is known.
    """
    bounded = answers.astype(float).clip(0, 100)
    if set(values) != set(MOTILITY):
        return bounded, 0.0
    total = bounded.sum(-1, keepdims=True)
    known = total > 0
    shares = np.where(known, 100 * bounded / np.where(known, total, 1), 100 / len(values))
    return shares, 1 - float(known.mean())


def summarize_predictions(
    answers: dict[str, np.ndarray], targets: dict[str, list[str]]
) -> dict[str, dict[str, float]]:
    """One percentage for each value, and how far stacks and models differ; see `Prediction`.

    A value that two targets have is called by both.
    """
    names = [value for values in targets.values() for value in values]
    found = {}
    for target, given in answers.items():
        for place, value in enumerate(targets[target]):
            one = given[..., place]
            found[value if names.count(value) == 1 else f"{value} ({target})"] = {
                "percent": float(one.mean()),
                "of_stacks": float(one.mean(0).std()) if one.shape[1] > 1 else None,
                "of_models": float(one.mean(1).std()),
            }
    return found


def predictions_table(predictions: Iterable[Prediction]) -> pd.DataFrame:
    """A row a video: video, for each value <value>, <value>_of_stacks, <value>_of_models,
    then warnings, problem and page."""
    last = ["warnings", "problem", "page"]
    rows = [{"video": None} | dict.fromkeys(last, "")]  # the columns, if there is none
    for one in predictions:
        row = {"video": one.video}
        for value, numbers in one.values.items():
            row[value] = numbers["percent"]
            row |= {f"{value}_{name}": numbers[name] for name in ("of_stacks", "of_models")}
        row |= {"warnings": "; ".join(one.warnings), "problem": one.problem or ""}
        rows.append(row | {"page": one.page or ""})
    made = pd.DataFrame(rows).iloc[1:]
    return made[[name for name in made if name not in last] + last]


def prediction_to_dict(one: Prediction, bundle: Bundle) -> dict:
    """All that is known of a prediction but its pictures, in plain values."""
    return {
        "video": one.video,
        "values": one.values,
        "stacks": {
            target: given.mean(0).round(3).tolist()
            for target, given in one.stacks.items()
            if not bundle.of_cells
        },
        "cells": one.cells,
        "warnings": one.warnings,
        "problem": one.problem,
        "page": one.page,
        "decoded": one.record,
        "bundle_sha256": bundle.digest,
        "models": len(bundle.members),
    }
