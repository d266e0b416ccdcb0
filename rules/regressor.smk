"""Step 2 of the paper: a regressor for each input type, target and fold, and what it predicts."""


rule fetch_weights:
    output:
        "<results>/weights/{backbone}/{weights}.pt",
    log:
        "<results>/logs/fetch_weights/{backbone}/{weights}.log",
    # Before all training: without network it should fail before hours, not after them.
    priority: 1
    localrule: True
    conda:
        "../envs/torch.yaml"
    params:
        code=code_of("fetch_weights.py"),
    message:
        "Get the weights {wildcards.weights} of {wildcards.backbone}"
    script:
        "../workflow/scripts/fetch_weights.py"


rule train_regressor:
    input:
        pretrained=pretrained_weights,
        encoder=encoder_of("weights"),
        encoder_record=encoder_of("record"),
        frames=lambda wildcards: clips_to_remake(SAMPLES.index),
        lists=lambda wildcards: listed(f"training{wildcards.fold}", "all"),
    output:
        weights="<results>/regressors/{input}/{target}/fold{fold}/seed{seed}/model.pt",
        record="<results>/regressors/{input}/{target}/fold{fold}/seed{seed}/model.json",
        history="<results>/regressors/{input}/{target}/fold{fold}/seed{seed}/history.csv",
        run="<results>/regressors/{input}/{target}/fold{fold}/seed{seed}/run.json",
        predictions="<results>/predictions/{input}/{target}/fold{fold}/seed{seed}.csv",
    log:
        "<results>/logs/train_regressor/{input}/{target}/fold{fold}/seed{seed}.log",
    conda:
        "../envs/torch.yaml"
    threads: config["performance"]["threads"]
    resources:
        **training_needs("regressor", lambda wildcards: SAMPLES.index),
    params:
        settings=lambda wildcards: regressor_params(wildcards)["settings"],
        training=lambda wildcards: regressor_params(wildcards)["training"],
        held_out=lambda wildcards: regressor_params(wildcards)["held_out"],
        code=code_of("train_regressor.py"),
        rests_on=lambda wildcards: regressor_params(wildcards)["rests_on"],
    message:
        "Train the {wildcards.target} regressor of {wildcards.input}; predict fold {wildcards.fold}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/train_regressor.py"
