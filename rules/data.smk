"""The data set: simulated if the configuration says so. Its checks were made before any job."""

if SIMULATED:

    rule simulate_video:
        output:
            f"{VIDEOS}/{{video}}",
        log:
            "<results>/logs/simulate_video/{video}.log",
        conda:
            "../envs/video.yaml"
        resources:
            **needed(1500, 10),
        params:
            settings=settings_of("dataset.simulated.seconds", "dataset.simulated.seed"),
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
        localrule: True
        conda:
            "../envs/video.yaml"
        params:
            settings=settings_of("dataset.simulated.participants", "dataset.simulated.seed"),
            code=code_of("simulate_labels.py"),
        message:
            "Write the labels of the simulated participants"
        script:
            "../workflow/scripts/simulate_labels.py"


rule check_samples:
    input:
        # Compared by what was read in them (the param), not by their times.
        labels=LABELS if SIMULATED else ancient(LABELS),
        video_list=VIDEO_LIST if SIMULATED else ancient(VIDEO_LIST or []),
    output:
        table="<results>/samples.csv",
        folds="<results>/folds.csv",
    log:
        "<results>/logs/check_samples.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        settings=plain({"samples": ROWS, "warnings": WARNINGS}),
        code=code_of("check_samples.py"),
    message:
        "Write the table of samples and the folds"
    script:
        "../workflow/scripts/check_samples.py"


if ARCHIVE:

    # It is there, so that nothing is left to do.
    rule fetch_dataset:
        input:
            LABELS,
