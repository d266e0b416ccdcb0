"""Step 1 of the paper: an autoencoder for each input type and fold, then its feature images."""


rule train_autoencoder:
    input:
        frames=lambda wildcards: frames_of(training(wildcards.fold)),
    output:
        weights="<results>/autoencoders/{input}/fold{fold}/seed{seed}/model.pt",
        record="<results>/autoencoders/{input}/fold{fold}/seed{seed}/model.json",
        history="<results>/autoencoders/{input}/fold{fold}/seed{seed}/history.csv",
    log:
        "<results>/logs/train_autoencoder/{input}/fold{fold}/seed{seed}.log",
    conda:
        "../envs/torch.yaml"
    # One thread: the arithmetic, and so the result, does not depend on --cores.
    threads: 1
    params:
        settings=autoencoder_settings,
        code=code_of("train_autoencoder.py"),
    message:
        "Train the autoencoder of {wildcards.input} on all folds but {wildcards.fold}"
    script:
        "../workflow/scripts/train_autoencoder.py"


rule make_feature_images:
    input:
        weights=rules.train_autoencoder.output.weights,
        record=rules.train_autoencoder.output.record,
        frames=frames_of(SAMPLES.index),
    output:
        temp("<results>/feature_images/{input}/fold{fold}/seed{seed}.h5"),
    log:
        "<results>/logs/make_feature_images/{input}/fold{fold}/seed{seed}.log",
    conda:
        "../envs/torch.yaml"
    threads: 1
    params:
        code=code_of("make_feature_images.py"),
    message:
        "Turn all stacks of {wildcards.input} into feature images, encoder of fold {wildcards.fold}"
    script:
        "../workflow/scripts/make_feature_images.py"
