"""A text for each figure of Snakemake's report, for those who cannot see it: `make report`.

Snakemake's page shows figures without one. The figure's label and caption, which the page holds
beside it, say what is to be seen.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from motilens.core.command_line import run_command_line  # noqa: E402
from motilens.core.errors import InputError  # noqa: E402
from motilens.core.files import atomic_write  # noqa: E402

# How the page shows a figure (components/content.js of snakemake 9) and its own sign.
SHOWN = "{ src: this.props.app.state.contentPath }"
TEXT = """{
    src: this.props.app.state.contentPath,
    alt: (({labels, caption}) => [...Object.values(labels || {}), new DOMParser().parseFromString(
        caption || "", "text/html").body.textContent.trim()].join(": ")
    )(results[this.props.app.state.resultPath])
}"""
SIGN = "{ src: logo_uri, "


def main():
    page = Path(sys.argv[1])
    if page.suffix != ".html":
        print(f"{page}: figures have alternative texts in pages (.html) only")
        return
    text = page.read_text(encoding="utf-8")
    if text.count(SHOWN) != 1 or text.count(SIGN) != 1:
        raise InputError(
            f"{page}: this version of Snakemake shows figures in another way: the page is whole, "
            "but its figures have no alternative texts (workflow/alt_texts.py)"
        )
    with atomic_write(page) as temporary:
        temporary.write_text(
            text.replace(SHOWN, TEXT).replace(SIGN, SIGN + 'alt: "", '), encoding="utf-8"
        )


if __name__ == "__main__":
    run_command_line(main)
