"""Motilens: from videos of sperm to the paper's Table 1. See README.md."""

import os
import time

from snakemake.settings.types import DeploymentMethod
from snakemake.utils import min_version

min_version("9.14")

# A file given with --configfile is complete by itself: no value of the demo leaks into it.
# The path is absolute because a report reads the file again, from the folder of results.
if not workflow.overwrite_configfiles:

    configfile: os.path.abspath("config/config.yaml")


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/resources.smk"
include: "rules/data.smk"
include: "rules/clips.smk"
include: "rules/autoencoder.smk"
include: "rules/regressor.smk"
include: "rules/baselines.smk"
include: "rules/evaluation.smk"
include: "rules/bundle.smk"
include: "rules/report.smk"


# Otherwise Snakemake refuses folders whose names hold a space (docs/how-to/environments.md).
if DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method:

    container: os.path.relpath(BASE / "envs/motilens.sif", RESULTS)


CONTACT_SHEETS = expand(rules.plot_contact_sheet.output, sample=SAMPLES)
CONTACT_SHEETS = CONTACT_SHEETS if EXPERIMENT.uses_videos else []
TABLES = [
    rules.compute_errors.output,
    rules.compute_statistics.output,
    rules.make_table1.output,
    rules.plot_errors.output,
    rules.plot_agreement.output,
    rules.write_report.output,
]


# Targets for a part of the work: `snakemake --cores 8 clips`.
rule clips:
    input:
        clips_of(SAMPLES),
        lambda wildcards: index_of("all"),
        CONTACT_SHEETS,
    message:
        "All clips are up to date"


rule autoencoders:
    input:
        all_autoencoders(rules.train_autoencoder.output),
    message:
        "All autoencoders are up to date"


rule regressors:
    input:
        all_models(rules.train_regressor.output),
    message:
        "All regressors are up to date"


rule all:
    default_target: True
    input:
        # Models are asked for by name, since what is missing counts only if somebody asks for it:
        # a killed run may have left a gap, and the change that it was for be taken back.
        rules.autoencoders.input,
        rules.regressors.input,
        rules.write_sample_table.output,
        lambda wildcards: index_of(*EXPERIMENT.groups),
        TABLES if EXPERIMENT.methods else [],
        CONTACT_SHEETS,
        [rules.summarize_run.output, rules.plot_learning_curves.output] if EXPERIMENT.inputs else [],
        rules.plot_gallery.output if EXPERIMENT.autoencoded else [],
    message:
        "All results are up to date"


STARTED = time.time()


onstart:
    # With its limit of 100 jobs a second, each round of Snakemake's scheduler starts a timer that
    # starts another round, and so on: in the end as many threads, and rounds a second, as there
    # were jobs (snakemake/snakemake#3804). A limit that the user sets stays.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
    if config["compute"]["device"] == "cuda" and not ON_CLUSTER and not list_visible_gpus():
        stop(
            "compute.device: cuda, but there is no GPU here (nvidia-smi lists none, or "
            "CUDA_VISIBLE_DEVICES hides it): look at the driver, or set it to auto or cpu"
        )
    if leftover := list_leftover_jobs(LAUNCH_FOLDER) if ON_CLUSTER else []:
        stop(
            f"{len(leftover)} jobs of an earlier run are still in SLURM's queue and write the same "
            f"files: wait for them, or scancel {' '.join(leftover)}, then run again"
        )
    HAS_STARTED.append(True)
    clamp_future_mtimes(RESULTS)
    EXPERIMENT.save_split(RESULTS)


onerror:
    print_run_end()


onsuccess:
    print_run_end()
    table = RESULTS / "tables/table1.md"
    if table.exists() and table.stat().st_mtime > STARTED:
        text = table.read_text(encoding="utf-8")
        print(f"\n{text}\nAll of it is in {RESULTS / 'report.html'}", flush=True)
