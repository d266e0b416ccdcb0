"""Fit the model that ships to participants with hand-made tracks, and write it with its card.

    .venv/bin/python benchmarks/fit_shipped_model.py FOLDER --networks NETWORKS
        [--out models/visem_tracking]

FOLDER is as `real_participants.py` reads it: hand-made tracks of SECONDS of film, percentages, and
the videos of some. The same files give the same model, on one machine.

Errors are of participants that were left out of the fit, with everything that the fit chooses.
Limits of agreement are those of the worse of two lengths of film, 10 s and SECONDS. Then they are
widened by what tracking adds: the difference between the percentages from our own tracks and from
hand-made tracks of the same frames. Each video is tracked by the network NETWORKS/<name of the
video>.pt, fitted without it (train_detector.py FOLDER NETWORKS/NAME.pt --leave-out NAME).
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
import numpy as np
import pandas as pd
from real_participants import (
    MIN_TRACK_SECONDS,
    find_tracks,
    load_network,
    read_participant,
    read_percentages,
)
from scipy import stats

from motilens.core.command_line import run_command_line
from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.core.labels import HEAD_MICRONS, MOTILITY
from motilens.core.records import make_provenance, write_record
from motilens.evaluation.metrics import ZERO_R
from motilens.evaluation.statistics import (
    add_constant_rules,
    compare_methods,
    participant_errors,
    summarize_errors,
)
from motilens.inference import shipped_model
from motilens.inference.shipped_model import predict_percentages
from motilens.motility import motility_model
from motilens.motility.motility_model import MotilityModel, fit_motility_model
from motilens.pipeline.code_digest import code_versions
from motilens.pipeline.config import read_section
from motilens.reports.model_card import (
    errors_vs_zero_r,
    explain_doubts,
    find_doubts,
    measure_held_out_errors,
)
from motilens.reports.statistics_page import format_interval
from motilens.tracking import tracker
from motilens.tracking.detector import HEAD_LENGTH
from motilens.tracking.tracker import TrackedVideo, track_video

ROOT = Path(__file__).parents[1]
SECONDS, SHORT_SECONDS = 30.0, 10.0
SCALE = HEAD_MICRONS / HEAD_LENGTH  # µm per pixel: that of VISEM, as our tracker assumes it
METHOD, TARGET = "shipped", "motility"
VALUES = list(MOTILITY)
CARD = """# The model that ships

**For research only, not for diagnosis.** It is not validated on any clinic's samples.

{warnings}

## What it does

From the tracks of a sperm sample's cells (human, phase contrast, x400), `make predict` predicts
the percentages of progressive, non-progressive and immotile cells, as a laboratory counts them.

## What it was fitted to

The hand-made tracks of {count} participants of VISEM-Tracking (30 s of film each; {names}) and
the percentages of VISEM, which two technicians counted over a whole preparation, not in this film.
The frame rate is that of the videos; of the other participants, 49/s is assumed. The movement of
the stage is in hand-made tracks, but not in ours. Hand-made tracks have no scale: a head,
{head_length:g} pixels long as our tracker measures it on the {videos} videos, was taken for
{microns:g} µm, as `make track` does; so a pixel is {scale:.2f} µm.

V. Thambawita, S. A. Hicks, A. M. Storås, T. Nguyen, J. M. Andersen, O. Witczak, T. B. Haugen, H.
L. Hammer, P. Halvorsen, M. A. Riegler: "VISEM-Tracking, a human spermatozoa tracking dataset",
Scientific Data 10, 260 (2023), https://doi.org/10.1038/s41597-023-02173-4; percentages: T. B.
Haugen et al., "VISEM: a multimodal video dataset of human spermatozoa", MMSys 2019. License of
both: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/. The file holds no track or film. It
is licensed as the project is; please keep this attribution with it.

## How far it is off

Mean absolute error on participants who were left out of the fit, in percentage points, with 95 %
intervals over participants: **{error}** from 30 s of hand-made tracks, {short_error} from their
first 10 s. ZeroR, the mean of the other participants, has {zero_r}: the model is better by {gain}
(p = {p}). All intervals are Student's t. The method was chosen among about 115 on these same
participants, so its errors, and the limits below, are too small by an unknown amount.

95 % of the errors of single percentages are expected within these limits of agreement, with
Student's t for {count} participants, from 10 s or 30 s, whichever is worse. *Added by tracking*:
the difference between percentages from our tracks and from hand-made ones, known of {videos}
videos only, each tracked by a network that had not seen it. `make predict` gives the limits
*together*. Where those of ZeroR are narrower, the answer says less than the mean.

{agreement}

## Its answers on the videos at hand

Progressive / non-progressive / immotile, each video tracked by a network that had not seen it.
*This model* was fitted to these participants.

{answers}

## What it does not know

