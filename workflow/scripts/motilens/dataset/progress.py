"""Progress of a long step, for the people who wait for it."""

import shutil
import time
from collections.abc import Callable
from typing import TextIO

ProgressReport = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all


def make_progress_report(stream: TextIO) -> ProgressReport:
    """A report that writes to `stream`: one line kept up to date, or in a file one every 5 %."""
    live = stream.isatty()
    current, began, first, shown = "", 0.0, 0, (True, 0)

    def report(what: str, done: int, total: int) -> None:
        nonlocal current, began, first, shown
        now = time.monotonic()
        state = done >= total, int(2 * now) if live else 20 * done // max(total, 1)
        if what != current:
            stream.write("\n" if live and not shown[0] else "")
            current, began, first = what, now, done
        elif state == shown:
            return
        shown = state
        line = f"{what}: {done / 1e9:.2f} of {total / 1e9:.2f} GB, {100 * done // max(total, 1)} %"
        if done > first and now > began:
            speed = (done - first) / (now - began)
            minutes = round((total - done) / speed / 60)
            line += f", {speed / 1e6:.1f} MB/s, {minutes // 60} h {minutes % 60:02} min left"
        if live:
            width = shutil.get_terminal_size().columns - 1
            line = f"\r{line[:width]}\x1b[K"
        stream.write(line + "\n" * (state[0] or not live))
        stream.flush()

    return report
