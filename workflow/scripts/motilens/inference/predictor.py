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
    describe_out_of_range,
    explain_no_answer,
    measure_appearance,
)
from motilens.inference.new_videos import check_video_file, explain_failure
from motilens.motility.kinematics import compute_kinematics
from motilens.tracking.quality import explain_no_sample, is_doubtful
from motilens.tracking.tracker import explain_no_tracks, track_first_seconds, track_video
from motilens.tracking.trajectories import count_first_frames
from motilens.training.regressor import CHANNELS_LAST, predict_stacks
from motilens.training.stack_dataset import stacks_from_array
from motilens.video.ffmpeg import DamagedVideo

MIN_CELLS = 10  # fewer are no sample of a population
CHECK_SETTINGS, CHECK_SECONDS = {"min_score": 0.5}, 2.0  # of what networks predict
FEWEST_CELLS = 5  # fewer get no percentages; the smallest sample of VISEM-Tracking has 7


@dataclass
class Prediction:
    """What is predicted for one video.

    Args:
        video: its path, as printable text.
        values: by percentage, a dict: target; percent; held_out_error, within which 95 % of errors
            are expected (±); std_over_stacks, the standard deviation over its stacks (of the
            models' mean; None for a single one); std_over_models, that over models (of their mean
            over stacks).
        outputs: by target, (models, stacks, values), see `clip_and_normalize`.
        doubts: by target, why not to rely on its percentages, in a few words, first those of the
            bundle.
        warnings: what is wrong with this video, the worst first.
        about_model: what is wrong with all predictions of its model.
        error: why there is no prediction; None if there is one.
        frame: a frame of the video, (height, width) uint8; with `tracks`, in their pixels.
        motion: standard deviation of the gray levels over the first clip, (height, width).
        n_cells: how many were tracked, if models use tracks.
        tracks: of the cells, see `track_first_seconds`.
        cell_classes: which percentage each cell is counted for, if these add up to 100; "" if it
            is not known.
        class_source: what made these classes, in a few words.
        record: of its decoding, as with clips.
        page: name of the file that shows it.
        overlay: the file that shows its tracks as a video.
    """

    video: str
    values: dict[str, dict[str, float]] = field(default_factory=dict)
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    doubts: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    about_model: list[str] = field(default_factory=list)
    error: str | None = None
    frame: np.ndarray | None = None
    motion: np.ndarray | None = None
    n_cells: int | None = None
    tracks: pd.DataFrame | None = None
    cell_classes: list[str] = field(default_factory=list)
    class_source: str = "most likely class"
    record: dict = field(default_factory=dict)
    page: str | None = None
    overlay: Path | None = None

    def add_doubt(self, words: str, *sentences: str) -> None:
        """Add a doubt about all targets, and its reason to the warnings."""
        for doubts in self.doubts.values():
            doubts.append(words)
        self.warnings += sentences

    def own_doubts(self, of_model: dict[str, list[str]]) -> list[str]:
        """Return the doubts about this video alone, without those of its model, `Bundle.doubts`."""
        doubts = [words[len(of_model[target]) :] for target, words in self.doubts.items()]
        return list(dict.fromkeys(sum(doubts, [])))


def predict_videos(
    bundle: Bundle, videos: Iterable[str], compute: ComputeSettings, facts: dict | None = None
) -> Iterator[Prediction]:
    """Yield one prediction after the other; a video that cannot be used does not stop the others.

    Args:
        compute: see `setup_compute`.
        facts: what is known better than by the files: frame_rate (1/s).

    Raises:
        InputError, OSError, MemoryError, RuntimeError: the machine is at fault, not the video.
    """
    for member in bundle.members:
        if not member.uses_tracks:
            compute.to_device(member.model, CHANNELS_LAST)
    for path in [videos] if isinstance(videos, str | Path) else videos:
        try:
            check_video_file(path)
            yield _predict_video(bundle, str(path), compute, facts)
        except Exception as error:
            yield Prediction(to_printable(path), error=explain_failure(path, error))


