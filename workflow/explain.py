"""Say what would rerun, and why: `make explain`, or with any configuration

.venv/bin/python workflow/explain.py [--configfile FILE ...] [--jobs] [TARGET ...]
"""

import argparse
import ast
import sys
from pathlib import Path

import yaml
from snakemake.api import SnakemakeApi
from snakemake.cli import parse_args
from snakemake.exceptions import RuleException, WorkflowError
from snakemake.settings.enums import Quietness, RerunTrigger
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    ResourceSettings,
)
from snakemake_interface_common.exceptions import ApiError
from snakemake_interface_storage_plugins.registry import StoragePluginRegistry

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from motilens.pipeline.explain import PlannedJob, count_jobs, explain_reruns  # noqa: E402
from motilens.pipeline.snakemake_metadata import UNFINISHED  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", type=Path, default=[])
    parser.add_argument("--jobs", action="store_true", help="also name every job")
    parser.add_argument("target", nargs="*")
    arguments = parser.parse_args()
    dag = planned(arguments.configfile, arguments.target)
    if dag is None:
        sys.exit(1)  # why has been said
    jobs = {
        job: PlannedJob(
            job.rule.name, *params(dag, job), sample=job.wildcards_dict.get("sample", "")
        )
        for job in needed(dag)
    }
    for job, ours in jobs.items():
        ours.behind = [jobs[other] for other in dag.depending[job] if other in jobs]
        ours.other_reasons = other_reasons(dag, job, ours)
        if UNFINISHED in (ours.then or {}):
            ours.then = ours.now
            ours.other_reasons.append(UNFINISHED)
    if not jobs:
        print("Nothing would rerun: all is up to date.")
        return
    print("\n".join(explain_reruns(jobs.values())))
    print(f"In all: {count_jobs(jobs.values())}.")
    if any(ours.rule == "extract_frames" and ours.then for ours in jobs.values()):
        print("Should the new clips be the same as the old, what is behind them will not rerun.")
    if arguments.jobs:
        names = sorted(f"{job.rule.name} {dict(job.wildcards.items()) or ''}" for job in jobs)
        print("", *names, sep="\n")


def planned(configfiles, targets):
    """Snakemake's graph of jobs, as `snakemake -n` makes it."""
    profile = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text(encoding="utf-8"))
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        try:
            workflow = api.workflow(
                ResourceSettings(cores=1),
                ConfigSettings(configfiles=configfiles),
                storage_provider_settings=stores(),
                snakefile=ROOT / "Snakefile",
            )
            settings = DAGSettings(
                targets=set(targets),
                rerun_triggers={RerunTrigger[name.upper()] for name in profile["rerun-triggers"]},
                max_checksum_file_size=profile["max-checksum-file-size"],
                force_incomplete=True,
            )
            workflow.dag(settings).execute_workflow(executor="dryrun")
        except (
            WorkflowError,
            RuleException,
            ApiError,
            OSError,
        ) as error:  # a user's mistake: in one line
            print(error, file=sys.stderr)
            return None
        return workflow._workflow.dag  # no public way leads to it


def stores():
    """What the environment says of object stores, as Snakemake's command line reads it."""
    plugins = StoragePluginRegistry()
    _, arguments = parse_args(["--workflow-profile", "none"])
    return {
        name: plugins.get_plugin(name).get_settings(arguments)
        for name in plugins.get_registered_plugins()
    }


def needed(dag):
    # A dry run goes through all that is needed and marks it as done.
    return [job for job in dag.jobs if dag.finished(job) and not job.rule.norun]


def params(dag, job):
    """The params of a job as they were, or None, and as they are; merged, they have no name."""
    records = [dag.workflow.persistence.metadata(output) for output in job.output]
    if not Path(dag.workflow.config["results"]).exists():
        records = []  # of results that were moved or deleted as a whole
    then = {}
    for record in filter(None, records):
        for param in record.params or []:
            then |= ast.literal_eval(param)
    now = {}
    for param in job.non_derived_params:
        now |= param
    return (then if any(records) else None), now


def other_reasons(dag, job, ours):
    """What has nothing to do with params."""
    reason = dag.reason(job)
    found = []
    if reason.forced:
        found.append("interrupted before, or forced")
    if reason.updated_input and ours.then == ours.now:
        found.append(f"changed by hand: {', '.join(sorted(reason.updated_input))}")
    missing = [str(file) for file in reason.missing_output if not reason.updated_input_run]
    if missing and ours.then is not None:
        found.append(f"missing: {', '.join(sorted(missing))}")
    return found


if __name__ == "__main__":
    main()
