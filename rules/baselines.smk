"""Baselines that track single cells, predictions that were made elsewhere, and ensembles."""


rule track_cells:
    input:
        video=video_of,
    output:
        tracks="tracks/{sample}.csv.gz",
        quality="tracks/{sample}.json",
    log:
        "logs/track_cells/{sample}.log",
    conda:
        "../envs/tracks.yaml"
    resources:
        **job_resources(2000, 60),
    params:
        depends_on=depends_on("track_cells"),
    message:
        "Track the cells of sample {wildcards.sample}"
    script:
        "../workflow/scripts/track_cells.py"


rule predict_baseline:
    input:
        tracks=expand(rules.track_cells.output.tracks, sample=SAMPLES),
        quality=expand(rules.track_cells.output.quality, sample=SAMPLES),
        records=records_of(SAMPLES),
        index=lambda wildcards: index_of(f"training{wildcards.fold}", "all"),
    output:
        record="baselines/{baseline}/{target}/fold{fold}/seed{seed}/model.json",
        predictions="predictions/{baseline}/{target}/fold{fold}/seed{seed}.csv",
    log:
        "logs/predict_baseline/{baseline}/{target}/fold{fold}/seed{seed}.log",
    conda:
        "../envs/tracks.yaml"
    resources:
        **job_resources(3000, 30),
    params:
        depends_on=depends_on("predict_baseline"),
    message:
        "Predict {wildcards.target} of fold {wildcards.fold} by {wildcards.baseline}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/predict_baseline.py"


rule copy_predictions:
    input:
        predictions=external_file,
        index=lambda wildcards: index_of(f"training{wildcards.fold}", "all"),
    output:
        record="external/{external}/{target}/fold{fold}/seed{seed}/model.json",
        predictions="predictions/{external}/{target}/fold{fold}/seed{seed}.csv",
    log:
        "logs/copy_predictions/{external}/{target}/fold{fold}/seed{seed}.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("copy_predictions"),
    message:
        "Check and copy the predictions of {wildcards.external}: {wildcards.target}, fold {wildcards.fold}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/copy_predictions.py"


rule average_predictions:
    input:
        predictions=lambda wildcards: members_of(wildcards, "predictions"),
        records=lambda wildcards: members_of(wildcards, "record"),
        index=lambda wildcards: index_of(f"training{wildcards.fold}", "all"),
    output:
        record="ensembles/{ensemble}/{target}/fold{fold}/seed{seed}/model.json",
        predictions="predictions/{ensemble}/{target}/fold{fold}/seed{seed}.csv",
    log:
        "logs/average_predictions/{ensemble}/{target}/fold{fold}/seed{seed}.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("average_predictions"),
    message:
        "Average the predictions of {wildcards.ensemble}: {wildcards.target}, fold {wildcards.fold}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/average_predictions.py"
