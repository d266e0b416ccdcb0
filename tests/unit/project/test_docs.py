"""The documentation: links lead somewhere, commands exist, forms are valid."""

import re

import pytest
import yaml
from generate_tables import RECORDINGS_PAGE, render_recordings

from support.configs import ROOT

PAGES = sorted(ROOT.glob("*.md")) + sorted(
    path for folder in ("docs", "config", "benchmarks") for path in ROOT.glob(f"{folder}/**/*.md")
)


def list_anchors(page):
    """Return the anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return set(plain)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in list_anchors(target), link


def test_there_are_pages():
    assert len(PAGES) > 15


PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]  # it also names what is gone


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_targets_that_are_named_exist(page):
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
    for name in re.findall(r"`((?:docs|config|benchmarks|rules|envs|workflow)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name


def test_every_page_of_the_docs_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                waiting.append((page.parent / link).resolve())
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= reached


def test_links_in_the_code_lead_somewhere():
    paths = [p for f in ("workflow", "rules", "config", "slurm") for p in ROOT.glob(f"{f}/**/*.*")]
    texts = [p.read_text(encoding="utf-8") for p in paths if p.suffix in (".py", ".smk", ".yaml")]
    links = set(re.findall(r"docs/[a-z-]+/\w+\.md(?:#[\w-]+)?", "\n".join(texts)))
    assert len(links) > 5
    for link in links:
        path, _, anchor = link.partition("#")
        assert (ROOT / path).exists(), link
        assert not anchor or anchor in list_anchors(ROOT / path), link


@pytest.mark.slow
def test_the_page_of_recordings_shows_what_happens():
    page = RECORDINGS_PAGE.read_text(encoding="utf-8")
    assert page == render_recordings(page), "write it again: make tables"


def test_forms_and_the_citation_are_valid():
    for path in [*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml"]:
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version"} <= cited.keys()
    version = (ROOT / "workflow/scripts/motilens/VERSION").read_text().strip()
    assert cited["version"] == version
