"""Tables with what must be known beside them, as Markdown and as a web page of its own."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from motilens.step import written_whole

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #111; background: #fff; margin: 1.5rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ccc; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 2px solid #111; }
p { max-width: 46rem; }
"""


@dataclass(frozen=True)
class Page:
    """What a page holds.

    Args:
        parts: a heading, which may be empty, and a table of text for each.
        notes: paragraphs, in which **this** is strong, *this* emphasised, and `this` a name.
    """

    title: str
    parts: Sequence[tuple[str, pd.DataFrame]]
    notes: Sequence[str]


def write(page: Page, as_markdown: str, as_web: str) -> None:
    """Write the page in both forms to these paths."""
    for text, path in ((markdown(page), as_markdown), (web(page), as_web)):
        with written_whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def markdown(page: Page) -> str:
    """The page as Markdown."""
    blocks = [f"# {page.title}"]
    for heading, table in page.parts:
        blocks += [f"## {heading}"] if heading else []
        blocks.append(table.to_markdown(index=False, disable_numparse=True))
    return "\n\n".join([*blocks, *page.notes]) + "\n"


def web(page: Page) -> str:
    """The page as HTML that needs nothing else."""
    blocks = [f"<h1>{html.escape(page.title)}</h1>"]
    for heading, table in page.parts:
        blocks += [f"<h2>{html.escape(heading)}</h2>"] if heading else []
        blocks.append(table.to_html(index=False, border=0))
    blocks += [f"<p>{_marked(note)}</p>" for note in page.notes]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(page.title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(blocks)
        + "\n</body></html>\n"
    )


def between(page: str, name: str, table: str) -> str:
    """A page of the docs with `table` between its marks `<!-- name -->` and `<!-- end -->`."""
    pattern = rf"(?s)(<!-- {name} -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda found: f"{found[1]}{table}\n{found[2]}", page)


def _marked(note: str) -> str:
    text = html.escape(note, quote=False)
    for pattern, tag in ((r"\*\*(.+?)\*\*", "strong"), (r"\*(.+?)\*", "em"), (r"`(.+?)`", "code")):
        text = re.sub(pattern, rf"<{tag}>\1</{tag}>", text)
    return text
