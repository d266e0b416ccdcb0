"""Plugins that a test writes itself."""

from pathlib import Path

from motilens.core.plugins import load_plugins

IMPORT = "from motilens.core.plugins import register\n"


def write_files(folder: Path, **texts: str) -> Path:
    """Write Python files, each after an import of `register`; return their folder."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(IMPORT + text, encoding="utf-8")
    return folder


def load_files(folder: Path, **texts: str) -> None:
    """Write such files and import them, in place of those of before."""
    load_plugins(write_files(folder, **texts), [f"{name}.py" for name in texts])
