"""The code behind a step: its script, the modules that it imports, and the versions of libraries.

It is a part of what the step's rule depends on, so an edited module makes exactly those steps stale
that use it. What cannot change a result does not count: comments, docstrings, layout, the words
of error and log messages, and the packages `pipeline` and `compute` and the module `core.faults`,
which say how a step is run, how its arithmetic is done, and how a step of a faulty machine ends.
"""

import ast
import functools
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

NOT_COUNTED = ("motilens.pipeline", "motilens.compute", "motilens.core.faults")
LOGGING = ("debug", "info", "warning", "error", "exception")
# Where a library is imported under another name than it is installed.
INSTALLED_AS = {
    "ffmpeg": "ffmpeg-python", "imageio_ffmpeg": "imageio-ffmpeg", "sklearn": "scikit-learn",
    "PIL": "pillow", "yaml": "pyyaml",
}  # fmt: skip


def code_versions(script: Path, requirements: Path, folder: Path | None = None) -> dict[str, str]:
    """Return what a step's code is made of, by its script and the file of pins, `name==version`.

    Args:
        folder: that holds the library; None: that of `script`.

    Returns:
        For our files, by their path beside the script, the first 16 hex digits of the SHA-256 of
        their normalized code; for libraries, by name, the version in `requirements`.
    """
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", requirements.read_text("utf-8"), re.MULTILINE))
    versions = {}
    folder = folder or script.parent
    for source in list_sources(script, folder):
        digest, imports = _parse_source(source.read_text(encoding="utf-8"))
        versions[source.relative_to(folder).as_posix()] = digest
        for name in imports:
            top = name.partition(".")[0]
            library = INSTALLED_AS.get(top, top)
            versions |= {library: pins[library]} if library in pins else {}
    return dict(sorted(versions.items()))


def list_sources(script: Path, folder: Path | None = None) -> list[Path]:
    """Return `script` and every counted module of the library that it imports, directly or not."""
    folder = folder or script.parent
    sources, queue = set(), [script]
    while queue:
        path = queue.pop()
        if path in sources:
            continue
        sources.add(path)
        for name in list_imports(path):
            if name.partition(".")[0] == "motilens" and not name.startswith(NOT_COUNTED):
                queue += _module_files(folder, name)
    return sorted(sources)


def list_imports(path: Path) -> list[str]:
    """Return the names of all modules that a file may import (and some that are no modules)."""
    return _parse_source(path.read_text(encoding="utf-8"))[1]


def _module_files(root: Path, name: str) -> list[Path]:
    """Return what Python runs to import a module: `__init__.py` of its packages, and its file."""
    parts = name.split(".")
    files = [root.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts) + 1)]
    return [file for file in (*files, root.joinpath(*parts).with_suffix(".py")) if file.exists()]


@functools.cache
def _parse_source(text: str) -> tuple[str, list[str]]:
    """Return the digest of code and all that it imports; once for each text."""
    tree = ast.parse(text)
    digest = hashlib.sha256(repr(_normalize(tree)).encode()).hexdigest()[:16]
    return digest, list(_iter_imports(tree))


def _iter_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _normalize(node):
    """Return a syntax tree as plain values, without docstrings, messages and empty fields.

    Fields that are empty differ between versions of Python.
    """
    if isinstance(node, list):
        return [_normalize(part) for part in node if not _is_message(part)]
    if not isinstance(node, ast.AST):
        return node
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return "Raise", _normalize(node.exc.func)
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    return type(node).__name__, [(name, _normalize(fields[name])) for name in sorted(fields)]


def _is_message(node) -> bool:
    """Return whether a statement is a docstring or writes to the log."""
    match node:
        case ast.Expr(ast.Constant(str())):
            return True
        case ast.Expr(ast.Call(ast.Attribute(ast.Name("logger"), name))):
            return name in LOGGING
    return False
