"""Baselines that follow single cells instead of looking at frames (docs/method.md)."""


rule track_cells:
    input:
        video=lambda wildcards: video_of(wildcards.sample),
    output:
        "<results>/tracks/{sample}.csv.gz",
    log:
        "<results>/logs/track_cells/{sample}.log",
    conda:
        "../envs/tracks.yaml"
    resources:
        **needed(2000, 60),
    params:
        settings=settings_of("tracks"),
        video=video_identity,
        rate=lambda wildcards: rate_of(wildcards.sample),
        code=code_of("track_cells.py"),
    message:
        "Follow the cells of sample {wildcards.sample}"
    script:
        "../workflow/scripts/track_cells.py"


rule count_cells:
    input:
        tracks=expand(rules.track_cells.output, sample=SAMPLES.index),
        records=records_of(SAMPLES.index),
        lists=lambda wildcards: listed(f"training{wildcards.fold}", "all"),
    output:
        record="<results>/baselines/{baseline}/{target}/fold{fold}/seed{seed}/model.json",
        predictions="<results>/predictions/{baseline}/{target}/fold{fold}/seed{seed}.csv",
    log:
        "<results>/logs/count_cells/{baseline}/{target}/fold{fold}/seed{seed}.log",
    conda:
        "../envs/tracks.yaml"
    resources:
        **needed(3000, 30),
    params:
        settings=lambda wildcards: baseline_params(wildcards)["settings"],
        training=lambda wildcards: baseline_params(wildcards)["training"],
        held_out=lambda wildcards: baseline_params(wildcards)["held_out"],
        code=code_of("count_cells.py"),
        rests_on=lambda wildcards: baseline_params(wildcards)["rests_on"],
        samples=plain({"samples": list(SAMPLES.index)}),
    message:
        "Predict {wildcards.target} of fold {wildcards.fold} by {wildcards.baseline}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/count_cells.py"