- Morphology, concentration, and the cells that a video does not show or that were not tracked.
  Where the tracker takes debris for cells, it counts as immotile cells.
- Other laboratories, microscopes and preparations. A video outside the range of the training
  (frame rate, duration, size and number of heads, bright or dark heads) gets a warning; one inside
  it may still be of another kind.
- Whether a video shows sperm, unless it clearly shows none (still frames, test patterns, beads).
"""


@dataclass(frozen=True)
class Participant:
    """A participant: percentages (3,), hand-made tracks, their rate (1/s), and perhaps a video."""

    name: str
    percentages: np.ndarray
    tracks: pd.DataFrame
    frame_rate: float
    video: Path | None

    def first_frames(self, count: int) -> pd.DataFrame:
        """Return the hand-made tracks of so many frames that are long enough in these."""
        tracks = self.tracks[self.tracks["frame"] < count]
        seconds = tracks.groupby("cell")["frame"].transform("size") / self.frame_rate
        return tracks[seconds >= MIN_TRACK_SECONDS]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--networks", type=Path, required=True, help="fitted without a video each")
    out = ROOT / "models/visem_tracking"
    parser.add_argument("--out", type=Path, default=out, help="of both files, without ending")
    options = parser.parse_args()
    tracking = read_section("tracking")
    tracking = {"min_score": tracking["min_score"], "duration": SECONDS}
    people = read_participants(options.folder)
    if not any(person.video for person in people):
        raise InputError(f"{options.folder}: holds no video: what tracking adds cannot be measured")
    tracked = {}
    for person in people:
        if person.video:
            network = load_network(person.video, options.networks)
            tracked[person.name] = track_video(
                str(person.video), tracking, SECONDS, detector=network
            )
    content, facts = make_content(people, tracked, tracking)
    code, scripts = {}, ROOT / "workflow/scripts"
    for module in (motility_model, tracker):
        code |= code_versions(Path(module.__file__), ROOT / "requirements.txt", scripts)
    settings = {"seconds": [SHORT_SECONDS, SECONDS], "microns_per_pixel": SCALE, "seed": 0}
    command = f"benchmarks/{Path(__file__).name} FOLDER --networks NETWORKS"
    content |= {"command": command} | make_provenance(code, settings)
    write_record(options.out.with_suffix(".json"), content)
    shipped_model.load_shipped_model(options.out.with_suffix(".json"))
    card = CARD.format(**facts)
    with atomic_write(options.out.with_suffix(".md")) as temporary:
        temporary.write_text(card, encoding="utf-8")
    print(card)


def read_participants(folder: Path) -> list[Participant]:
    """Return the participants that have hand-made tracks (InputError: a file cannot be read)."""
    labels, paths = read_percentages(folder), find_tracks(folder)
    people = []
    for name in (name for name in labels.index if name in paths):
        path, video = paths[name]
        percentages = np.array(labels.loc[name], float)
        people.append(
            Participant(name, percentages, *read_participant(path, video, SECONDS), video)
        )
    return people


def fit_model(people: list[Participant]) -> MotilityModel:
    """Fit a model to hand-made tracks."""
    percentages = np.array([p.percentages for p in people])
    names, rates = [p.name for p in people], [p.frame_rate for p in people]
    known = [SCALE] * len(people), [None] * len(people)
    return fit_motility_model([p.tracks for p in people], percentages, names, rates, *known)


def predict_tracks(model: MotilityModel, tracks: pd.DataFrame, rate: float) -> np.ndarray:
    """Return the percentages (3,) from hand-made tracks."""
    return model.predict([tracks], [rate], [SCALE], [None])[0]


def make_content(
    people: list[Participant], tracked: dict[str, TrackedVideo], tracking: dict
) -> tuple[dict, dict]:
    """Return what the file of the model holds, without its provenance, and the card's numbers."""
    model = fit_model(people)
    left_out = [fit_model([q for q in people if q is not p]) for p in people]
    tables = [
        make_long_table(people, [
            predict_tracks(m, p.first_frames(round(seconds * p.frame_rate)), p.frame_rate)
            for p, m in zip(people, left_out, strict=True)
        ])
        for seconds in (SHORT_SECONDS, SECONDS)
    ]  # fmt: skip
    summary, comparisons = summarize_errors(tables[-1]), compare_methods(tables[-1])
    errors = errors_vs_zero_r(METHOD, summary, comparisons)
    short = tables[0][tables[0]["method"] == METHOD]
    of_tracks = np.maximum(*(find_limits(table, METHOD) for table in tables))
    rows, added = [], []
    for person, without in zip(people, left_out, strict=True):
        if person.name in tracked:
            ours = tracked[person.name]
            film = person.first_frames(ours.frames)
            answers = {
                "laboratory": person.percentages,
                "this model": predict_percentages(model, ours),
                "fitted without this participant": predict_percentages(without, ours),
                "the same, hand-made tracks": predict_tracks(without, film, person.frame_rate),
            }
            _, _, own, hand_made = answers.values()
            added.append(own - hand_made)
            texts = {name: " / ".join(f"{v:.0f}" for v in a) for name, a in answers.items()}
            rows.append({"participant": person.name} | texts)
    extra = np.sqrt(np.square(added).mean(0)) * stats.t.ppf(0.975, len(added))
    limits = np.hypot(of_tracks, extra)
    doubts = find_doubts(errors, is_simulated=False)
    warnings = [
        f"research use only: fitted on {len(people)} participants of one laboratory "
        "(VISEM-Tracking); how far it is off elsewhere is not known",
        *explain_doubts(doubts, errors),
        f"for comparison, the mean of these participants: {describe_mean(people)}",
    ]
    content = {
        "format": shipped_model.FORMAT,
        "model": model.to_dict(),
        "participants": [person.name for person in people],
        "held_out_errors": {TARGET: dict(zip(VALUES, limits.round(1).tolist(), strict=True))},
        "doubts": doubts,
        "warnings": warnings,
        "ranges": measure_ranges(people, tracked),
        "polarity": "bright",
        "tracking": tracking,
    }
    zero_r = find_limits(tables[-1], ZERO_R)
    parts = {"percentage": VALUES, "from hand-made tracks": of_tracks, "added by tracking": extra,
             "together": limits, "ZeroR": zero_r}  # fmt: skip
    agreement = (
        pd.DataFrame(parts).round(1).map(lambda v: v if isinstance(v, str) else f"± {v:.1f}")
    )
    [error] = errors.to_dict("records")
    versus = pd.Series(error)
    facts = {
        "warnings": "\n".join(f"- {line}" for line in warnings),
        "count": len(people),
        "names": ", ".join(person.name for person in people),
        "error": format_interval(versus, ("error", "low", "high")),
        "zero_r": f"{error['zero_r']:.2f}",
        "gain": format_interval(versus, ("gain", "gain_low", "gain_high")),
        "p": f"{error['p_adjusted']:.2f}",
        "short_error": f"{participant_errors(short).mean():.2f}",
        "agreement": agreement.to_markdown(index=False, disable_numparse=True),
        "videos": len(tracked),
        "head_length": HEAD_LENGTH,
        "microns": HEAD_MICRONS,
        "scale": SCALE,
        "answers": pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True),
    }
    return content, facts


