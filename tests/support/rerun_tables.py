"""How docs/reference/reruns.md shows the rows of staleness.py, and what edits make stale."""

import re
from collections import Counter
from collections.abc import Collection
from functools import cache, cached_property
from pathlib import Path

from support import planning
from support.configs import load_config
from support.predictions import write_external
from support.staleness import ALL_STEPS, GROUPS, REMOVED, Change


class Edits:
    """What edits of our files make stale, in a plan with all kinds of methods.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path):
        config = load_config("tests/support/tiny.yaml")
        config |= {"baselines": ["cells"], "ensembles": {"both": ["I1", "cells"]}}
        config["inputs"]["pca"] = {"frames": 1, "encoder": "pca"}
        config["regressor"]["weights"] = "IMAGENET1K_V1"
        write_external(folder / "theirs", planning.plan(config, folder)[1])
        config["external"] = {"theirs": "theirs"}
        _, self.experiment = planning.plan(config, folder)
        self.results = folder / config["results"]
        planning.write_clip_records(self.experiment, self.results)
        self.before = self._plan_after(())

    def _plan_after(self, steps: Collection[str]) -> dict:
        dependencies = planning.EditedCode(self.experiment, steps)
        return planning.depend(dependencies, self.results, on_demand=True)

    @cache  # noqa: B019  (many files are code of the same steps)
    def find_stale_steps(self, steps: frozenset[str]) -> set[str]:
        """Return the steps that run again after an edit of a file that is code of `steps`."""
        jobs = planning.stale_jobs(self.before, self._plan_after(steps), self.experiment)
        return {step for step, _ in jobs}

    @cached_property
    def followers(self) -> dict[str, set[str]]:
        """Return what an edit of each script makes stale: its step and what follows."""
        return {step: self.find_stale_steps(frozenset([step])) for step in ALL_STEPS}

    def find_first_steps(self, stale: set[str]) -> list[str]:
        """Return the steps that, with what follows them, are exactly those that are stale."""
        first, covered = [], set()
        for step in ALL_STEPS:
            if step in stale - covered:
                first.append(step)
                covered |= self.followers[step]
        assert covered == stale
        return first

    @cached_property
    def modules(self) -> dict[str, tuple[set[str], set[str]]]:
        """Return, for each module, the steps whose code it is and those that are stale."""
        modules = {}
        for path in sorted((planning.SCRIPTS / "motilens").rglob("*.py")):
            name = path.relative_to(planning.SCRIPTS).as_posix()
            steps = frozenset(step for step in ALL_STEPS if name in planning.read_code(step))
            modules[name.removeprefix("motilens/")] = steps, self.find_stale_steps(steps)
        return modules


def render_modules(edits: Edits) -> str:
    """Return the first steps that edits of modules make stale, and these modules, as Markdown.

    Modules that make nothing stale are left out.
    """
    modules: dict[str, list[str]] = {}
    for module, (_, stale) in edits.modules.items():
        if not module.endswith("__init__.py"):  # docstrings alone, which do not count
            first = " ".join(edits.find_first_steps(stale))
            modules.setdefault(first, []).append(module.removesuffix(".py"))
    packages = Counter(name.split("/")[0] for names in modules.values() for name in names)
    joined = {jobs: _join_packages(names, packages) for jobs, names in modules.items() if jobs}
    return _render_list(joined, ", ")


def _join_packages(modules: list[str], packages: Counter) -> list[str]:
    """Return modules by package as Markdown: `package/*`, `package/module`, `package/{a,b}`."""
    here: dict[str, list[str]] = {}
    for package, name in (module.split("/", 1) for module in modules):
        here.setdefault(package, []).append(name)
    texts = []
    for package, names in here.items():
        listed = f"{{{','.join(names)}}}" if len(names) > 1 else names[0]
        texts.append(f"`{package}/{'*' if len(names) == packages[package] else listed}`")
    return texts


def render_steps(edits: Edits) -> str:
    """Return what follows which steps as Markdown, without what follows that."""
    causes: dict[str, list[str]] = {}
    for step, stale in edits.followers.items():
        if following := " ".join(edits.find_first_steps(stale - {step})):
            causes.setdefault(following, []).append(f"`{step}`")
    return _render_list(causes, ", ")


def render_changes(rows: list[Change]) -> str:
    """Return what runs again, and after which changes, as Markdown."""
    changed: dict[str, list[str]] = {}
    for row in rows:
        text = f"{_render_change(row)} ({row.why})" if row.why else _render_change(row)
        text = "a default is written out" if row.why == "the default" else text
        changed.setdefault(row.reruns, []).append(text)
    joined = {jobs: _join_keys(listed) for jobs, listed in changed.items()}
    return _render_list(joined, "; ")


def _join_keys(changes: list[str]) -> list[str]:
    """Return the changes; those of more than five keys of a section become one."""
    sections = [re.sub(r"^`(\w+)\.[\w.]+`$", r"the other keys of `\1`", text) for text in changes]
    number = Counter(sections)
    return [s if number[s] > 5 else text for s, text in zip(sections, changes, strict=True)]


def _render_list(causes: dict[str, list[str]], separator: str) -> str:
    texts: dict[str, list[str]] = {}  # jobs that differ by a name alone share a line
    for jobs, listed in causes.items():
        texts.setdefault(_render_jobs(jobs), []).extend(listed)
    return "\n".join(
        f"- {jobs}: {separator.join(dict.fromkeys(listed))}" for jobs, listed in texts.items()
    )


def _render_change(row: Change) -> str:
    """Return what is changed; the new value of a key only where it matters."""
    if not isinstance(row.what, str):
        text = row.what.__doc__.rstrip(".")
        return f"{text}: `{row.to}`" if isinstance(row.to, str) and row.to else text
    is_section = row.what.endswith(".*") and row.what.removesuffix(".*") in row.to
    if (not row.why and "." in row.what) or is_section or row.what == "dataset.archive":
        return f"`{row.what}`"
    if not isinstance(row.to, dict):
        return f"`{row.what}: {row.to}`".replace("'", "")
    texts = [f"`{k}` {v}" if v == REMOVED else f"`{k}: {v}`" for k, v in row.to.items()]
    return ", ".join(texts).replace("'", "")


def _render_jobs(reruns: str) -> str:
    for name, jobs in GROUPS.items():
        reruns = reruns.replace(jobs, f"*{name.replace(' ', '~')}*")
    words = [re.sub(r"^(\w+)(\[.*\])?$", r"`\1`\2", word) for word in reruns.split()]
    text = ", ".join(words) or "nothing"
    text = re.sub(r"(input|target|seed|sample)=\w+", r"of this \1", text)
    text = re.sub(r"\[(.*?)\]", lambda m: " " + m[1].replace("=", " ").replace(",", ", "), text)
    return text.replace("~", " ")
