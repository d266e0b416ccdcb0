"""Promises of the project about itself: the lock, the environments, the set-up."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from support.configs import ROOT

LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")
PINS = dict(re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.MULTILINE))


def test_lock_has_hashes_and_no_addresses():
    entries = re.split(r"\n(?=[\w-])", LOCK.partition("\n")[2])[1:]
    assert len(entries) > 50 and all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?:|file:|@ |find-links|index-url", LOCK)


def test_lock_holds_what_requirements_in_asks_for():
    wanted = re.findall(
        r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.in").read_text(), re.MULTILINE
    )
    assert len(wanted) > 10
    assert all(PINS[name] == version for name, version in wanted)


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda p: p.name)
def test_conda_environments_have_the_locks_versions(path):
    environment = yaml.safe_load(path.read_text())
    for package in environment["dependencies"]:
        name, _, version = package.partition("=")
        if name != "python":
            assert PINS[{"pytorch": "torch"}.get(name, name)] == version, package


HOSTILE = {
    "PIP_FIND_LINKS": "/nowhere",
    "PIP_EXTRA_INDEX_URL": "file:///nowhere",
    "PIP_NO_INDEX": "1",
    "PIP_TARGET": "/nowhere",
    "PIP_CONSTRAINT": "/nowhere.txt",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "UV_FIND_LINKS": "/nowhere",
    "UV_NO_INDEX": "1",
    "UV_OFFLINE": "1",
    "UV_EXCLUDE_NEWER": "2001-01-01",
    "UV_CONSTRAINT": "/nowhere.txt",
}


def set_up(folder, **extra):
    """Run the project's own set-up, cut down to two small packages of the lock."""
    folder.mkdir()
    shutil.copy(ROOT / "setup.sh", folder)
    wanted = re.findall(r"^(?:uv|tabulate)==(?:.*\\\n)+.*\n", LOCK, re.MULTILINE)
    (folder / "requirements.txt").write_text("".join(wanted))
    return subprocess.run(
        ["sh", "setup.sh"], cwd=folder, env=os.environ | extra, capture_output=True, text=True
    )


def test_set_up_is_immune_to_settings_of_pip_and_uv(tmp_path):
    done = set_up(tmp_path / "hostile", **HOSTILE)
    if done.returncode and set_up(tmp_path / "friendly").returncode:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    code = "import tabulate; print(tabulate.__version__)"
    python = tmp_path / "hostile/.venv/bin/python"
    version = subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()
    assert version == PINS["tabulate"]


def test_set_up_explains_a_python_that_is_too_old(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name in ("python3.11", "python3.12", "python3.13"):
        (tmp_path / name).symlink_to(old)
    done = set_up(tmp_path / "project", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 1 and "needs Python 3.11 or newer" in done.stderr


def test_every_rule_says_what_it_needs_or_runs_where_it_is_called():
    """Otherwise a cluster would be asked for a job without account, partition, memory and time."""
    rules = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        parts = re.split(r"^ *(?:rule|checkpoint) (\w+):$", path.read_text(), flags=re.MULTILINE)
        rules |= dict(zip(parts[1::2], parts[2::2], strict=True))
    assert len(rules) > 12
    for name, text in rules.items():
        jobs = "script:" in text and "localrule: True" not in text
        assert jobs == bool(re.search(r"\*\*(job|training)_resources\(", text)), name
