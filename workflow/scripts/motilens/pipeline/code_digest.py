"""Digest of the code behind a step: its script, the modules that it imports, and libraries.

It is a parameter of the step's rule, so an edited module makes exactly those steps stale that
use it. Comments, docstrings and layout do not count.
"""

import ast
import functools
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

# Where a library is imported under another name than it is installed.
INSTALLED_AS = {
    "ffmpeg": "ffmpeg-python", "imageio_ffmpeg": "imageio-ffmpeg", "sklearn": "scikit-learn",
}  # fmt: skip


def code_versions(script: Path, requirements: Path) -> dict[str, str]:
    """Of all that `script` uses: digests of our modules, pinned versions of libraries.

    Args:
        requirements: file of pins, `name==version`.

    Returns:
        For our files, by their path beside the script, the first 16 hex digits of the SHA-256
        of their parsed code; for libraries, by name, the version in `requirements`.
    """
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", requirements.read_text("utf-8"), re.MULTILINE))
    found = {}
    for source in list_sources(script):
        digest, imports = _parse_source(source.read_text(encoding="utf-8"))
        found[source.relative_to(script.parent).as_posix()] = digest
        names = {name.partition(".")[0] for name in imports}
        libraries = {INSTALLED_AS.get(name, name) for name in names}
        found |= {library: pins[library] for library in libraries & pins.keys()}
    return dict(sorted(found.items()))


def list_sources(script: Path) -> list[Path]:
    """`script` and every module of the library that it imports, directly or not."""
    root, found, queue = script.parent, set(), [script]
    while queue:
        path = queue.pop()
        if path in found:
            continue
        found.add(path)
        for name in list_imports(path):
            if name.partition(".")[0] == "motilens":
                queue += _module_files(root, name)
    return sorted(found)


def _module_files(root: Path, name: str) -> list[Path]:
    """What Python runs to import a module: its file, and `__init__.py` of each package above it."""
    parts = name.split(".")
    files = [root.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts) + 1)]
    return [file for file in (*files, root.joinpath(*parts).with_suffix(".py")) if file.exists()]


def list_imports(path: Path) -> list[str]:
    """Names of all modules that a file may import (and some that are no modules)."""
    return _parse_source(path.read_text(encoding="utf-8"))[1]


@functools.cache
def _parse_source(text: str) -> tuple[str, list[str]]:
    """Digest of code, and all that it imports; once for each text, for many steps share modules."""
    tree = ast.parse(text)
    digest = hashlib.sha256(repr(_normalize_syntax_tree(tree)).encode()).hexdigest()[:16]
    return digest, list(_iter_imports(tree))


def _iter_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _normalize_syntax_tree(node):
    """The syntax tree without docstrings and empty fields, which differ between Pythons."""
    if isinstance(node, list):
        return [_normalize_syntax_tree(part) for part in node]
    if not isinstance(node, ast.AST):
        return node
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            fields["body"] = node.body[1:]
    return type(node).__name__, [
        (name, _normalize_syntax_tree(fields[name])) for name in sorted(fields)
    ]
