"""The documentation as a site: read from disk, it searches and fetches nothing."""

import re
import subprocess
import sys

import pytest

from support.configs import ROOT

PARTS = ("docs", "config", "benchmarks", "models", "LICENSE", "Makefile", "mkdocs.yml",
         "requirements.txt", "setup.sh")  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site of a clone that has an address."""
    clone = tmp_path_factory.mktemp("site")
    (clone / ".venv").symlink_to(sys.prefix)
    pages = [*ROOT.glob("*.md"), *(ROOT / name for name in PARTS)]
    subprocess.run(["cp", "-Rp", *pages, clone], check=True)
    library = clone / "workflow/scripts/motilens"
    library.mkdir(parents=True)
    (library / "VERSION").write_text("7.8.9\n")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    text = f"repository-code: https://example.org/motilens\n{citation}"
    (clone / "CITATION.cff").write_text(text, encoding="utf-8")
    subprocess.run(["make", "-s", "site"], cwd=clone, check=True)
    return clone / "site/html"


@pytest.mark.slow
def test_search_needs_neither_a_server_nor_a_network(site):
    page = (site / "index.html").read_text(encoding="utf-8")
    assert (site / "search/search_index.js").read_text().startswith("var __index = ")
    scripts = re.findall(r"<script[^>]* src=\"?([^\" >]+)", page)
    styles = re.findall(r"<link[^>]* href=\"?([^\" >]+\.css)", page)
    assert "docs/site/iframe-worker.js" in scripts and "docs/site/site.css" in styles
    assert not [address for address in scripts + styles if "//" in address]
    assert all((site / address).exists() for address in scripts + styles)


@pytest.mark.slow
def test_pages_show_version_repository_and_a_heading_for_each_section_of_keys(site):
    page = (site / "config/index.html").read_text(encoding="utf-8")
    assert "Motilens 7.8.9" in page and 'href="https://example.org/motilens"' in page
    keys = (ROOT / "config/README.md").read_text(encoding="utf-8")
    sections = dict.fromkeys(re.findall(r"^- `(\w+)", keys, re.MULTILINE))
    assert {"dataset", "frames", "compute"} < sections.keys()
    files = {"config", "own", "visem", "visem_tracking", "study", "extra_methods"}
    for section in sections.keys() - files:
        assert f'<h2 id="{section}">' in page, section
