"""Model cards (Mitchell et al., FAT* 2019): what models are for, and how well they do."""

from collections import defaultdict

import numpy as np
import pandas as pd
from scipy import stats

from motilens.core.labels import MOTILITY
from motilens.evaluation.diagnostics import list_issues
from motilens.evaluation.metrics import ZERO_R
from motilens.evaluation.statistics import AGREEMENT, ALL_VALUES, select_target_rows
from motilens.reports.run_summary import count_participants
from motilens.reports.statistics_page import format_interval, list_gains

CARD_TEMPLATE = """# {name}: models of Motilens

**For research. Not a diagnosis**, not a medical device, not validated on any clinic's samples.
{warnings}
## What it does

From a microscope video of a sperm sample it predicts {values}, in percent.
{description}

## What it was trained on

{participants} participants ({samples} videos{simulated}){seen}.
Each model saw all folds but one; no participant is in two folds.

## How well it does

Mean absolute error in percentage points on participants that a model had not seen (of
{each}, not of all models together), with 95 % intervals over participants. ZeroR
always predicts the training mean. Models are significantly better where the interval of the
difference is above 0 and p, adjusted for all comparisons with ZeroR, is at most 0.05.
Intervals of two errors do not show whether they differ.

{table}

95 % of errors of a percentage are expected within ± its held-out error: the greater limit of
agreement on held-out samples, with Student's t for so many participants in place of 1.96.

{limits}

## Limits

- It knows samples, microscopes and preparations like those it was trained on. A video outside their
  range (frame rate, size, brightness, contrast, sharpness, movement) gets a warning; one inside it
  may still be of another kind.
- The standard deviations say how much models or stacks disagree, not how far from the truth they
  are. For that, see the held-out errors.
{notes}"""


SIMULATED = "trained on simulated videos"
WORSE, NO_BETTER = "worse than ZeroR", "not better than ZeroR"
NOT_SHOWN = "not shown to be better than ZeroR"
ON_HELD_OUT = "on held-out participants, "
EXPLANATIONS = {
    WORSE: f"{ON_HELD_OUT}the training mean is significantly closer to the truth",
    NO_BETTER: f"{ON_HELD_OUT}these models are no closer to the truth than the training mean",
    NOT_SHOWN: f"{ON_HELD_OUT}these models are closer to the truth than the training mean, but not "
    "significantly",
}
# Of models: by column of QUALITY_FLAGS, in a few words and in a sentence.
UNSOUND = {
    "autoencoder_collapsed": (
        "poor autoencoders",
        "feature images carry little or no information: more epochs may help, or another "
        "configuration (docs/explanation/training.md)",
    ),
    "regressor_unsound": ("unsound models", "trouble in training, see the model card"),
}
SIGNIFICANCE = 0.05
FEW_PARTICIPANTS = 20  # whose errors say little about others'


def errors_vs_zero_r(method: str, summary: pd.DataFrame, comparisons: pd.DataFrame) -> pd.DataFrame:
    """Return the errors of a method by target, and how much better it is than ZeroR.

    `summary` and `comparisons` are those of `evaluation.statistics`.

    Returns:
        Indexed by target: error, low, high, participants, zero_r, gain, gain_low, gain_high,
        p_adjusted.
    """
    rows = select_target_rows(summary).set_index("method")
    versus = comparisons[(comparisons["first"] == ZERO_R) & (comparisons["second"] == method)]
    versus = versus.set_index("target")[["difference", "low", "high", "p_adjusted"]]
    columns = ["mae", "mae_low", "mae_high", "participants"]
    errors = rows.loc[[method]].set_index("target")[columns]
    errors["zero_r"] = rows.loc[[ZERO_R]].set_index("target")["mae"]
    errors[["gain", "gain_low", "gain_high", "p_adjusted"]] = versus.reindex(errors.index)
    return errors.rename(columns={"mae": "error", "mae_low": "low", "mae_high": "high"})


