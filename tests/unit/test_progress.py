"""Progress, where a person looks and in a log."""

import io
import re

import pytest

from motilens.dataset import progress
from motilens.dataset.progress import make_progress_report


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """What time.monotonic says, in seconds, to be set as clock[0]."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_progress_in_a_file_is_a_line_every_5_percent(clock):
    stream = io.StringIO()
    report = make_progress_report(stream)
    for percent in range(101):
        clock[0] = percent * 140.0
        report("downloading a.zip", percent * 350_000_000, 35_000_000_000)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 21
    assert lines[0] == "downloading a.zip: 0.00 of 35.00 GB, 0 %"
    assert lines[1] == "downloading a.zip: 1.75 of 35.00 GB, 5 %, 2.5 MB/s, 3 h 42 min left"
    assert lines[-1].endswith(": 35.00 of 35.00 GB, 100 %, 2.5 MB/s, 0 h 00 min left")


def test_progress_says_at_once_what_is_new_and_counts_the_speed_anew(clock):
    stream = io.StringIO()
    report = make_progress_report(stream)
    report("downloading", 10**9, 10**10)
    report("waiting", 10**9, 10**10)
    report("waiting", 10**9, 10**10)
    clock[0] = 100.0
    report("downloading", 10**9, 10**10)
    clock[0] = 110.0
    report("downloading", 2 * 10**9, 10**10)
    assert [line.partition("GB, ")[2] for line in stream.getvalue().splitlines()] == [
        "10 %", "10 %", "10 %", "20 %, 100.0 MB/s, 0 h 01 min left",
    ]  # fmt: skip


def test_progress_on_a_terminal_is_one_line(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    report = make_progress_report(stream)
    for tenth in range(11):
        clock[0] = tenth / 10
        report("downloading", tenth, 10)
    report("a long thing to tell " * 5, 5, 10)
    report("checking", 0, 0)
    text = stream.getvalue()
    assert text.count("\r") == 3 + 2 and text.count("\n") == 1 + 1 + 1 and text.endswith("\n")
    shown = [line.removesuffix("\x1b[K") for line in re.split("[\r\n]+", text) if line]
    assert all(len(line) <= 39 for line in shown) and shown[-1] == "checking: 0.00 of 0.00 GB, 0 %"
