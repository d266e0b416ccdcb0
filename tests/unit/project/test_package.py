"""The package: `pip install .` brings all that the command needs, and nothing is stated twice."""

import email
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml

import motilens.__main__
from motilens.pipeline import code_digest
from support.configs import ROOT
from support.project import run_motilens

LIBRARY = ROOT / "workflow/scripts/motilens"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION = (LIBRARY / "VERSION").read_text(encoding="utf-8").strip()
# Where a library is imported under another name than it is installed.
INSTALLED_AS = code_digest.INSTALLED_AS | {"PIL": "pillow", "yaml": "pyyaml"}
OPTIONAL = {"triton"}  # comes with PyTorch where there can be a GPU


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, unpacked in a folder without the clone."""
    folder = tmp_path_factory.mktemp("package")
    clone, installed = folder / "clone", folder / "installed"
    for name in ("config", "models", "workflow/scripts"):
        shutil.copytree(ROOT / name, clone / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=clone, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    zipfile.ZipFile(path).extractall(installed)
    shutil.rmtree(clone)
    return installed


@pytest.mark.slow
def test_the_wheel_holds_the_library_its_files_and_their_attributions(wheel):
    kinds = (".py", ".json", ".pt", ".yaml")
    files = [p for p in LIBRARY.rglob("*") if p.suffix in kinds or p.name == "VERSION"]
    assert len(files) > 100
    for file in files:
        installed = wheel / file.relative_to(LIBRARY.parent)
        assert not installed.is_symlink() and installed.read_bytes() == file.read_bytes()
    [about] = wheel.glob("*.dist-info")
    metadata = email.message_from_string((about / "METADATA").read_text(encoding="utf-8"))
    assert metadata["Version"] == VERSION
    assert "motilens = motilens.__main__:main" in (about / "entry_points.txt").read_text()
    texts = [p.read_text(encoding="utf-8") for p in about.glob("licenses/**/*") if p.is_file()]
    assert len(texts) == 3 and sum("CC BY 4.0" in text for text in texts) == 2


@pytest.mark.slow
def test_the_command_works_without_the_clone(wheel, tmp_path):
    drawn = run_motilens(
        "simulate", "new", "--participants=1", "--seconds=0.6", cwd=tmp_path, library=wheel
    )
    assert drawn.returncode == 0, drawn.stderr
    tracked = run_motilens("track", "new/videos", "--no-video", cwd=tmp_path, library=wheel)
    assert tracked.returncode == 0 and "cells" in tracked.stdout, tracked.stderr
    refused = run_motilens("predict", "new/videos", cwd=tmp_path, library=wheel)
    assert refused.returncode == 1 and "1 s is the least" in refused.stdout, refused.stderr


@pytest.fixture
def call(monkeypatch, capsys):
    """Return a function that runs the command here; code and output come back."""
    monkeypatch.setattr(motilens.__main__, "put_own_packages_first", lambda: None)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["motilens", *arguments])
        with pytest.raises(SystemExit) as stop:
            motilens.__main__.main()
        return stop.value.code, "".join(capsys.readouterr())

    return call


def test_help_version_and_mistakes(call):
    assert call("--version") == (0, f"motilens {VERSION}\n")
    options = {"track": "--no-video", "predict": "--model", "simulate": "--seed"}
    assert options.keys() == motilens.__main__.COMMANDS.keys()
    for command, option in options.items():
        code, output = call(command, "--help")
        assert code == 0 and option in output and f"usage: motilens {command} " in output
        assert f"{command}: " in call("--help")[1]
    for wrong in ((), ("trakc",), ("track",), ("predict", "--video"), ("simulate",)):
        code, output = call(*wrong)
        assert code == 2 and "usage: motilens" in output and "error: " in output
    assert call("track", "none.avi") == ("ERROR: none.avi: no such file or folder", "")


def test_dependencies_are_what_the_commands_import_at_the_versions_of_the_lock(monkeypatch):
    monkeypatch.setattr(code_digest, "NOT_COUNTED", ())
    sources = code_digest.list_sources(LIBRARY / "__main__.py", LIBRARY.parent)
    names = {name.partition(".")[0] for file in sources for name in code_digest.list_imports(file)}
    libraries = names - set(sys.stdlib_module_names) - {"motilens"} - OPTIONAL
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w-]+)==(\d+\.\d+)", lock, re.MULTILINE))
    expected = {INSTALLED_AS.get(name, name) for name in libraries}
    assert PROJECT["project"]["dependencies"] == [
        f"{name}>={pins[name]}" for name in sorted(expected)
    ]


def test_the_version_is_in_one_place_and_what_repeats_it_agrees():
    assert PROJECT["project"]["dynamic"] == ["version"]
    source = ROOT / PROJECT["tool"]["setuptools"]["dynamic"]["version"]["file"]
    assert source == LIBRARY / "VERSION"
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == VERSION
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, date = re.search(r"^## (\S+), (\S+)$", changes, re.MULTILINE).groups()
    assert version == VERSION
    # A release has one date. Until then, it has none.
    assert str(cited.get("date-released", "unreleased")) == date


def test_links_of_the_library_lead_to_the_only_copy():
    for link in filter(lambda path: path.is_symlink(), LIBRARY.rglob("*")):
        assert not link.readlink().is_absolute() and link.resolve().is_relative_to(ROOT)
    assert (LIBRARY / "pipeline/schema.yaml").samefile(ROOT / "config/schema.yaml")
