"""The clone's own library, and the environment's packages, before those of PYTHONPATH."""

import os
import site
import subprocess
import sys
import types

import pytest

from motilens.core import packages
from support.errors import assert_refused

PROGRAM = """
import sys
sys.path.insert(0, {scripts!r})
from motilens.core.packages import put_own_packages_first
put_own_packages_first()
import subprocess
code = "import motilens, ffmpeg; print(motilens.__file__, ffmpeg.__file__)"
exec(code)
subprocess.run([sys.executable, "-c", code])
"""


@pytest.fixture
def foreign(tmp_path):
    """A folder with another `motilens`, another `ffmpeg`, and what Python imports by itself."""
    for name in ("motilens", "ffmpeg"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "sitecustomize.py").write_text("print('customized')")
    return tmp_path


@pytest.mark.parametrize("pattern", ["{}", ":{}:", "{scripts}:{}"])
def test_foreign_packages_come_last_here_and_in_child_processes(foreign, pattern):
    path = pattern.format(foreign, scripts=packages.SCRIPTS)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(scripts=str(packages.SCRIPTS))],
        env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    installed = site.getsitepackages()[0]
    line = f"{packages.SCRIPTS}/motilens/__init__.py {installed}/ffmpeg/__init__.py"
    lines = done.stdout.splitlines()
    assert sorted(lines) == sorted(["customized", line, "customized", line])


def test_another_library_and_another_ffmpeg_are_named(tmp_path, monkeypatch):
    packages.check_packages(packages.SCRIPTS)
    packages.check_packages("/in/a/container")
    message = f"{packages.SCRIPTS}/motilens was imported, not {tmp_path}/motilens: remove"
    assert_refused(message, packages.check_packages, tmp_path)
    other = types.ModuleType("ffmpeg")
    other.__file__ = "/lab/ffmpeg/__init__.py"
    monkeypatch.setitem(sys.modules, "ffmpeg", other)
    assert_refused(
        "/lab/ffmpeg/__init__.py is not the package ffmpeg-python", packages.check_packages
    )
