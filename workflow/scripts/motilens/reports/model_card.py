"""Model cards (Mitchell et al., FAT* 2019): what models are for, and how well they do."""

from collections import defaultdict

import pandas as pd

from motilens.core.labels import MOTILITY
from motilens.evaluation.diagnostics import list_issues
from motilens.evaluation.metrics import ZERO_R
from motilens.evaluation.statistics import select_target_rows
from motilens.reports.run_summary import count_participants
from motilens.reports.statistics_page import format_interval

CARD_TEMPLATE = """# {name}: models of Motilens

**For research. Not a diagnosis**, not a medical device, not validated on any clinic's samples.

## What it does

From a microscope video of a sperm sample it predicts {values}, in percent.
{description}

## What it was trained on

{participants} participants ({samples} videos{simulated}){seen}.
Each model saw all folds but one; no participant is in two folds.

## How well it does

Mean absolute error in percentage points on participants that a model had not seen (of
{each}, not of all models together), with 95 % intervals over participants. ZeroR
always predicts the training mean; where the last interval contains 0, the models are not
significantly better than that.

{table}

## Limits

- It knows samples, microscopes and preparations like those it was trained on. A video outside their
  range (frame rate, size, brightness, contrast, sharpness, movement) gets a warning; one inside it
  may still be of another kind.
- The deviations say how much models or stacks disagree, not how far from the truth they are.
{notes}"""


def errors_vs_zero_r(method: str, summary: pd.DataFrame, comparisons: pd.DataFrame) -> pd.DataFrame:
    """Return the errors of a method by target, and how much better it is than ZeroR.

    `summary` and `comparisons` are those of `evaluation.statistics`.

    Returns:
        Indexed by target: error, low, high, zero_r, gain, gain_low, gain_high.
    """
    rows = select_target_rows(summary).set_index("method")
    versus = comparisons[(comparisons["first"] == ZERO_R) & (comparisons["second"] == method)]
    versus = versus.set_index("target")[["difference", "low", "high"]]
    errors = rows.loc[[method]].set_index("target")[["mae", "mae_low", "mae_high"]]
    errors["zero_r"] = rows.loc[[ZERO_R]].set_index("target")["mae"]
    errors[["gain", "gain_low", "gain_high"]] = versus.reindex(errors.index)
    return errors.rename(columns={"mae": "error", "mae_low": "low", "mae_high": "high"})


def render_model_card(
    method: str, records: list[dict], errors: pd.DataFrame, settings: dict
) -> str:
    """Return the card of a bundle as Markdown.

    Args:
        records: of its models; of an ensemble, those of its members.
        errors: as of `errors_vs_zero_r`.
        settings: targets, frames, tracking, simulated.
    """
    gain = ("gain", "gain_low", "gain_high")
    table = pd.DataFrame(
        {
            "target": errors.index,
            "error": errors.apply(format_interval, axis=1, names=("error", "low", "high")),
            "ZeroR": errors["zero_r"].map("{:.2f}".format),
            "better than ZeroR by": errors.apply(format_interval, axis=1, names=gain),
        }
    )
    methods = defaultdict(list)
    for record in records:
        methods[record["method"]].append(record)
    return CARD_TEMPLATE.format(
        name=method,
        values=", ".join(value for part in settings["targets"].values() for value in part),
        description=_describe_models(methods, settings),
        **count_participants(records),
        simulated=", simulated" if settings["simulated"] else "",
        seen=_describe_inputs(records, settings),
        each="single models" if len(methods) == 1 else "one model of each member",
        table=table.to_markdown(index=False),
        notes="".join(f"- {note}\n" for note in _list_notes(records, settings)),
    )


def _list_notes(records: list[dict], settings: dict) -> list[str]:
    issues = sorted({issue for record in records for issue in list_issues(record["diagnostics"])})
    notes = [f"Trouble in training: {issue}." for issue in issues]
    if any(set(MOTILITY) == set(part) for part in settings["targets"].values()):
        notes.append("Percentages of motility are made to add up to 100.")
    if settings["simulated"]:
        notes.append("The training data are simulated: it knows nothing of real semen.")
    return notes


def _describe_inputs(records: list[dict], settings: dict) -> str:
    frames = ", at {frame_rate:g} frames per second, frames of {size} x {size} pixels"
    tracks = ", by the tracks of cells, at each video's own frame rate"
    if all(map(_uses_tracks, records)):
        return tracks
    more = f", and{tracks[1:]}" if any(map(_uses_tracks, records)) else ""
    return frames.format(**settings["frames"]) + more


def _describe_models(methods: dict[str, list[dict]], settings: dict) -> str:
    """Return what predicts, one method after the other, and how predictions are combined."""
    lines = [_describe_method(records, settings) for records in methods.values()]
    has_stacks = not all(_uses_tracks(records[0]) for records in methods.values())
    spread = "stacks and over models" if has_stacks else "models"
    lines.append(f"It returns the mean of all models and the standard deviation over {spread}.")
    return "\n".join(lines)


def _describe_method(records: list[dict], settings: dict) -> str:
    if _uses_tracks(records[0]):
        return (
            f"{len(records)} models track the cells of the first "
            f"{settings['tracking']['duration']:g} s of a video and classify each;\n"
            "they predict the share of each class."
        )
    architecture = records[0]["architecture"]
    encoder, clips = architecture["encoder"], settings["frames"]["clips_per_video"]
    return (
        f"{len(records)} regressors ({architecture['backbone']}; encoder: "
        f"{encoder.get('variant') or encoder['kind']}) predict from {clips} stacks of "
        f"{encoder['frames']} frames each."
    )


def _uses_tracks(record: dict) -> bool:
    return "fitted" in record
