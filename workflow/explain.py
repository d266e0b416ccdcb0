"""Say what would run again, and why: `make explain`.

Or .venv/bin/python workflow/explain.py [--configfile FILE ...] [--jobs] [TARGET ...]
"""

import argparse
import contextlib
import io
import logging
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from snakemake.cli import main as snakemake  # noqa: E402

from motilens.pipeline.snakemake_metadata import read_depends_on  # noqa: E402
from motilens.reports.explain import (  # noqa: E402
    PlannedJob,
    count_jobs,
    explain_reruns,
    parse_reason,
)

# Errors of Snakemake where a run replaces files at the same time.
SIGNS_OF_A_RUN = ("ProtectedOutputException", "Unable to obtain modification time")


class JobCollector(logging.Handler):
    """Collect what a dry run logs: the jobs, and from rules/common.smk what they depend on.

    Snakemake's reason of a job shows no changed params if an earlier job runs again too.
    """

    def __init__(self):
        super().__init__()
        self.jobs, self.names, self.dependencies = [], [], None

    def emit(self, record):
        """Keep a job."""
        self.dependencies = getattr(record, "dependencies", self.dependencies)
        if getattr(record, "event", None) != "job_info" or not record.output:
            return  # another event, or a rule that only names a target
        rule, wildcards = record.rule_name, record.wildcards
        inputs, outputs = (list(map(str, paths)) for paths in (record.input, record.output))
        then, now = read_depends_on(outputs), self.dependencies.of_step(rule, wildcards)
        sample, reasons = wildcards.get("sample", ""), parse_reason(record.reason)
        self.jobs.append(PlannedJob(rule, sample, inputs, outputs, then, now, reasons))
        self.names.append(f"{rule} {dict(wildcards) or ''}")


def main():
    """Plan a run and print what would run again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", default=[])
    parser.add_argument("--jobs", action="store_true", help="also name every job")
    parser.add_argument("target", nargs="*")
    arguments = parser.parse_args()
    collector = plan(arguments.configfile, arguments.target)
    if not collector.jobs:
        print("Nothing would run again: everything is up to date.")
        return
    print("\n".join(explain_reruns(collector.jobs)))
    print(f"In all: {count_jobs(collector.jobs)}.")
    if any(job.rule == "extract_clips" and job.then is not None for job in collector.jobs):
        print("If the new clips are identical to the old ones, Snakemake skips what follows.")
    if arguments.jobs:
        print("", *sorted(collector.names), sep="\n")


def plan(config_files, targets):
    """Return the jobs of a dry run; exit with Snakemake's message if it fails."""
    collector = JobCollector()
    logger = logging.getLogger("snakemake")
    logger.addHandler(collector)
    logger.setLevel(logging.INFO)
    options = ["--snakefile", str(ROOT / "Snakefile"), "--dry-run"]
    options += ["--configfile", *config_files] if config_files else []
    sys.argv[1:] = [*options, "--", *targets]  # profiles/default reads it, too
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            snakemake()
    except SystemExit as error:
        if error.code:
            text = printed.getvalue().strip()
            print(text[max(text.find("ERROR: "), 0) :], file=sys.stderr)
            if any(sign in text for sign in SIGNS_OF_A_RUN):
                print("If a run is in progress, ask again when it has ended.", file=sys.stderr)
            sys.exit(error.code)
    return collector


if __name__ == "__main__":
    main()
