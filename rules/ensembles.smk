"""Ensembles answer the mean of what other rows of the tables answer (docs/method.md)."""


rule average_predictions:
    input:
        predictions=members_of("predictions"),
        records=members_of("record"),
        lists=lambda wildcards: listed(f"training{wildcards.fold}", "all"),
    output:
        record="<results>/ensembles/{ensemble}/{target}/fold{fold}/seed{seed}/model.json",
        predictions="<results>/predictions/{ensemble}/{target}/fold{fold}/seed{seed}.csv",
    log:
        "<results>/logs/average_predictions/{ensemble}/{target}/fold{fold}/seed{seed}.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        settings=lambda wildcards: ensemble_params(wildcards)["settings"],
        training=lambda wildcards: ensemble_params(wildcards)["training"],
        held_out=lambda wildcards: ensemble_params(wildcards)["held_out"],
        code=code_of("average_predictions.py"),
        rests_on=lambda wildcards: ensemble_params(wildcards)["rests_on"],
    message:
        "Average what the members of {wildcards.ensemble} answer: {wildcards.target}, fold {wildcards.fold}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/average_predictions.py"