def _predict_video(
    bundle: Bundle, path: str, compute: ComputeSettings, facts: dict | None
) -> Prediction:
    settings = bundle.frames
    if bundle.uses_only_tracks and settings["on_frame_rate_mismatch"] == "resample":
        # Cells are tracked at the video's own rate.
        settings = settings | {"on_frame_rate_mismatch": "warn"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "clips.h5")
        record = extract_clips(path, file, settings, "video", facts)
        clips = read_clips(str(file))
    appearance = measure_appearance(clips, record)
    if reason := explain_no_answer(appearance, bundle.ranges, record):
        raise DamagedVideo(f"{path}: no percentages: {reason}")
    prediction = Prediction(path, record=record, frame=clips[0, 0], motion=clips[0].std(0))
    prediction.doubts = {target: list(words) for target, words in bundle.doubts.items()}
    prediction.about_model = list(bundle.warnings)
    cells, quality, problems = None, {}, []
    frame_rate = (facts or {}).get("frame_rate")
    if bundle.tracking:
        cells, quality, problems = _track_cells(bundle.tracking, prediction, frame_rate)
    else:
        _look_for_cells(prediction, frame_rate)
    unlike = describe_out_of_range(appearance, bundle.ranges)
    add_doubts(prediction, prediction.n_cells, problems, is_doubtful(quality), unlike)
    if record["content_sha256"][:16] in bundle.training_clips:
        seen = "models of this bundle were trained on this video: this is no test of them"
        prediction.add_doubt("seen in training", seen)
    if record["warning"]:
        prediction.warnings.append(record["warning"])
    return _predict_clips(bundle, prediction, clips, cells, compute)


def _track_cells(
    settings: dict, prediction: Prediction, frame_rate: float | None
) -> tuple[pd.DataFrame, dict, list[str]]:
    """Add tracks to a prediction; return the cells' kinematics, the quality report and problems.

    Raises:
        DamagedVideo: the video shows no sample of cells.
    """
    path, rate = prediction.video, prediction.record["video_frame_rate"]
    tracks, frame, quality, problems = track_first_seconds(path, settings, frame_rate)
    if tracks.empty:
        frames = count_first_frames(path, settings["duration"], frame_rate)
        reason = explain_no_tracks(frames, rate, settings)
        raise DamagedVideo(f"{path}: {reason}: so nothing can be predicted")
    cells = compute_kinematics(tracks, rate)
    if reason := explain_no_sample(quality) or explain_too_few(len(cells)):
        raise DamagedVideo(f"{path}: no percentages: {reason}")
    prediction.tracks, prediction.frame, prediction.n_cells = tracks, frame, len(cells)
    return cells, quality, problems


def _look_for_cells(prediction: Prediction, frame_rate: float | None) -> None:
    """Add a doubt where the first seconds show no sample: networks see frames, and count nothing.

    It is no reason to refuse: networks may know other microscopes than the tracker.
    """
    tracked = track_video(prediction.video, CHECK_SETTINGS, CHECK_SECONDS, frame_rate)
    heads = tracked.quality["cells_per_frame"]
    if reason := explain_no_sample(tracked.quality):
        prediction.add_doubt("no sample?", f"to the tracker, this is no sample: {reason}")
    elif heads < FEWEST_CELLS:
        few = f"the tracker sees {heads:.1f} heads in a frame: too few, or unlike those it knows"
        prediction.add_doubt("few cells?", few)


def _predict_clips(
    bundle: Bundle,
    prediction: Prediction,
    clips: np.ndarray,
    cells: pd.DataFrame | None,
    compute: ComputeSettings,
) -> Prediction:
    """Complete a prediction, which has the record, frames and warnings of the video, by the models.

    Args:
        clips: uint8 (clips, frames, height, width).
        cells: as of `compute_kinematics`, if models use tracks.
    """
    for target, values in bundle.targets.items():
        members = [member for member in bundle.members if member.target == target]
        outputs = []
        for member in members:
            if member.uses_tracks:
                outputs.append(member.model.predict([cells]))
            else:
                stacks = stacks_from_array(clips[:, : member.model.frames], compute)
                outputs.append(predict_stacks(member.model, stacks))
        outputs = stack_predictions(outputs)
        if not np.isfinite(outputs).all():
            prediction.error = f"models of {target} predict what is not a number: make them again"
            return prediction
        if classifiers := [m.model for m in members if m.uses_tracks and m.model.sums_to_one]:
            proba = np.mean([model.predict_proba(cells) for model in classifiers], 0)
            prediction.cell_classes = [values[index] for index in proba.argmax(1)]
        prediction.outputs[target], empty = clip_and_normalize(outputs, values)
        if empty:
            prediction.warnings.append(
                f"{target}: {empty:.0%} of all outputs are 0 or below: replaced by equal parts"
            )
    errors = bundle.held_out_errors
    prediction.values = summarize_predictions(prediction.outputs, bundle.targets, errors)
    return prediction


