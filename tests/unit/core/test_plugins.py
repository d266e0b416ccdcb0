"""Files of the user's own methods: what is imported, and what errors name."""

import sys

import pytest

from motilens.core.plugins import describe_plugin_error, is_plugin, load_plugins, register
from motilens.models.losses import LOSS_TERMS
from support.errors import assert_refused
from support.own_plugins import load_files, write_files

LOSS = """
@register("loss", "{}")
def compute(reconstruction, stacks):
    return (stacks**2).mean()
"""


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "mine"
    load_plugins(tmp_path, [])  # forgets those of the test


def test_methods_are_registered_and_the_next_files_replace_them(folder):
    built_in = [*LOSS_TERMS]
    load_files(folder, a=LOSS.format("first"), b=LOSS.format("second"))
    assert [*LOSS_TERMS] == [*built_in, "first", "second"] and is_plugin("loss", "first")
    assert not is_plugin("loss", "mse")
    load_files(folder, c=LOSS.format("third"))
    assert [*LOSS_TERMS] == [*built_in, "third"]


def test_only_the_chosen_files_can_be_imported(folder):
    write_files(folder, helpers="ONE = 1\n", net="from .helpers import ONE\n" + LOSS.format("net"))
    load_plugins(folder, ["net.py", "helpers.py"])
    assert is_plugin("loss", "net") and not (folder / "__pycache__").exists()
    assert_refused("No module named 'motilens_plugins.helpers'", load_plugins, folder, ["net.py"])


def test_subfolders_hold_helpers(folder):
    write_files(folder, net="from .parts.deep import TWO\nfrom . import parts\n")
    write_files(folder / "parts", deep="from . import ONE\nTWO = 2 * ONE\n", __init__="ONE = 1\n")
    load_plugins(folder, ["net.py", "parts/__init__.py", "parts/deep.py"])
    assert sys.modules["motilens_plugins.parts.deep"].TWO == 2


def test_an_edit_within_a_second_counts(folder):
    for value in (1, 2):
        load_files(folder, net=f"VALUE = {value}\n")
        assert value == sys.modules["motilens_plugins.net"].VALUE


@pytest.mark.parametrize("text, message", [
    ("1 / 0\n", "mine/a.py, line 2: ZeroDivisionError: division by zero"),
    ("import no_such_library\n", "line 2: .*no_such_library.*: install it where this step runs"),
    ("import b\n", "import files of the folder as `from .b import ...`"),
    ("import sys\nsys.exit(0)\n", "mine/a.py, line 3: SystemExit: 0"),
    ("if True:\nx = 1\n", "mine/a.py, line 3: IndentationError"),
    (LOSS.format("mse"), "mine/a.py: the loss mse is there already"),
    (LOSS.format("x") + LOSS.format("x"), "mine/a.py: the loss x is there already"),
    ('@register("loss", "x")\ndef f(a):\n    pass\n',
     r"mine/a.py: the loss x must take \(reconstruction, stacks\): too many positional"),
    ('@register("encoder", "x")\nclass A:\n    def __init__(self, frames):\n        pass\n',
     r"the encoder x must take \(\): missing a required argument: 'frames'"),
])  # fmt: skip
def test_a_file_that_cannot_be_used_is_named(folder, text, message):
    write_files(folder, b="")
    assert_refused(message, load_files, folder, a=text)


@pytest.mark.parametrize("name", ["gone.py", "../outside.py", "parts/../../outside.py", "/"])
def test_what_is_not_in_the_folder_is_not_imported(folder, name):
    write_files(folder)
    (folder.parent / "outside.py").write_text("raise SystemExit\n")
    name = str(folder.parent / "outside.py") if name == "/" else name
    assert_refused(f"{name} is missing", load_plugins, folder, [name])


def test_the_line_of_an_error_is_found_in_plugins_alone(folder):
    load_files(folder, net=LOSS.format("net"))
    with pytest.raises(TypeError) as caught:
        LOSS_TERMS["net"](0, "text")
    assert describe_plugin_error(caught.value).startswith("mine/net.py, line 5: TypeError: ")
    with pytest.raises(KeyError) as caught:
        register("lost", "net")(print)
    assert describe_plugin_error(caught.value) is None
