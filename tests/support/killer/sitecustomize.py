"""Kills a run of Snakemake inside a step, at the worst moment (see test_interruption.py).

Python imports this module by itself when its folder is on PYTHONPATH. KILL_AT says which step
(its script), before which of its files takes its final name (from 1), and whom: "run", all
processes at once, or "snakemake" alone, so that the step is orphaned.
"""

import os
import signal
import sys
import time

step, number, victim = os.environ.get("KILL_AT", "::").split(":")
rename, renamed = os.replace, []


def replace(source, target):
    if sys.argv[0].endswith(f".{step}.py") and ".metadata" not in str(target):
        renamed.append(target)
        if len(renamed) == int(number):
            if victim == "run":
                os.killpg(os.getpgrp(), signal.SIGKILL)
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)  # an orphan that went on would now overwrite the next run's files
    rename(source, target)


if step:
    os.replace = replace