def make_long_table(people: list[Participant], predicted: list[np.ndarray]) -> pd.DataFrame:
    """Return predictions of left-out participants, with those of ZeroR, see `to_long_table`."""
    rows = [
        {"method": METHOD, "target": TARGET, "fold": fold, "seed": 0, "participant": person.name,
         "sample": person.name, "stack": 0, "value": value, "true": true, "predicted": answer}
        for fold, (person, answers) in enumerate(zip(people, predicted, strict=True))
        for value, true, answer in zip(VALUES, person.percentages, answers, strict=True)
    ]  # fmt: skip
    labels = pd.DataFrame([p.percentages for p in people], columns=VALUES)
    training = {(TARGET, fold): labels.drop(fold) for fold in range(len(people))}
    table = add_constant_rules(pd.DataFrame(rows), training)
    return table[table["method"].isin([ZERO_R, METHOD])]  # one comparison needs no adjustment


def describe_mean(people: list[Participant]) -> str:
    """Return the mean percentages as text."""
    mean = np.mean([person.percentages for person in people], 0)
    return ", ".join(f"{name} {value:.0f} %" for name, value in zip(VALUES, mean, strict=True))


def find_limits(table: pd.DataFrame, method: str) -> np.ndarray:
    """Return, for each value, within which 95 % of other participants' errors are expected."""
    errors = measure_held_out_errors(method, summarize_errors(table))[TARGET]
    return np.array([errors[value] for value in VALUES])


def measure_ranges(people: list[Participant], tracked: dict[str, TrackedVideo]) -> dict:
    """Return the ranges of the training participants, see `shipped_model.measure_video`."""
    measured = [shipped_model.measure_video(video) for video in tracked.values()]
    density = [len(p.tracks) / (p.tracks["frame"].max() + 1) for p in people]
    density += [m["heads_per_frame"] for m in measured]
    rates = [person.frame_rate for person in people]
    lengths = [m["head_length"] for m in measured] or [HEAD_LENGTH]
    parts = {"frame_rate": rates, "seconds": [SHORT_SECONDS, SECONDS], "head_length": lengths,
             "heads_per_frame": density}  # fmt: skip
    return {name: [round(min(part), 2), round(max(part), 2)] for name, part in parts.items()}


if __name__ == "__main__":
    run_command_line(main)
