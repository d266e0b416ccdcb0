"""The code behind a step: its script, the modules that it imports, and the versions of libraries.

It is a part of what the step's rule depends on, so an edited module makes exactly those steps stale
that use it. What cannot change a result does not count: comments, docstrings, layout, the words
of error and log messages, and the packages `pipeline` and `compute` and the module `core.faults`,
which say how a step is run, how its arithmetic is done, and how a step of a faulty machine ends;
neither does `core.plugins`, which finds methods of the user's own: their files count.
"""

import ast
import functools
import hashlib
import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from motilens.core.plugins import CODE_PREFIX, PACKAGE, explain_syntax_error

NOT_COUNTED = (
    "motilens.pipeline", "motilens.compute", "motilens.core.faults", "motilens.core.plugins",
)  # fmt: skip
LOGGING = ("debug", "info", "warning", "error", "exception")
# Where a library is imported under another name than it is installed.
INSTALLED_AS = {
    "PIL": "pillow", "ffmpeg": "ffmpeg-python", "imageio_ffmpeg": "imageio-ffmpeg",
    "mpl_toolkits": "matplotlib", "sklearn": "scikit-learn", "yaml": "pyyaml",
}  # fmt: skip


def code_versions(
    script: str | Path, requirements: Path | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Return what a step's code is made of.

    Args:
        script: of the step, or a module of the library.
        requirements: file of pins, `name==version`; None: the versions that are installed.
        folder: that holds the library; None: that of `script`.

    Returns:
        For our files, by their path beside the script, the first 16 hex digits of the SHA-256 of
        their normalized code; for libraries, by name, the version in `requirements`.
    """
    script = Path(script)
    folder = folder or script.parent
    sources = {path.relative_to(folder).as_posix(): path for path in list_sources(script, folder)}
    return _digest_sources(sources, requirements)


def plugin_versions(
    folder: Path, names: Iterable[str], scripts: Path, requirements: Path | None
) -> dict[str, str]:
    """Return the same of files in a folder of the user's, with CODE_PREFIX before their names.

    What they import counts, too: of the folder, of the library in `scripts`, and libraries that
    have a pin.

    Raises:
        InputError: a file is no Python.
    """
    sources = {}
    queue = [*names, *(path.name for path in folder.glob("__init__.py"))]  # Python runs it, too
    while queue:
        name = queue.pop()
        if CODE_PREFIX + name in sources:
            continue
        path = sources[CODE_PREFIX + name] = folder / name
        try:
            imports = list_imports(path)
        except (SyntaxError, ValueError) as error:
            raise explain_syntax_error(path, error) from error
        for imported in imports:
            if inside := _name_in_folder(name, imported):
                queue += [f.relative_to(folder).as_posix() for f in _module_files(folder, inside)]
            for module in _library_files(scripts, imported):
                found = list_sources(module, scripts)
                sources |= {source.relative_to(scripts).as_posix(): source for source in found}
    return _digest_sources(sources, requirements)


def _digest_sources(sources: dict[str, Path], requirements: Path | None) -> dict[str, str]:
    find_version = read_pins(requirements).get if requirements else find_installed_version
    versions = {}
    for known_as, source in sources.items():
        versions[known_as], imports = _parse_source(source.read_bytes())
        for name in imports:
            top = name.partition(".")[0]
            library = INSTALLED_AS.get(top, top)
            if top != "motilens" and (version := find_version(library)):
                versions[library] = version
    return dict(sorted(versions.items()))


def read_pins(requirements: Path) -> dict[str, str]:
    """Return the version of each library in a file of pins."""
    text = requirements.read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)==(\S+)", text, re.MULTILINE))


def find_installed_version(library: str) -> str | None:
    """Return the version of a library; None if no library of this name is installed."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


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
            queue += _library_files(folder, name)
    return sorted(sources)


def list_imports(path: Path) -> list[str]:
    """Return the names of all modules that a file may import (and some that are no modules)."""
    return _parse_source(path.read_bytes())[1]


def _library_files(scripts: Path, name: str) -> list[Path]:
    """Return the files of a module of the library; none if it is no such module, or not counted."""
    is_counted = name.partition(".")[0] == "motilens" and not name.startswith(NOT_COUNTED)
    return _module_files(scripts, name) if is_counted else []


def _name_in_folder(importer: str, name: str) -> str:
    """Return what a plugin file imports as a module of its folder; empty if it is not of it."""
    module = name.lstrip(".")
    if above := len(name) - len(module):  # one dot: the folder of the importing file
        parts = PurePosixPath(importer).parts
        return ".".join(filter(None, (*parts[: max(len(parts) - above, 0)], module)))
    return name.removeprefix(f"{PACKAGE}.") if name.startswith(f"{PACKAGE}.") else ""


def _module_files(root: Path, name: str) -> list[Path]:
    """Return what Python runs to import a module: `__init__.py` of its packages, and its file."""
    parts = name.split(".")
    files = [root.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts) + 1)]
    return [file for file in (*files, root.joinpath(*parts).with_suffix(".py")) if file.exists()]


@functools.cache
def _parse_source(text: bytes) -> tuple[str, list[str]]:
    """Return the digest of code and all that it imports; once for each text."""
    tree = ast.parse(text)
    digest = hashlib.sha256(repr(_normalize(tree)).encode()).hexdigest()[:16]
    return digest, list(_iter_imports(tree))


def _iter_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            separator = "." if node.module else ""
            yield from (f"{module}{separator}{alias.name}" for alias in node.names)


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
