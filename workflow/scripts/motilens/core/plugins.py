"""Methods of the user's own: Python files in a folder (docs/how-to/extending.md).

A file names its methods by `register`. Only the files that a step uses are imported, and they are a
part of its code (motilens/pipeline/plugins.py).
"""

import contextlib
import importlib.abc
import inspect
import math
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

from motilens.core.errors import InputError
from motilens.core.faults import is_machine_fault
from motilens.core.text import describe_error

PACKAGE = "motilens_plugins"  # files of the folder are its modules
CODE_PREFIX = "plugins/"  # of their names in what a step's code is
Method = TypeVar("Method", bound=Callable)


class Kind(NamedTuple):
    """A kind of method: the dict of the library that holds all of it, and how they are called."""

    module: str
    registry: str
    arguments: tuple[str, ...]


KINDS = {
    "backbone": Kind("motilens.models.backbones", "BACKBONES", ("channels", "outputs")),
    "autoencoder": Kind(
        "motilens.models.autoencoders", "AUTOENCODERS", ("frames", "repeats", "variant")
    ),
    "loss": Kind("motilens.models.losses", "LOSS_TERMS", ("reconstruction", "stacks")),
    "encoder": Kind("motilens.models.fixed_encoders", "FIXED_ENCODERS", ()),
    "baseline": Kind(
        "motilens.motility.baselines",
        "BASELINES",
        ("labels", "training", "held_out", "frame_rates", "seed"),
    ),
}
_registered: dict[tuple[str, str], str] = {}  # kind and name: the file, for people
_finders: list["_Finder"] = []  # of the files that may be imported


def register(kind: str, name: str) -> Callable[[Method], Method]:
    """Make a class or function a method that a configuration can name.

    Args:
        kind: one of KINDS.
        name: text in quotes, since it is also read without running the file.
    """
    place = _name_for_people(sys._getframe(1).f_code.co_filename)

    def add(method: Method) -> Method:
        methods, wanted = _registry(kind), KINDS[kind].arguments
        if name in methods:
            raise InputError(f"{place}: the {kind} {name} is there already: rename it")
        try:
            inspect.signature(method).bind(*wanted)
        except TypeError as error:
            raise InputError(
                f"{place}: the {kind} {name} must take ({', '.join(wanted)}): {error}"
            ) from error
        except ValueError:
            pass  # code in C may have no signature
        methods[name], _registered[kind, name] = method, place
        return method

    return add


def load_plugins(folder: Path, names: Iterable[str]) -> None:
    """Import files of a folder, and no others of it, in place of those imported before.

    `names` are paths in the folder, with / between parts.

    Raises:
        InputError: one is missing, cannot be imported, or registers what is there already.
    """
    _forget_plugins()
    _finders.append(finder := _Finder(folder, names))
    sys.meta_path.insert(0, finder)
    for module, path in sorted(finder.files.items()):
        try:
            importlib.import_module(module)
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            text = describe_plugin_error(error) or f"{path}: {describe_error(error)}"
            raise InputError(text) from error


def is_plugin(kind: str, name: str) -> bool:
    """Return whether a method is one of the user's own."""
    return (kind, name) in _registered


def list_plugin_files(code: Iterable[str]) -> list[str]:
    """Return the plugin files among the code of a step, as `load_plugins` names them."""
    return [name.removeprefix(CODE_PREFIX) for name in code if name.startswith(CODE_PREFIX)]


def list_missing_plugins(code: Iterable[str]) -> list[str]:
    """Return the names of plugin files that are not loaded, of the code of a step."""
    loaded = {name for finder in _finders for name in finder.names}
    return [name for name in list_plugin_files(code) if name not in loaded]


def check_output(
    kind: str,
    name: str,
    output,
    shape: tuple[int, ...],
    *,
    part: str = "",
    dtype=None,
    needs_gradient: bool = False,
) -> None:
    """Check what a method of the user's returns; the library's own are not checked.

    Args:
        output: an array or tensor of `shape` is expected, with finite numbers.
        part: which part of the method returns it, such as "'s encoder".
        dtype: of the array, if only one will do.
        needs_gradient: whether it is to be trained, by tensors of PyTorch.

    Raises:
        InputError: it is something else.
    """
    if not is_plugin(kind, name):
        return
    wanted = f"an array of shape {tuple(shape)} is expected"
    problem = ""
    if not hasattr(output, "shape") or not hasattr(output, "dtype"):  # a table has several dtypes
        problem = f"returns a {type(output).__name__}: {wanted}"
    elif tuple(output.shape) != tuple(shape):
        problem = f"returns the shape {tuple(output.shape)}: {wanted}"
    elif dtype not in (None, output.dtype):
        problem = f"returns {output.dtype}: {dtype} is expected"
    elif not _is_finite(output):
        problem = "returns values that are no finite numbers (NaN, infinite, or text)"
    elif needs_gradient and not output.requires_grad:
        problem = "has no gradient, so nothing would be learned: leave detach and rounding out"
    if problem:
        raise InputError(f"{_registered[kind, name]}: the {kind} {name}{part} {problem}")