def measure_held_out_errors(method: str, summary: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return, by target and percentage, within which 95 % of a method's errors are expected (±).

    In percentage points: the greater of the two limits of agreement on held-out samples, but with
    Student's t in place of 1.96, and wider by the uncertainty of the mean: of a few participants,
    1.96 promises too much. `summary` is that of `summarize_errors`.
    """
    rows = summary[(summary["method"] == method) & (summary["level"] == "participant")]
    rows = rows.set_index(["target", "value"])
    deviation = (rows["limits_high"] - rows["limits_low"]) / (2 * AGREEMENT)
    count = rows["participants"]
    factor = stats.t.ppf(0.975, count - 1) * np.sqrt(1 + 1 / count)
    limits = rows["bias"].abs() + factor * deviation
    errors = defaultdict(dict)
    for (target, value), limit in limits.drop(ALL_VALUES, level="value", errors="ignore").items():
        errors[target][value] = float(limit)
    return dict(errors)


def find_doubts(
    errors: pd.DataFrame, is_simulated: bool, flags: dict[str, set[str]] | None = None
) -> dict[str, list[str]]:
    """Return, by target, why not to rely on its percentages, in a few words each.

    SIMULATED; WORSE, NO_BETTER or NOT_SHOWN; what UNSOUND says of its models.

    Args:
        errors: as of `errors_vs_zero_r`. The interval and the adjusted p must agree.
        flags: by target, which of QUALITY_FLAGS apply to one of its models.
    """
    doubts = {}
    for target, row in errors.iterrows():
        is_significant = row["p_adjusted"] <= SIGNIFICANCE
        verdict = NOT_SHOWN if row["gain"] > 0 else NO_BETTER
        verdict = WORSE if is_significant and row["gain_high"] < 0 else verdict
        is_better = is_significant and row["gain_low"] > 0
        doubts[target] = [SIMULATED] * is_simulated + [verdict] * (not is_better)
        of_target = (flags or {}).get(target, ())
        doubts[target] += [words for flag, (words, _) in UNSOUND.items() if flag in of_target]
    return doubts


def explain_doubts(doubts: dict[str, list[str]], errors: pd.DataFrame) -> list[str]:
    """Return doubts (`find_doubts`) as sentences, and whether errors are of few participants."""
    lines = []
    if any(SIMULATED in words for words in doubts.values()):
        lines.append("trained on simulated videos only: the error on real ones is unknown")
    for target, words in doubts.items():
        numbers = "error {error:.1f}, ZeroR {zero_r:.1f}".format(**errors.loc[target])
        known = (word for word in words if word in EXPLANATIONS)
        lines += [f"{target}: {word} ({numbers}): {EXPLANATIONS[word]}" for word in known]
        lines += [f"{target}: {word}: {text}" for word, text in UNSOUND.values() if word in words]
    participants = int(errors["participants"].min())
    if participants < FEW_PARTICIPANTS:
        lines.append(f"errors are of {participants} held-out participants only: a rough measure")
    return lines


def render_model_card(
    method: str,
    records: list[dict],
    errors: pd.DataFrame,
    limits: dict[str, dict[str, float]],
    warnings: list[str],
    settings: dict,
    comparisons: pd.DataFrame,
) -> str:
    """Return the card of a bundle as Markdown.

    Args:
        records: of its models; of an ensemble, those of its members.
        errors: as of `errors_vs_zero_r`.
        limits: as of `measure_held_out_errors`.
        warnings: as of `explain_doubts`.
        settings: targets, frames, tracking, simulated, reference (a method), and plugins, if there
            are any.
        comparisons: as of `compare_methods`.
    """
    other = settings["reference"] if settings["reference"] != method else ZERO_R
    parts = []
    for target, row in errors.iterrows():
        own = {"error": format_interval(row, ("error", "low", "high"))}
        own |= {"ZeroR": f"{row['zero_r']:.2f}"}
        [gains] = list_gains(comparisons, target, other, [method]).to_dict("records")
        parts.append({"target": target} | own | gains)
    table = pd.DataFrame(parts).fillna("")
    rows = [(t, value, f"± {x:.1f}") for t, part in limits.items() for value, x in part.items()]
    of_values = pd.DataFrame(rows, columns=["target", "percentage", "held-out error"])
    methods = defaultdict(list)
    for record in records:
        methods[record["method"]].append(record)
    return CARD_TEMPLATE.format(
        name=method,
        warnings="".join(f"\n**Warning: {line}.**\n" for line in warnings),
        values=", ".join(value for part in settings["targets"].values() for value in part),
        description=_describe_models(methods, settings),
        **count_participants(records),
        simulated=", simulated" if settings["simulated"] else "",
        seen=_describe_inputs(records, settings),
        each="single models" if len(methods) == 1 else "one model of each member",
        table=table.to_markdown(index=False),
        limits=of_values.to_markdown(index=False),
        notes="".join(f"- {note}\n" for note in _list_notes(records, settings)),
    )


def _list_notes(records: list[dict], settings: dict) -> list[str]:
    issues = sorted({issue for record in records for issue in list_issues(record["diagnostics"])})
    notes = [f"Trouble in training: {issue}." for issue in issues]
    if any(set(MOTILITY) == set(part) for part in settings["targets"].values()):
        notes.append("Percentages of motility are made to add up to 100.")
    if plugins := settings.get("plugins"):
        notes.append(
            "Needs code that is not in the bundle (`make predict PLUGINS=...`): "
            f"{', '.join(plugins)}."
        )
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
    lines.append(
        "It returns the mean of all models, its held-out error, and the standard deviation over "
        f"{spread}."
    )
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
