"""The time left is said by what finished jobs took; what is not known yet is named."""

import logging

import pytest

from motilens.compute.time_left import TimeLeft


class Run:
    """A run whose jobs are logged as Snakemake does, by a clock of its own."""

    def __init__(self):
        self.now, self.lines, self.done = 0.0, [], 0
        self.handler = TimeLeft(self.lines.append, clock=lambda: self.now)

    def log(self, event, **fields):
        self.handler.handle(logging.makeLogRecord({"event": event} | fields))

    def start(self, *jobs, rule="train"):
        for job in jobs:
            self.log("job_info", jobid=job, rule_name=rule)

    def finish(self, *jobs, at, total):
        self.now = at
        for job in jobs:
            self.done += 1
            self.log("job_finished", job_id=job)
        self.log("progress", done=self.done, total=total)


@pytest.fixture
def run():
    return Run()


def test_rules_of_which_nothing_is_known_are_named(run):
    run.log("run_info", stats={"cut": 1, "train": 12, "all": 1, "total": 14})
    run.start(0, rule="cut")
    run.finish(0, at=60, total=14)
    run.start(1)
    run.finish(1, at=660, total=14)  # one at a time: eleven more of ten minutes
    assert run.lines == [
        "Time left: 0 s, and what train will take",
        "Time left: about 1 h 50 min",
    ]


def test_jobs_at_once_share_the_time(run):
    run.log("run_info", stats={"train": 8, "total": 8})
    run.start(0, 1, 2, 3)
    run.finish(0, 1, 2, 3, at=600, total=8)
    assert run.lines == ["Time left: about 0 h 10 min"]


def test_jobs_that_wait_in_a_queue_count_with_their_part_of_the_run(run):
    run.log("run_info", stats={"train": 10, "total": 10})
    run.start(*range(10))  # all are submitted, and one runs at a time
    for job in range(5):
        run.finish(job, at=600 * (job + 1), total=10)
    assert run.lines[0] == "Time left: about 1 h 30 min"
    assert run.lines[4] == "Time left: about 0 h 50 min"


def test_lines_are_rare_and_the_last_job_has_none(run):
    run.log("run_info", stats={"cut": 3, "total": 3})
    for job, end in enumerate((10, 20, 60)):
        run.start(job, rule="cut")
        run.finish(job, at=end, total=3)
    assert run.lines == []
    run.log(None)  # a line of another kind