def explain_too_few(cells: int) -> str | None:
    """Return why so few cells can have no percentages; None if they can."""
    if cells >= FEWEST_CELLS:
        return None
    found = {0: "no cell was", 1: "1 cell was"}.get(cells, f"{cells} cells were")
    return f"{found} seen for long enough, and at least {FEWEST_CELLS} are needed"


def add_doubts(
    prediction: Prediction,
    cells: int | None,
    problems: list[str],
    is_doubtful: bool,
    unlike: list[str],
) -> None:
    """Add to a prediction why to trust it less, the worst first.

    Args:
        cells: how many the percentages rest on; None: networks see whole frames.
        problems, is_doubtful: of the tracks, as of `describe_problems` and `is_doubtful`.
        unlike: how the video differs from those of training.
    """
    if cells is not None and cells < MIN_CELLS:
        few = f"fewer than {MIN_CELLS} cells ({cells}) are no sample of a population"
        prediction.add_doubt("few cells", few)
    if is_doubtful:
        prediction.add_doubt("tracks in doubt", *problems)
    if unlike:
        words = "unlike the training videos"
        prediction.add_doubt(words, f"{words}: {'; '.join(unlike)}")
    if not is_doubtful:
        prediction.warnings += problems


def stack_predictions(outputs: list[np.ndarray]) -> np.ndarray:
    """Return the outputs of models, each (stacks, values), as one array (models, stacks, values).

    What a model predicts for a whole video, as for one stack, counts for each stack.
    """
    stacks = max(map(len, outputs))
    return np.array([np.broadcast_to(o, (stacks, o.shape[1])) for o in outputs])


def clip_and_normalize(outputs: np.ndarray, values: list[str]) -> tuple[np.ndarray, float]:
    """Bring outputs between 0 and 100; the three of motility add up to 100.

    Args:
        outputs: (models, stacks, values).

    Returns:
        The same, and the share of stacks where all of motility is 0, so that nothing is known.
    """
    clipped = outputs.astype(float).clip(0, 100)
    if set(values) != set(MOTILITY):
        return clipped, 0.0
    total = clipped.sum(-1, keepdims=True)
    is_known = total > 0
    shares = np.where(is_known, 100 * clipped / np.where(is_known, total, 1), 100 / len(values))
    return shares, 1 - float(is_known.mean())


def summarize_predictions(
    outputs: dict[str, np.ndarray],
    targets: dict[str, list[str]],
    held_out_errors: dict[str, dict[str, float]],
) -> dict[str, dict]:
    """Return `Prediction.values`: a percentage for each, its error, and how much models disagree.

    Args:
        outputs: by target, (models, stacks, values).
        targets: the values of each.
        held_out_errors: by target and value.
    """
    summary = {}
    for target, of_target in outputs.items():
        for place, value in enumerate(targets[target]):
            of_value = of_target[..., place]
            has_stacks = of_value.shape[1] > 1
            summary[name_value(target, value, targets)] = {
                "target": target,
                "percent": float(of_value.mean()),
                "held_out_error": held_out_errors[target][value],
                "std_over_stacks": float(of_value.mean(0).std()) if has_stacks else None,
                "std_over_models": float(of_value.mean(1).std()),
            }
    return summary


def name_value(target: str, value: str, targets: dict[str, list[str]]) -> str:
    """Return the name of a percentage; one that two targets share is named by both."""
    names = sum(targets.values(), [])
    return value if names.count(value) == 1 else f"{value} ({target})"


def list_values(targets: dict[str, list[str]]) -> list[str]:
    """Return the names of all percentages."""
    return [name_value(t, value, targets) for t, values in targets.items() for value in values]
