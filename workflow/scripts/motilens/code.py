"""Digest of the code behind a step: its script and all of this library that it imports.

The digest is a parameter of the step's rule, so an edited module makes exactly those steps
stale that use it. Comments, docstrings and layout do not count.
"""

import ast
import hashlib
from pathlib import Path


def digest(script: Path) -> str:
    """SHA-256 (first 16 hex digits) over the parsed code of `script` and the modules it imports.

    Modules are found by the statements `from motilens import a` and `from motilens.a import b`.
    """
    parsed = {path.name: ast.unparse(_without_docstrings(path)) for path in sources(script)}
    return hashlib.sha256(repr(sorted(parsed.items())).encode()).hexdigest()[:16]


def sources(script: Path) -> list[Path]:
    """`script` and every module of the library that it imports, directly or not."""
    library = script.parent / "motilens"
    found, queue = [], [script]
    while queue:
        path = queue.pop()
        if path in found:
            continue
        found.append(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("motilens"):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                files = [library.parent / (name.replace(".", "/") + ".py") for name in names]
                queue += [library / "__init__.py", *(file for file in files if file.exists())]
    return sorted(found)


def _without_docstrings(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return tree
