"""Step 2 of the paper: a regressor for each input type, target and fold, and what it predicts."""


rule fetch_weights:
    output:
        "weights/{backbone}/{weights}.pt",
    log:
        "logs/fetch_weights/{backbone}/{weights}.log",
    # Before all training: without network it should fail before hours, not after them.
    priority: 1
    localrule: True
    conda:
        "../envs/torch.yaml"
    params:
        depends_on=depends_on("fetch_weights"),
    message:
        "Get the weights {wildcards.weights} of {wildcards.backbone}"
    script:
        "../workflow/scripts/fetch_weights.py"


rule train_regressor:
    input:
        pretrained=pretrained_weights,
        encoder=lambda wildcards: encoder_of(wildcards, "weights"),
        encoder_record=lambda wildcards: encoder_of(wildcards, "record"),
        clips=lambda wildcards: clips_to_remake(SAMPLES),
        index=lambda wildcards: index_of(f"training{wildcards.fold}", "all"),
    output:
        weights="regressors/{input}/{target}/fold{fold}/seed{seed}/model.pt",
        record="regressors/{input}/{target}/fold{fold}/seed{seed}/model.json",
        history="regressors/{input}/{target}/fold{fold}/seed{seed}/history.csv",
        run="regressors/{input}/{target}/fold{fold}/seed{seed}/run.json",
        predictions="predictions/{input}/{target}/fold{fold}/seed{seed}.csv",
    log:
        "logs/train_regressor/{input}/{target}/fold{fold}/seed{seed}.log",
    conda:
        "../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        **training_resources("regressor", lambda wildcards: SAMPLES),
    params:
        depends_on=depends_on("train_regressor"),
    message:
        "Train the {wildcards.target} regressor of {wildcards.input}; predict fold {wildcards.fold}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/train_regressor.py"
