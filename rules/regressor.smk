"""Step 2 of the paper: a regressor for each input type, target and fold, and what it predicts."""


rule fetch_weights:
    output:
        "<results>/weights/{backbone}/{weights}.pt",
    log:
        "<results>/logs/fetch_weights/{backbone}/{weights}.log",
    # First of all: without network it fails before hours of training, not after them.
    priority: 1
    conda:
        "../envs/torch.yaml"
    params:
        code=code_of("fetch_weights.py"),
    message:
        "Fetch the weights {wildcards.weights} of {wildcards.backbone}"
    script:
        "../workflow/scripts/fetch_weights.py"


rule train_regressor:
    input:
        pretrained=pretrained_weights(),
        features=rules.make_feature_images.output[0],
        autoencoder=rules.train_autoencoder.output.record,
        samples=rules.check_samples.output.table,
    output:
        weights="<results>/regressors/{input}/{target}/fold{fold}/seed{seed}/model.pt",
        record="<results>/regressors/{input}/{target}/fold{fold}/seed{seed}/model.json",
        history="<results>/regressors/{input}/{target}/fold{fold}/seed{seed}/history.csv",
        predictions="<results>/predictions/{input}/{target}/fold{fold}/seed{seed}.csv",
    log:
        "<results>/logs/train_regressor/{input}/{target}/fold{fold}/seed{seed}.log",
    conda:
        "../envs/torch.yaml"
    threads: 1
    params:
        settings=regressor_settings,
        code=code_of("train_regressor.py"),
    message:
        "Train the {wildcards.target} regressor of {wildcards.input}; predict fold {wildcards.fold}"
    script:
        "../workflow/scripts/train_regressor.py"
