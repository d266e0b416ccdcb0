"""Percentages of new videos, by all models of a bundle together."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from motilens import appearance, extraction, loading, regressor, stacks
from motilens.bundle import Bundle
from motilens.performance import Performance
from motilens.samples import MOTILITY
from motilens.video import Damaged


@dataclass
class Prediction:
    """What is said of one video.

    Args:
        values: by percentage, a dict: percent; of_stacks, the standard deviation over its stacks
            (of the models' mean); of_models, that over models (of their mean over stacks).
        stacks: by target, float32 (models, stacks, values), as the models gave them.
        warnings: why to trust it less.
        problem: why there is none; None if there is one.
        frame: a frame of the video, (height, width) uint8.
        moving: standard deviation of the grey levels over the first clip, (height, width).
        record: how it was decoded, as with clips (docs/formats.md).
    """

    video: str
    values: dict[str, dict[str, float]] = field(default_factory=dict)
    stacks: dict[str, np.ndarray] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    problem: str | None = None
    frame: np.ndarray | None = None
    moving: np.ndarray | None = None
    record: dict = field(default_factory=dict)


def predict(
    bundle: Bundle, videos: Iterable[str], performance: Performance, facts: dict | None = None
) -> Iterator[Prediction]:
    """One prediction after the other; a video that cannot be used does not stop the others.

    Args:
        facts: what is known better than by the files: frame_rate (1/s).
    """
    for member in bundle.members:
        performance.place(member.model, regressor.LAYOUT)
    for video in map(str, videos):
        with tempfile.TemporaryDirectory() as folder:
            clips = Path(folder, "clips.h5")
            try:
                record = extraction.extract_clips(video, clips, bundle.frames, "video", facts)
            except (Damaged, OSError) as error:
                yield Prediction(video, problem=str(error))
                continue
            found = stacks.read_clips(str(clips))
        yield _of_clips(bundle, video, found, record, performance)


def _of_clips(
    bundle: Bundle, video: str, clips: np.ndarray, record: dict, performance: Performance
) -> Prediction:
    """Of clips as they lie in a file of frames, uint8 (clips, frames, height, width)."""
    made, warned = Prediction(video, record=record), [record["warning"]]
    warned += appearance.strange(appearance.measure(clips, record), bundle.ranges)
    if any(record["content_sha256"].startswith(digest) for digest in bundle.known):
        warned.append("models of this bundle were trained with this video: no test of them")
    made.warnings = [text for text in warned if text]
    made.frame, made.moving = clips[0, 0], clips[0].std(0)
    for target in bundle.targets:
        members = [one for one in bundle.members if one.target == target]
        made.stacks[target] = np.array(
            [
                regressor.predict(model, loading.in_memory(clips[:, : model.frames], performance))
                for model in (one.model for one in members)
            ]
        )
    made.values = summed(made.stacks, bundle.targets)
    return made


def summed(
    answers: dict[str, np.ndarray], targets: dict[str, list[str]]
) -> dict[str, dict[str, float]]:
    """One percentage for each value, and how far stacks and models differ; see `Prediction`."""
    found = {}
    for target, given in answers.items():
        bounded = given.astype(float).clip(0, 100)
        if set(targets[target]) == set(MOTILITY):  # of all sperm
            total = bounded.sum(-1, keepdims=True)
            bounded = np.where(total > 0, 100 * bounded / np.where(total > 0, total, 1), 100 / 3)
        for place, value in enumerate(targets[target]):
            one = bounded[..., place]
            found[value] = {
                "percent": float(one.mean()),
                "of_stacks": float(one.mean(0).std()),
                "of_models": float(one.mean(1).std()),
            }
    return found


def table(predictions: Iterable[Prediction]) -> pd.DataFrame:
    """A row a video: video, for each value <value>, <value>_of_stacks, <value>_of_models,
    then warnings and problem."""
    rows = []
    for one in predictions:
        row = {"video": one.video}
        for value, numbers in one.values.items():
            row[value] = numbers["percent"]
            row |= {f"{value}_{name}": numbers[name] for name in ("of_stacks", "of_models")}
        rows.append(row | {"warnings": "; ".join(one.warnings), "problem": one.problem or ""})
    made = pd.DataFrame(rows)
    last = ["warnings", "problem"]
    return made[[name for name in made if name not in last] + last]


def as_json(one: Prediction, bundle: Bundle) -> dict:
    """All that is known of a prediction but its pictures, in plain values."""
    return {
        "video": one.video,
        "values": one.values,
        "stacks": {target: given.mean(0).round(3).tolist() for target, given in one.stacks.items()},
        "warnings": one.warnings,
        "problem": one.problem,
        "decoded": one.record,
        "bundle_sha256": bundle.digest,
        "models": len(bundle.members),
    }
