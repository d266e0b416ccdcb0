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
        record: how it was decoded, as with clips (docs/formats.md).
    """

    video: str
    values: dict[str, dict[str, float]] = field(default_factory=dict)
    stacks: dict[str, np.ndarray] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    problem: str | None = None
    frame: np.ndarray | None = None
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
            yield _of_clips(bundle, video, str(clips), record, performance)


def _of_clips(
    bundle: Bundle, video: str, clips: str, record: dict, performance: Performance
) -> Prediction:
    made, warned = Prediction(video, record=record), [record["warning"]]
    warned += appearance.strange(appearance.measure(clips, record), bundle.ranges)
    made.warnings = [text for text in warned if text]
    loaded = {}
    for target in bundle.targets:
        answers = []
        for member in (one for one in bundle.members if one.target == target):
            frames = member.model.frames
            if frames not in loaded:
                loaded[frames], _ = loading.from_files(
                    {"video": clips}, frames, performance, log=lambda line: None
                )
            answers.append(regressor.predict(member.model, loaded[frames]))
        made.stacks[target] = np.array(answers)
    made.values = summed(made.stacks, bundle.targets)
    made.frame = stacks.read_stacks(clips, 1)[0, 0]
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
