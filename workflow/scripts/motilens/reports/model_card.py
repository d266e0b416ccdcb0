"""Model cards (Mitchell et al., FAT* 2019): what models are for, and how well they do."""

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

From a microscope video of a sperm sample it predicts {values}, in per cent.
{how}

## What it learned from

{participants} participants ({samples} videos{simulated}){seen}.
Each model saw all folds but one; no participant is in two folds.

## How well it does

Mean absolute error in percentage points on participants that a model had not seen (of
{each}, not of all models together), with 95 % intervals over participants. ZeroR
always answers the training mean; where the last interval holds 0, nothing shows that the models
know more than that.

{table}

## Limits

- It knows samples, microscopes and preparations like those it learned from. A video outside their
  range (frame rate, size, brightness, contrast, sharpness, movement) gets a warning; one inside it
  may still be of another kind.
- The deviations say how much models or stacks disagree, not how far from the truth they are.
{notes}"""


def errors_vs_zero_r(name: str, summary: pd.DataFrame, comparisons: pd.DataFrame) -> pd.DataFrame:
    """How well an input type does by target.

    Args:
        name: of a row of the tables.
        summary, comparisons: as of `statistics`.

    Returns:
        Indexed by target: error, low, high, of_zero_r, better, better_low, better_high.
    """
    errors = select_target_rows(summary).set_index("input")
    versus = comparisons[(comparisons["first"] == ZERO_R) & (comparisons["second"] == name)]
    versus = versus.set_index("target")[["difference", "low", "high"]]
    own = errors.loc[[name]].set_index("target")[["mae", "mae_low", "mae_high"]]
    own["of_zero_r"] = errors.loc[[ZERO_R]].set_index("target")["mae"]
    own[["better", "better_low", "better_high"]] = versus.reindex(own.index)
    return own.rename(columns={"mae": "error", "mae_low": "low", "mae_high": "high"})


def render_model_card(name: str, records: list[dict], errors: pd.DataFrame, settings: dict) -> str:
    """The card of a bundle.

    Args:
        name: of the row of the tables.
        records: of its models, those of an ensemble's members.
        errors: as of `errors_of`.
        settings: targets, frames, tracks, simulated.
    """
    frames, interval = settings["frames"], format_interval
    table = pd.DataFrame(
        {
            "target": errors.index,
            "error": errors.apply(interval, axis=1, names=("error", "low", "high")),
            "ZeroR": errors["of_zero_r"].map("{:.2f}".format),
            "better than ZeroR by": errors.apply(
                interval, axis=1, names=("better", "better_low", "better_high")
            ),
        }
    )
    sick = sorted({trouble for record in records for trouble in list_issues(record["health"])})
    seen = []
    if any(not _uses_tracks(record) for record in records):
        seen.append(
            f"at {frames['frame_rate']:g} frames per second, frames of {frames['size']} x "
            f"{frames['size']} pixels"
        )
    if any(map(_uses_tracks, records)):
        seen.append("by the paths of cells, at each video's own frame rate")
    notes = [f"- Trouble in training: {trouble}." for trouble in sick]
    if any(set(MOTILITY) == set(part) for part in settings["targets"].values()):
        notes.append("- Percentages of motility are made to add up to 100.")
    if settings["simulated"]:
        notes.append("- The training data are simulated: of real semen it knows nothing.")
    return CARD_TEMPLATE.format(
        name=name,
        values=", ".join(value for part in settings["targets"].values() for value in part),
        how=_describe_models(records, settings),
        **count_participants(records),
        simulated=", simulated" if settings["simulated"] else "",
        seen=", " + ", and ".join(seen),
        each="single models" if len(_group_by_method(records)) == 1 else "one model of each member",
        table=table.to_markdown(index=False),
        notes="".join(f"{note}\n" for note in notes),
    )


def _describe_models(records: list[dict], settings: dict) -> str:
    """What answers, a row of the tables after the other, and what is made of the answers."""
    told = [_describe_method(members, settings) for members in _group_by_method(records).values()]
    stacks = any(not _uses_tracks(record) for record in records)
    return "\n".join(
        [
            *told,
            "Given is the mean of all models, each alike, with the standard deviation over "
            + ("stacks and over models." if stacks else "models."),
        ]
    )


def _group_by_method(records: list[dict]) -> dict[str, list[dict]]:
    rows = {}
    for record in records:
        rows.setdefault(record["input"], []).append(record)
    return rows


def _describe_method(records: list[dict], settings: dict) -> str:
    if _uses_tracks(records[0]):
        return (
            f"{len(records)} models follow the cells of the first "
            f"{settings['tracks']['seconds']:g} s of a video and say how likely each is of which\n"
            "kind; they answer the share of each kind."
        )
    made = records[0]["architecture"]
    encoder, clips = made["encoder"], settings["frames"]["clips_per_video"]
    return (
        f"{len(records)} regressors ({made['backbone']}; encoder: "
        f"{encoder.get('variant') or encoder['kind']}) answer {clips} stacks of "
        f"{encoder['frames']} frames each."
    )


def _uses_tracks(record: dict) -> bool:
    return "fitted" in record
