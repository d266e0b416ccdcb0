"""Tables with the notes that belong to them, as Markdown and as a web page."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd

from motilens.core.files import atomic_write

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #111; background: #fff; margin: 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ccc; }
th:first-child { text-align: left; }
tbody th { font-weight: normal; }
thead th { border-bottom: 2px solid #111; }
p { max-width: 46rem; }
"""


@dataclass(frozen=True)
class Page:
    """What a page holds.

    Args:
        title: of the page.
        parts: a heading, which may be empty, and a table of text for each.
        notes: paragraphs, in which **this** is strong, *this* emphasized, and `this` a name.
    """

    title: str
    parts: Sequence[tuple[str, pd.DataFrame]]
    notes: Sequence[str]


def write_page(page: Page, markdown_path: str, html_path: str) -> None:
    """Write the page in both forms."""
    for text, path in ((render_markdown(page), markdown_path), (render_html(page), html_path)):
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def render_markdown(page: Page) -> str:
    """Return the page as Markdown."""
    blocks = [f"# {page.title}"]
    for heading, table in page.parts:
        blocks += [f"## {heading}"] if heading else []
        blocks.append(table.to_markdown(index=False, disable_numparse=True))
    return "\n\n".join([*blocks, *page.notes]) + "\n"


def render_html(page: Page) -> str:
    """Return the page as HTML that needs no other file."""
    title = html.escape(page.title)
    blocks = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>"
    ]
    for heading, table in page.parts:
        blocks += [f"<h2>{html.escape(heading)}</h2>"] if heading else []
        blocks.append(render_html_table(table, heading or page.title))
    blocks += [f"<p>{render_html_note(note)}</p>" for note in page.notes]
    return "\n".join([*blocks, "</body></html>\n"])


def load_template(path: Path, **filters) -> jinja2.Template:
    """Return a template of HTML, in which what is not known is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters |= filters
    return environment.get_template(path.name)


def render_html_table(table: pd.DataFrame, name: str) -> str:
    """Return a table of text as HTML, in a box that scrolls; its first column heads the rows."""
    rows = ["".join(f'<th scope="col">{html.escape(str(column))}</th>' for column in table)]
    for head, *cells in table.itertuples(index=False):
        texts = "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells)
        rows.append(f'<th scope="row">{html.escape(str(head))}</th>{texts}')
    head, *body = (f"<tr>{row}</tr>\n" for row in rows)
    start = f'<div class="scroll" role="region" tabindex="0" aria-label="{html.escape(name)}">'
    return f"{start}<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table></div>"


def render_html_note(note: str) -> str:
    """Return a paragraph of a page (`Page.notes`) as HTML."""
    text = html.escape(note, quote=False)
    for pattern, tag in ((r"\*\*(.+?)\*\*", "strong"), (r"\*(.+?)\*", "em"), (r"`(.+?)`", "code")):
        text = re.sub(pattern, rf"<{tag}>\1</{tag}>", text)
    return text
