"""Why steps would run again, in the words of the configuration.

Works on plain data, so that it can be tested without Snakemake: jobs with the params that they
were made with and those that they would be made with.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from motilens.core.text import shorten_list

NOUNS = {
    "fetch_dataset": ("data set", "data sets"),
    "simulate_video": ("simulated video", "simulated videos"),
    "simulate_labels": ("label file", "label files"),
    "check_samples": ("table of samples", "tables of samples"),
    "extract_frames": ("file of frames", "frames"),
    "plot_contact_sheet": ("contact sheet", "contact sheets"),
    "list_clips": ("list of clips", "lists of clips"),
    "fetch_weights": ("file of pretrained weights", "files of pretrained weights"),
    "train_autoencoder": ("autoencoder", "autoencoders"),
    "make_feature_images": ("file of feature images", "files of feature images"),
    "track_cells": ("file of tracks", "files of tracks"),
    "count_cells": ("baseline", "baselines"),
    "average_predictions": ("answer of an ensemble", "answers of ensembles"),
    "train_regressor": ("regressor", "regressors"),
    "measure_errors": ("table of errors", "tables of errors"),
    "measure_statistics": ("table of statistics", "tables of statistics"),
    "make_table1": ("Table 1", "Tables 1"),
    "describe_run": ("description of the run", "descriptions of the run"),
    "plot_learning_curves": ("figure of learning curves", "figures of learning curves"),
    "make_bundle": ("bundle", "bundles"),
    "plot_errors": ("figure of errors", "figures of errors"),
    "plot_agreement": ("figure of agreement", "figures of agreement"),
    "plot_gallery": ("gallery", "galleries"),
}
# Params that say something of each sample, by the label that the rules give them.
PER_SAMPLE = ("training", "held_out", "samples", "encoded", "shown")
MOVED = "samples {} changed folds"
NEW_VIDEO = "the content of the videos of samples {} changed"


@dataclass(eq=False)
class PlannedJob:
    """A job that would run: its rule, params then and now (merged), who needs its output."""

    rule: str
    then: dict | None  # None: no record, it has never been made
    now: dict
    other_reasons: list[str] = field(default_factory=list)
    behind: list["PlannedJob"] = field(default_factory=list)
    sample: str = ""  # that it is of, if it is of one


def explain_reruns(jobs: Iterable[PlannedJob]) -> list[str]:
    """A line for each cause: what changed, and how many jobs of which kind rerun because of it."""
    jobs = list(jobs)
    before = set().union(*(_samples(job.then or {}) for job in jobs))
    after = set().union(*(_samples(job.now) for job in jobs))
    behind = {follower for job in jobs for follower in job.behind}
    subjects, caused = defaultdict(set), defaultdict(set)
    for job in jobs:
        reasons = [(reason, "") for reason in job.other_reasons]
        if job.then is None:
            reasons.append(("not made yet", ""))
        else:
            reasons += list(iter_param_changes(job.then, job.now))
            if not reasons and job not in behind and job.then != job.now:
                reasons.append(("what it rests on was made anew", ""))
        for text, subject in reasons:
            if text == NEW_VIDEO:
                subject = job.sample
            if text == MOVED and subject not in before & after:
                text = "samples {} are " + ("new" if subject in after else "gone")
            subjects[text].add(subject)
            # What has never been made brings nobody to life: those behind have their own reason.
            caused[text] |= {job} if text == "not made yet" else _with_all_behind(job)
    lines = [
        (len(caused[text]), f"{_with_subjects(text, subjects[text])}: {count_jobs(caused[text])}")
        for text in caused
    ]
    return [line for _, line in sorted(lines, key=lambda pair: (-pair[0], pair[1]))]


def count_jobs(jobs: Iterable[PlannedJob]) -> str:
    """`12 frames, 12 autoencoders, ...` in the order of the pipeline."""
    numbers = Counter(job.rule for job in jobs)
    return ", ".join(
        f"{numbers[rule]} {nouns[numbers[rule] > 1]}"
        for rule, nouns in NOUNS.items()
        if numbers[rule]
    )


def _samples(params: dict) -> set[str]:
    return set().union(*(params.get(group, ()) for group in PER_SAMPLE))


def iter_param_changes(then: dict, now: dict, place: str = "") -> Iterable[tuple[str, str]]:
    """What differs between two versions of params: texts, each with the subject that varies."""
    for key in sorted(then.keys() | now.keys(), key=lambda key: (len(key), key)):
        old, new, name = then.get(key), now.get(key), f"{place}.{key}" if place else key
        if old == new or name in ("list", "left_out", "folds_digest"):
            continue  # a list of clips only echoes what others say of each sample
        if name == "rests_on":
            continue  # an echo too, see `explain`
        if isinstance(old, dict) and isinstance(new, dict):
            yield from iter_param_changes(old, new, name)
        elif key.endswith(".py"):
            yield f"code of {key} changed", ""
        elif place == "shown":
            yield "the gallery shows somebody else", ""
        elif place in PER_SAMPLE:
            yield MOVED, key
        elif place.partition(".")[0] in PER_SAMPLE:
            sample = place.partition(".")[2]
            if key == "fold":
                yield MOVED, sample
            elif key in ("frames", "video"):
                yield f"other {key} of samples {{}}", sample
            else:
                change = f"{_brief(old)} -> {_brief(new)}"
                yield f"{key} of samples {{}} changed {change}", sample
        elif key == "video":
            yield NEW_VIDEO, ""
        elif isinstance(old, list) and isinstance(new, list) and (moved := _moved(old, new)):
            for verb, values in moved.items():
                yield f"{name}: {_brief(values)} {verb}", ""
        else:
            yield f"{name} changed {_brief(old)} -> {_brief(new)}", ""


def _with_all_behind(job: PlannedJob) -> set[PlannedJob]:
    found, queue = set(), [job]
    while queue:
        job = queue.pop()
        if job not in found:
            found.add(job)
            queue += job.behind
    return found


def _with_subjects(text: str, subjects: set[str]) -> str:
    return text.replace("{}", shorten_list(sorted(subjects, key=lambda name: (len(name), name))))


def _moved(old: list, new: list) -> dict[str, list]:
    """What went and what came, as far as anything did."""
    gone, added = ([v for v in a if v not in b] for a, b in ((old, new), (new, old)))
    return {verb: values for verb, values in (("removed", gone), ("added", added)) if values}


def _brief(value) -> str:
    if isinstance(value, list):
        return shorten_list(map(_brief, value))
    return "nothing" if value is None else str(value)
