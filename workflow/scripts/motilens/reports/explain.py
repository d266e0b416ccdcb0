"""Why steps would run again, in the words of the configuration.

Works on plain data, so that it can be tested without Snakemake: the jobs that a dry run lists,
each with Snakemake's reason.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from motilens.core.plugins import CODE_PREFIX
from motilens.core.text import natural_sorted, shorten_list

# Parts of what a step depends on (`dependencies`) that say something of each sample.
PER_SAMPLE = ("training", "held_out", "samples", "encoded", "shown")
# Parts that repeat what other jobs explain.
ECHOES = ("group", "upstream", "folds_digest", "skipped")
MOVED = "samples {} changed folds"
NEW_VIDEO = "the content of the videos of samples {} changed"
NOT_MADE = "not made yet"


@dataclass(eq=False)
class PlannedJob:
    """A job that would run.

    Args:
        inputs, outputs: paths.
        then, now: what it depended on (None: it has never run) and depends on.
        other_reasons: that have nothing to do with these.
    """

    rule: str
    sample: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    then: dict | None = field(default_factory=dict)
    now: dict = field(default_factory=dict)
    other_reasons: list[str] = field(default_factory=list)


def parse_reason(reason: str) -> list[str]:
    """Return the parts of Snakemake's reason of a job that its params do not show."""
    patterns = {
        r"Missing output files: ([^;]*)": "missing: {}",
        r"Updated input files: ([^;]+)": "changed by hand: {}",
        # With rerun-incomplete, Snakemake forces what is incomplete.
        r"Incomplete output files|Forced execution": "made by a run that was killed or still runs",
    }
    found = [(re.search(pattern, reason), text) for pattern, text in patterns.items()]
    return [text.format(*match.groups()) for match, text in found if match]


def explain_reruns(jobs: Iterable[PlannedJob]) -> list[str]:
    """Return a line for each cause: what changed, and how many jobs run again because of it."""
    jobs = list(jobs)
    before = set().union(*(_list_samples(job.then) for job in jobs))
    after = set().union(*(_list_samples(job.now) for job in jobs))
    followers = _find_followers(jobs)
    caused_by_others = set().union(*followers.values())
    subjects, caused = defaultdict(set), defaultdict(set)
    for job in jobs:
        reasons = [(NOT_MADE, "")]
        if job.then is not None:
            reasons = [(reason, "") for reason in job.other_reasons]
            reasons += iter_param_changes(job.then, job.now)
            if not reasons and job not in caused_by_others:
                reasons.append(("what it depends on was made again", ""))
        for text, subject in reasons:
            if text == NEW_VIDEO:
                subject = job.sample
            if text == MOVED and subject not in before & after:
                text = "samples {} are " + ("new" if subject in after else "gone")
            subjects[text].add(subject)
            # A job that never ran is no cause for others; they report their own.
            caused[text] |= {job} if text == NOT_MADE else _with_followers(job, followers)
    lines = []
    for text, followed in caused.items():
        named = text.replace("{}", shorten_list(natural_sorted(subjects[text])))
        lines.append((-len(followed), f"{named}: {count_jobs(followed)}"))
    return [line for _, line in sorted(lines)]


def count_jobs(jobs: Iterable[PlannedJob]) -> str:
    """Return `12 extract_clips, 12 train_autoencoder, ...`, the most frequent first."""
    counts = Counter(sorted(job.rule for job in jobs))
    return ", ".join(f"{count} {rule}" for rule, count in counts.most_common())


def iter_param_changes(then: dict, now: dict, place: str = "") -> Iterable[tuple[str, str]]:
    """Yield what differs between two versions: texts, each with the sample that it is about."""
    for key in sorted(then.keys() | now.keys(), key=lambda key: (len(key), key)):
        old, new, name = then.get(key), now.get(key), f"{place}.{key}" if place else key
        if old == new or name in ECHOES:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from iter_param_changes(old, new, name)
        elif key.endswith(".py"):
            whose = " in the folder of plugins" if key.startswith(CODE_PREFIX) else ""
            yield f"code of {key.removeprefix(CODE_PREFIX)}{whose} changed", ""
        elif place == "shown":
            yield "the gallery shows another participant", ""
        elif place in PER_SAMPLE:
            yield MOVED, key
        elif place.partition(".")[0] in PER_SAMPLE:
            yield from _describe_sample(place.partition(".")[2], key, old, new)
        elif place == "files":
            yield f"the content of {key} changed", ""
        elif key == "video":
            yield NEW_VIDEO, ""
        else:
            known_as = name.removeprefix("settings.").removeprefix("code.")  # to users
            moved = _compare(old, new) if isinstance(old, list) and isinstance(new, list) else {}
            for verb, values in moved.items():
                yield f"{known_as}: {_brief(values)} {verb}", ""
            if not moved:
                yield f"{known_as} changed {_brief(old)} -> {_brief(new)}", ""


def _describe_sample(sample: str, key: str, old, new) -> Iterable[tuple[str, str]]:
    if key == "fold":
        yield MOVED, sample
    elif key in ("clips", "video"):
        yield f"other {key} of samples {{}}", sample
    else:
        yield f"{key} of samples {{}} changed {_brief(old)} -> {_brief(new)}", sample


def _find_followers(jobs: list[PlannedJob]) -> dict[PlannedJob, set[PlannedJob]]:
    readers = defaultdict(set)
    for job in jobs:
        for path in job.inputs:
            readers[path].add(job)
    return {job: set().union(*(readers[path] for path in job.outputs)) for job in jobs}


def _with_followers(job: PlannedJob, followers: dict) -> set[PlannedJob]:
    reached, queue = set(), [job]
    while queue:
        job = queue.pop()
        if job not in reached:
            reached.add(job)
            queue += followers[job]
    return reached


def _list_samples(depends_on: dict | None) -> set[str]:
    return set().union(*((depends_on or {}).get(group, ()) for group in PER_SAMPLE))


def _compare(old: list, new: list) -> dict[str, list]:
    """Return which values went and which came, if any did."""
    gone, added = ([v for v in a if v not in b] for a, b in ((old, new), (new, old)))
    return {verb: values for verb, values in (("removed", gone), ("added", added)) if values}


def _brief(value) -> str:
    if isinstance(value, list):
        return shorten_list(map(_brief, value))
    return "nothing" if value is None else str(value)
