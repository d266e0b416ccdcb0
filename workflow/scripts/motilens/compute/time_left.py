"""How long a run still takes, by the jobs of it that have finished."""

import logging
import time
from collections import Counter
from collections.abc import Callable

from motilens.core.text import format_duration

PAUSE = 30.0  # s between two lines


class TimeLeft(logging.Handler):
    """Listens to Snakemake's log, and says now and then how much time is left.

    Each second is shared among the jobs that are under way, so a job counts with its part of the
    run, whether it had a core to itself or waited in the queue of a cluster.

    Args:
        say: takes the line.
        clock: returns the time in seconds.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self.say, self.clock = say, clock
        self.left, self.finished, self.spent = Counter(), Counter(), Counter()  # by rule
        self.running = {}  # rule of each job
        self.now = self.said = clock()

    def emit(self, record: logging.LogRecord) -> None:
        """Take an event of the log."""
        last, self.now = self.now, self.clock()
        for rule in self.running.values():
            self.spent[rule] += (self.now - last) / len(self.running)
        match getattr(record, "event", None):
            case "run_info":
                self.left = Counter(record.stats) - Counter(total=record.stats["total"])
            case "job_info":
                self.running[record.jobid] = record.rule_name
            case "job_finished" if rule := self.running.pop(record.job_id, None):
                self.left[rule] -= 1
                self.finished[rule] += 1
            case "progress" if record.done < record.total and self.now - self.said >= PAUSE:
                self.said = self.now
                self.say(self.describe())

    def describe(self) -> str:
        """Return the time left, in words.

        Rules of which no job has finished are named, unless they have one job, as tables have.
        """
        left = {rule: number for rule, number in self.left.items() if number > 0}
        known = [rule for rule in left if self.finished[rule]]
        seconds = sum(left[rule] * self.spent[rule] / self.finished[rule] for rule in known)
        others = ", ".join(rule for rule in left if rule not in known and left[rule] > 1)
        if others:
            return f"Time left: {format_duration(seconds)}, and what {others} will take"
        return f"Time left: about {format_duration(seconds)}"
