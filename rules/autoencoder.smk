"""Step 1 of the paper: an autoencoder for each input type and fold, then its feature images."""


rule train_autoencoder:
    input:
        clips=lambda wildcards: clips_to_remake(EXPERIMENT.training(wildcards.fold)),
        index=lambda wildcards: index_of(f"training{wildcards.fold}"),
    output:
        weights="autoencoders/{input}/fold{fold}/seed{seed}/model.pt",
        record="autoencoders/{input}/fold{fold}/seed{seed}/model.json",
        history="autoencoders/{input}/fold{fold}/seed{seed}/history.csv",
        run="autoencoders/{input}/fold{fold}/seed{seed}/run.json",
    log:
        "logs/train_autoencoder/{input}/fold{fold}/seed{seed}.log",
    wildcard_constraints:
        input="|".join(EXPERIMENT.autoencoded) or "(?!)",
    conda:
        "../envs/torch.yaml"
    # One, unless the user wants more: then the result does not depend on --cores.
    threads: config["compute"]["threads"]
    resources:
        **training_resources("autoencoder", lambda wildcards: EXPERIMENT.training(wildcards.fold)),
    params:
        depends_on=depends_on("train_autoencoder"),
    message:
        "Train the autoencoder of {wildcards.input} on all folds but {wildcards.fold}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/train_autoencoder.py"


# On demand, for people: regressors run the encoder themselves. A shared temporary file of
# feature images would make Snakemake retrain both targets where only one has changed.
rule make_feature_images:
    input:
        weights=rules.train_autoencoder.output.weights,
        record=rules.train_autoencoder.output.record,
        clips=clips_of(SAMPLES),
        records=records_of(SAMPLES),
        index=lambda wildcards: index_of(f"training{wildcards.fold}", "all"),
    output:
        "feature_images/{input}/fold{fold}/seed{seed}.h5",
    log:
        "logs/make_feature_images/{input}/fold{fold}/seed{seed}.log",
    conda:
        "../envs/torch.yaml"
    threads: config["compute"]["threads"]
    resources:
        **training_resources("autoencoder", lambda wildcards: SAMPLES),
    params:
        depends_on=depends_on("make_feature_images"),
    message:
        "Turn all stacks of {wildcards.input} into feature images, encoder of fold {wildcards.fold}"
    script:
        "../workflow/scripts/make_feature_images.py"
