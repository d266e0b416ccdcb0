"""Promises of the project about itself: the lock, the environments, the documentation."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from support.configs import ROOT

LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")


def read_pins(text):
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


PINS = read_pins(LOCK)


def test_lock_has_hashes_and_what_requirements_in_asks_for():
    entries = re.split(r"\n(?=[\w-])", LOCK.partition("\n")[2])[1:]
    assert len(entries) > 50 and all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?:|file:|@ |find-links|index-url", LOCK)
    wanted = read_pins((ROOT / "requirements.in").read_text())
    assert len(wanted) > 10 and wanted.items() <= PINS.items()


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda p: p.name)
def test_conda_environments_have_the_locks_versions(path):
    environment = yaml.safe_load(path.read_text())
    for package in environment["dependencies"]:
        name, _, version = package.partition("=")
        if name != "python":
            assert PINS[{"pytorch": "torch"}.get(name, name)] == version, package


NOWHERE = ("PIP_FIND_LINKS", "PIP_TARGET", "PIP_CONSTRAINT", "UV_FIND_LINKS", "UV_CONSTRAINT")
SWITCHES = ("PIP_NO_INDEX", "PIP_REQUIRE_VIRTUALENV", "UV_NO_INDEX", "UV_OFFLINE")
HOSTILE = dict.fromkeys(NOWHERE, "/nowhere") | dict.fromkeys(SWITCHES, "1")
HOSTILE |= {"PIP_EXTRA_INDEX_URL": "file:///nowhere", "UV_EXCLUDE_NEWER": "2001-01-01"}


def set_up(folder, **extra):
    """Run the project's own set-up, cut down to two small packages of the lock."""
    folder.mkdir()
    shutil.copy(ROOT / "setup.sh", folder)
    wanted = re.findall(r"^(?:uv|tabulate)==(?:.*\\\n)+.*\n", LOCK, re.MULTILINE)
    (folder / "requirements.txt").write_text("".join(wanted))
    options = {"cwd": folder, "env": os.environ | extra, "capture_output": True, "text": True}
    return subprocess.run(["sh", "setup.sh"], **options)


@pytest.mark.slow
def test_set_up_is_immune_to_settings_of_pip_and_uv(tmp_path):
    done = set_up(tmp_path / "hostile", **HOSTILE)
    if done.returncode and set_up(tmp_path / "friendly").returncode:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    code = f"import tabulate; assert tabulate.__version__ == '{PINS['tabulate']}'"
    subprocess.run([tmp_path / "hostile/.venv/bin/python", "-c", code], check=True)


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


PAGES = sorted(ROOT.glob("*.md")) + sorted(
    path for folder in ("docs", "config", "benchmarks") for path in ROOT.glob(f"{folder}/**/*.md")
)


def assert_leads_somewhere(link, page):
    """Anchors of headings are as GitHub and MkDocs make them."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.exists(), link
    if anchor:
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = [re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings]
        assert anchor in anchors, link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_and_files_and_targets_that_are_named_exist(page):
    text = page.read_text(encoding="utf-8")
    without_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code):
        if not re.match(r"https?://|mailto:", link):
            assert_leads_somewhere(link, page)
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
    for name in re.findall(r"`((?:docs|config|benchmarks|rules|envs|workflow)/[\w./-]+)`", text):
        assert (ROOT / name).exists() or page.name == "CHANGELOG.md", name  # names what is gone


def test_every_page_can_be_reached_and_links_in_the_code_lead_somewhere():
    assert len(PAGES) > 15
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        reached.add(page := waiting.pop())
        links = re.findall(r"\]\((?!http)([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        found = {(page.parent / link).resolve() for link in links if link.endswith(".md")}
        waiting.extend(found - reached)
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= reached
    paths = [p for f in ("workflow", "rules", "config", "slurm") for p in ROOT.glob(f"{f}/**/*.*")]
    texts = [p.read_text(encoding="utf-8") for p in paths if p.suffix in (".py", ".smk", ".yaml")]
    links = set(re.findall(r"docs/[a-z-]+/\w+\.md(?:#[\w-]+)?", "\n".join(texts)))
    assert len(links) > 5
    for link in links:
        assert_leads_somewhere(link, ROOT / "README.md")


def test_forms_and_the_citation_are_valid():
    for path in [*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml"]:
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version"} <= cited.keys()
