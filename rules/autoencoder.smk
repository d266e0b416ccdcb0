"""Step 1 of the paper: an autoencoder for each input type and fold, then its feature images."""


rule train_autoencoder:
    input:
        frames=lambda wildcards: clips_to_remake(training(wildcards.fold)),
        lists=lambda wildcards: listed(f"training{wildcards.fold}"),
    output:
        weights="<results>/autoencoders/{input}/fold{fold}/seed{seed}/model.pt",
        record="<results>/autoencoders/{input}/fold{fold}/seed{seed}/model.json",
        history="<results>/autoencoders/{input}/fold{fold}/seed{seed}/history.csv",
        run="<results>/autoencoders/{input}/fold{fold}/seed{seed}/run.json",
    log:
        "<results>/logs/train_autoencoder/{input}/fold{fold}/seed{seed}.log",
    wildcard_constraints:
        input="|".join(AUTOENCODED) or "(?!)",
    conda:
        "../envs/torch.yaml"
    # One, unless the user wants more: then the result does not depend on --cores.
    threads: config["performance"]["threads"]
    resources:
        **training_needs("autoencoder", lambda wildcards: training(wildcards.fold)),
    params:
        settings=lambda wildcards: autoencoder_params(wildcards)["settings"],
        training=lambda wildcards: autoencoder_params(wildcards)["training"],
        code=code_of("train_autoencoder.py"),
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
        frames=clips_of(SAMPLES.index),
        records=records_of(SAMPLES.index),
        lists=lambda wildcards: listed(f"training{wildcards.fold}", "all"),
    output:
        "<results>/feature_images/{input}/fold{fold}/seed{seed}.h5",
    log:
        "<results>/logs/make_feature_images/{input}/fold{fold}/seed{seed}.log",
    conda:
        "../envs/torch.yaml"
    threads: config["performance"]["threads"]
    resources:
        **training_needs("autoencoder", lambda wildcards: SAMPLES.index),
    params:
        clips=lambda wildcards: content_of("encoded", SAMPLES.index),
        code=code_of("make_feature_images.py"),
        rests_on=lambda wildcards: params.upstream_digest(autoencoder_params(wildcards)),
    message:
        "Turn all stacks of {wildcards.input} into feature images, encoder of fold {wildcards.fold}"
    script:
        "../workflow/scripts/make_feature_images.py"
