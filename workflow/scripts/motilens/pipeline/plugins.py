"""Which methods the files of `plugins` hold, found without running them, and who uses which.

The process that plans does not import PyTorch, so names of methods are read from the syntax of the
files: `register("backbone", "my_network")`.
"""

import ast
import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.plugins import KINDS, explain_syntax_error
from motilens.core.suggestions import ask_whether, suggest_names
from motilens.evaluation.metrics import CONSTANT_RULES
from motilens.evaluation.paper import AVERAGE

REGISTER = "motilens.core.plugins"
EXAMPLE = 'register("backbone", "my_network")'
NAME = r"[A-Za-z][A-Za-z0-9_]{0,99}"
RESERVED = {"baseline": {*CONSTANT_RULES, AVERAGE}}  # of other methods in the tables
# Where the schema lists the methods of a kind.
SCHEMA_PLACES = {
    "backbone": "regressor.backbone",
    "autoencoder": "autoencoder.variant",
    "loss": "autoencoder.loss",
    "encoder": "inputs.NAME.encoder",
    "baseline": "baselines",
}
Method = tuple[str, str]  # kind and name


@dataclass(frozen=True)
class Plugins:
    """The methods of a folder: by kind and name, the file in it."""

    folder: Path | None
    methods: dict[Method, str]

    def files_of(self, methods: Iterable[Method]) -> frozenset[str]:
        """Return the files that hold these methods, as far as they are the user's own."""
        return frozenset(self.methods[m] for m in methods if m in self.methods)


def find_plugins(folder: str | Path | None) -> Plugins:
    """Return the methods that the Python files of a folder register (None: there is no folder).

    Raises:
        InputError: the folder is missing, or a line for each mistake in its files.
    """
    if folder is None:
        return Plugins(None, {})
    folder, methods, places, lines = Path(folder), {}, {}, []
    if not folder.is_dir():
        reason = "is a file: name the folder that holds it" if folder.exists() else "no such folder"
        raise InputError(f"plugins: {folder}: {reason}")
    for path in sorted(folder.glob("[!.]*.py")):
        try:
            for method, line in _read_methods(path):
                place = f"{path}, line {line}"
                if method in places:
                    lines.append(f"{place}: {' '.join(method)} is in {places[method]}, too")
                methods[method], places[method] = path.name, place
        except InputError as error:
            lines.append(str(error))
    if lines:
        raise InputError("\n  ".join(["plugins cannot be used:", *lines]))
    return Plugins(folder, methods)


def extend_schema(schema: dict, plugins: Plugins) -> dict:
    """Return a schema that also knows the methods of plugins.

    Raises:
        InputError: one has the name of a method that is there already.
    """
    schema = copy.deepcopy(schema)  # what two keys share stays shared
    for (kind, name), file in sorted(plugins.methods.items()):
        known = _list_in_schema(schema, kind)
        if name in known or name in RESERVED.get(kind, ()):
            raise InputError(
                f"{plugins.folder / file}: there is a {kind} {name} already: rename this one"
            )
        if isinstance(known, dict):
            known[name] = {"$ref": "#/$defs/weight"}  # no default: it makes nothing stale
        else:
            known.append(name)
    return schema


def methods_of_input(experiment, name: str) -> set[Method]:
    """Return the methods behind the encoder of an input type."""
    if name not in experiment.autoencoded:
        return {("encoder", experiment.encoder_kind(name))}
    settings = experiment.step_settings("autoencoder", name)
    terms = {("loss", term) for term, weight in settings["loss"].items() if weight}
    return terms | {("autoencoder", settings["variant"])}


def methods_of_step(experiment, step: str, wildcards) -> set[Method]:
    """Return the methods whose code a job of a step runs; of steps that only read tables, none."""
    if step in ("train_autoencoder", "make_feature_images"):
        return methods_of_input(experiment, wildcards["input"])
    if step == "plot_gallery":
        return set().union(*(methods_of_input(experiment, name) for name in experiment.autoencoded))
    if step == "predict_baseline":
        return {("baseline", wildcards["baseline"])}
    members = {"train_regressor": "input", "make_bundle": "method"}
    used = set()
    for name in experiment.members(wildcards[members[step]]) if step in members else ():
        if name in experiment.inputs:
            backbone = experiment.step_settings("regressor", name)["backbone"]
            used |= methods_of_input(experiment, name) | {("backbone", backbone)}
    return used


def _list_in_schema(schema: dict, kind: str) -> list | dict:
    """Return the list of names in the schema, or the dict of keys, that a kind adds to."""
    part = schema
    for key in SCHEMA_PLACES[kind].split("."):
        [part] = part["patternProperties"].values() if key == "NAME" else [part["properties"][key]]
    part = part.get("items", part)
    return part["enum"] if "enum" in part else part["properties"]


def _read_methods(path: Path) -> Iterator[tuple[Method, int]]:
    """Yield kind and name of each method that a file registers, and the line."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        raise explain_syntax_error(path, error) from error
    calls = list(_iter_calls(tree))
    if not calls and any(name.startswith(REGISTER) for name in _iter_imported(tree)):
        raise InputError(f"{path}: calls no `register` of {REGISTER}: write {EXAMPLE}")
    for call in calls:
        place = f"{path}, line {call.lineno}"
        given = dict(zip(("kind", "name"), call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords}
        values = {k: v.value for k, v in given.items() if isinstance(v, ast.Constant)}
        kind, name = values.get("kind"), values.get("name")
        if not isinstance(kind, str) or not isinstance(name, str):
            raise InputError(f"{place}: kind and name must be texts in quotes: {EXAMPLE}")
        if kind not in KINDS:
            hint = ask_whether(suggest_names(kind, KINDS))
            raise InputError(
                f"{place}: {kind} is no kind of method{hint}; there are {', '.join(KINDS)}"
            )
        if not re.fullmatch(NAME, name):
            raise InputError(
                f"{place}: {name!r} is no usable name: begin with a letter, go on with letters, "
                "digits and _"
            )
        yield (kind, name), call.lineno


def _iter_imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _iter_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of `register`, whatever name it is imported under."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            known_as = {f"{node.module}.{a.name}": a.asname or a.name for a in node.names}
            names |= {known_as[f] for f in known_as if f == f"{REGISTER}.register"}
            names |= {f"{known_as[f]}.register" for f in known_as if f == REGISTER}
        elif isinstance(node, ast.Import):
            names |= {f"{a.asname or a.name}.register" for a in node.names if a.name == REGISTER}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            yield node
