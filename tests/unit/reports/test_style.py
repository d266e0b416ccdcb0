"""Names in figures: every character is shown, and none is taken for a formula."""

import warnings

import pytest
from matplotlib import font_manager

from motilens.reports.image_plots import plot_message
from motilens.reports.style import plt, to_drawable


@pytest.fixture
def fonts(monkeypatch):
    """Set which fonts the machine has; those in use are as before afterwards."""
    families = list(plt.rcParams["font.family"])
    own = [entry for entry in font_manager.fontManager.ttflist if entry.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    yield own
    plt.rcParams["font.family"] = families


@pytest.mark.parametrize("name, shown", [
    ("Probe Zoë µ/€.avi", "Probe Zoë µ/€.avi"),
    ("精子 7.avi", r"\u7cbe\u5b50 7.avi"),
    ("정자.avi", r"\uc815\uc790.avi"),
    ("🧪$x^2$.avi", r"\U0001f9ea$x^2$.avi"),
])  # fmt: skip
def test_characters_that_no_font_has_are_escaped(fonts, tmp_path, name, shown):
    assert to_drawable(name) == shown
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_message(f"{name}\nfailed", [tmp_path / "1.png"])


def test_fonts_of_the_machine_are_used(fonts, monkeypatch):
    """A font for mathematics takes the place of a Chinese one, which not every machine has."""
    own = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    others = (e for e in font_manager.FontManager().ttflist if e.name == "STIXNonUnicode")
    entry = next(others)
    char = chr(min(font_manager.get_font(entry.fname).get_charmap().keys() - own.keys()))
    assert to_drawable(char) != char
    fonts.append(entry)
    assert to_drawable(char) == char and entry.name in plt.rcParams["font.family"]
