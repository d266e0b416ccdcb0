"""Instead of all other rules, while a data set that can be fetched is not there."""


rule fetch_dataset:
    output:
        LABELS,
    log:
        "<results>/logs/fetch_dataset.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        settings=settings_of("dataset.archive", "dataset.videos"),
        code=code_of("fetch_dataset.py"),
    message:
        "Fetch the data set from {config[dataset][archive][url]}"
    script:
        "../workflow/scripts/fetch_dataset.py"


for target in ("frames", "autoencoders", "regressors"):

    rule:
        name:
            target
        input:
            lambda wildcards: stop(NOT_THERE),
