"""The data set: simulated if the configuration says so, then checked."""

if SIMULATED:

    rule simulate_video:
        output:
            f"{VIDEOS}/{{video}}",
        log:
            "<results>/logs/simulate_video/{video}.log",
        conda:
            "../envs/video.yaml"
        params:
            settings=plain(seconds=SIMULATED["seconds"], seed=SIMULATED["seed"]),
            participant=lambda wildcards: int(wildcards.video.split("_")[0]),
            code=code_of("simulate_video.py"),
        message:
            "Draw {wildcards.video}"
        script:
            "../workflow/scripts/simulate_video.py"

    rule simulate_labels:
        output:
            labels=LABELS,
            video_list=VIDEO_LIST,
        log:
            "<results>/logs/simulate_labels.log",
        conda:
            "../envs/video.yaml"
        params:
            settings=plain(participants=SIMULATED["participants"], seed=SIMULATED["seed"]),
            code=code_of("simulate_labels.py"),
        message:
            "Write the labels of the simulated participants"
        script:
            "../workflow/scripts/simulate_labels.py"


rule check_samples:
    input:
        labels=LABELS,
        video_list=VIDEO_LIST or [],
    output:
        table="<results>/samples.csv",
        folds="<results>/folds.csv",
    log:
        "<results>/logs/check_samples.log",
    conda:
        "../envs/tables.yaml"
    params:
        # With the labels themselves: a file restored from a backup may be older than the table.
        settings=lambda wildcards: plain(**SAMPLES.to_dict()),
        code=code_of("check_samples.py"),
    message:
        "Check the labels; write the table of samples and the folds"
    script:
        "../workflow/scripts/check_samples.py"