def _is_finite(output) -> bool:
    try:
        return bool((abs(output) < math.inf).all())
    except TypeError:  # of an array of text
        return False


@contextlib.contextmanager
def blame_plugin(kind: str, name: str) -> Iterator[None]:
    """Name the plugin's file in errors of the block, if the method is one of the user's own.

    Raises:
        InputError: the block fails, and not because of the machine.
    """
    try:
        yield
    except Exception as error:
        if not is_plugin(kind, name) or isinstance(error, InputError) or is_machine_fault(error):
            raise
        what = f"{_registered[kind, name]}: {type(error).__name__}: {describe_error(error)}"
        text = describe_plugin_error(error) or what
        raise InputError(f"{text} (the {kind} {name})") from error


def describe_plugin_error(error: BaseException) -> str | None:
    """Return where and why the code of a plugin failed; None if no plugin did."""
    files = {str(path) for finder in _finders for path in finder.files.values()}
    frames = traceback.extract_tb(error.__traceback__)
    places = [(frame.filename, frame.lineno) for frame in frames if frame.filename in files]
    if isinstance(error, SyntaxError) and error.filename in files:
        places.append((error.filename, error.lineno))
    if not places:
        return None
    file, line = places[-1]
    text = f"{_name_for_people(file)}, line {line}: {type(error).__name__}: {describe_error(error)}"
    if isinstance(error, ModuleNotFoundError):
        name = (error.name or "").removeprefix(f"{PACKAGE}.")
        if Path(file).with_name(f"{name}.py").exists():
            return f"{text}: import files of the folder as `from .{name} import ...`"
        return f"{text}: install it where this step runs (.venv, or envs/ with conda)"
    return text


def explain_syntax_error(path: Path, error: SyntaxError | ValueError) -> InputError:
    """Return the error of a file that `ast.parse` refuses; a ValueError is of zeros in it."""
    line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
    reason = error.msg if isinstance(error, SyntaxError) else error
    return InputError(f"{path}{line}: {reason}: correct it, or move the file elsewhere")


def _registry(kind: str) -> dict[str, Callable]:
    """Return the library's dict of a kind; it is imported when a plugin needs it."""
    return getattr(importlib.import_module(KINDS[kind].module), KINDS[kind].registry)


def _name_for_people(file: str) -> str:
    for finder in _finders:
        if Path(file).is_relative_to(finder.folder):
            return f"{finder.folder.name}/{Path(file).relative_to(finder.folder).as_posix()}"
    return file


def _forget_plugins() -> None:
    """Remove all plugins, for the next ones."""
    for kind, name in list(_registered):
        del _registry(kind)[name], _registered[kind, name]
    for module in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[module]
    while _finders:
        sys.meta_path.remove(_finders.pop())


class _Finder(importlib.abc.MetaPathFinder):
    """Find chosen files of a folder as modules of PACKAGE: what is not chosen cannot be used."""

    def __init__(self, folder: Path, names: Iterable[str]):
        self.folder, self.names, self.files = folder.resolve(), [*names], {}
        for name in self.names:
            parts, path = PurePosixPath(name).with_suffix("").parts, self.folder / name
            if {"..", "/"} & {*parts} or not path.is_file():
                raise InputError(f"{folder}: {name} is missing: bring it back, or name its folder")
            is_package = parts[-1] == "__init__"
            self.files[".".join((PACKAGE, *(parts[:-1] if is_package else parts)))] = path

    def find_spec(self, fullname, path, target=None):
        """Return how to load a module; None if it is none of these."""
        if path := self.files.get(fullname):
            folders = [] if path.name == "__init__.py" else None
            loader = _Loader(fullname, str(path))
            return spec_from_file_location(
                fullname, path, loader=loader, submodule_search_locations=folders
            )
        inside = any(name.startswith(f"{fullname}.") for name in self.files)
        return ModuleSpec(fullname, None, is_package=True) if inside else None


class _Loader(SourceFileLoader):
    """Read a file itself, never its bytecode, which an edit within a second leaves valid."""

    def path_stats(self, path):
        """Keep Python from looking for bytecode, and from writing any."""
        raise OSError
