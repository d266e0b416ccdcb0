"""Motilens: from videos of sperm to the paper's Table 1. See README.md."""

import time

from snakemake.utils import min_version

min_version("9.14")

# A file given with --configfile is whole by itself: no value of the demo leaks into it.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/samples.smk"
include: "rules/inputs.smk"
include: "rules/params.smk"
include: "rules/resources.smk"


report: "workflow/report/workflow.rst"


# Used with --software-deployment-method apptainer only (docs/environments.md).
container: "envs/motilens.sif"


pathvars:
    results=config["results"],


if FETCH:

    include: "rules/fetch.smk"

    rule all:
        default_target: True
        input:
            lambda wildcards: stop(NOT_THERE),

else:

    include: "rules/data.smk"
    include: "rules/frames.smk"
    include: "rules/autoencoder.smk"
    include: "rules/regressor.smk"
    include: "rules/baselines.smk"
    include: "rules/ensembles.smk"
    include: "rules/evaluation.smk"
    include: "rules/bundle.smk"

    # Targets for a part of the work: `snakemake --cores 8 frames`.
    rule frames:
        input:
            clips_of(GROUPS["all"]),
            lambda wildcards: listed("all"),
            CONTACT_SHEETS,

    rule autoencoders:
        input:
            autoencoders(rules.train_autoencoder.output),

    rule regressors:
        input:
            models(rules.train_regressor.output),

    for name in BUNDLED:

        rule:
            name:
                f"bundle_{name}"
            input:
                expand(rules.make_bundle.output, input=name),

    rule all:
        default_target: True
        input:
            # Models are asked for by name, for what is missing counts only if somebody asks for it: a
            # killed run may have left a gap, and the change that it was for be taken back.
            rules.autoencoders.input,
            rules.regressors.input,
            rules.check_samples.output,
            lambda wildcards: listed(*GROUPS),
            rules.measure_errors.output,
            rules.measure_statistics.output,
            rules.make_table1.output,
            rules.describe_run.output,
            CONTACT_SHEETS,
            rules.plot_learning_curves.output,
            rules.plot_errors.output,
            rules.plot_agreement.output,
            "<results>/figures/gallery.png" if AUTOENCODED else [],


START = time.time()


onstart:
    # With its limit of 100 jobs a second, each round of Snakemake's scheduler starts a timer that
    # starts another round, and so on: in the end as many threads, and rounds a second, as there
    # were jobs (snakemake/snakemake#3804). A limit that the user sets stays.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
    if other := run_locks.acquire_results_lock(config["results"]):
        stop(
            f"results: a run in another clone, {other}, is writing into {config['results']}: wait "
            "for its end, or name another folder"
        )
    snakemake_metadata.mark_run(config["results"])
    if "seed" in config["folds"] and not FETCH:
        number, seed = config["folds"]["number"], config["folds"]["seed"]
        splits.save_split(splits.split_path(config["results"], number, seed), number, FOLDS_OF)


onerror:
    snakemake_metadata.sync_metadata(config["results"], alone=False)
    tell_of_videos()


onsuccess:
    snakemake_metadata.sync_metadata(config["results"], alone=False)
    tell_of_videos()
    table = Path(config["results"]) / "tables" / "table1.md"
    if table.exists() and table.stat().st_mtime > START:
        print(f"\n{table.read_text(encoding='utf-8')}\nRead it in {table}")
