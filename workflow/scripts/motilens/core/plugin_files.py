"""Which methods the files of `plugins` hold, found without running them.

The process that plans does not import PyTorch, so names of methods are read from the syntax of the
files: `register("backbone", "my_network")`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.plugins import KINDS, explain_syntax_error
from motilens.core.suggestions import ask_whether, suggest_names

MODULE = "motilens.core.plugins"
EXAMPLE = 'register("backbone", "my_network")'
NAME = r"[A-Za-z][A-Za-z0-9_]{0,99}"
Method = tuple[str, str]  # kind and name


@dataclass(frozen=True)
class Plugins:
    """The methods of a folder: by kind and name, the file in it."""

    folder: Path | None
    methods: dict[Method, str]


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
            for method, line in read_methods(path):
                place = f"{path}, line {line}"
                if method in places:
                    lines.append(f"{place}: {' '.join(method)} is in {places[method]}, too")
                methods[method], places[method] = path.name, place
        except InputError as error:
            lines.append(str(error))
        except OSError as error:
            lines.append(f"{path}: cannot be read ({error.strerror}): correct or remove it")
    if lines:
        raise InputError("\n  ".join(["plugins cannot be used:", *lines]))
    if not methods:
        raise InputError(
            f"plugins: {folder}: no file in it registers a method (subfolders do not count): write "
            f"{EXAMPLE}, or remove the line"
        )
    return Plugins(folder, methods)


def read_methods(path: Path) -> Iterator[tuple[Method, int]]:
    """Yield kind and name of each method that a file registers, and the line.

    Raises:
        InputError: the file is no Python, or registers no kind and name as text.
    """
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        raise explain_syntax_error(path, error) from error
    calls, is_imported = _find_calls(tree)
    if is_imported and not calls:
        raise InputError(f"{path}: calls no `register` of {MODULE}: write {EXAMPLE}")
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


def _find_calls(tree: ast.Module) -> tuple[list[ast.Call], bool]:
    """Return the calls of `register`, whatever it is imported as, and whether it is imported."""
    known_as = {}  # what is imported, by its full name
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            known_as |= {f"{node.module}.{a.name}": a.asname or a.name for a in node.names}
        elif isinstance(node, ast.Import):
            known_as |= {a.name: a.asname or a.name for a in node.names}
    names = {known_as.get(f"{MODULE}.register"), f"{known_as.get(MODULE)}.register"}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    is_imported = any(name.startswith(MODULE) for name in known_as)
    return [call for call in calls if ast.unparse(call.func) in names], is_imported
