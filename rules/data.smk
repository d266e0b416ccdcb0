"""The data set: simulated if the configuration says so. It was checked before any job."""

if EXPERIMENT.is_simulated:
    LABELS, VIDEO_LIST = "dataset/semen_analysis_data.csv", "dataset/videos.csv"

    rule simulate_video:
        output:
            "dataset/videos/{video}",
        log:
            "logs/simulate_video/{video}.log",
        conda:
            "../envs/video.yaml"
        resources:
            **job_resources(1500, 10),
        params:
            depends_on=depends_on("simulate_video"),
        message:
            "Draw {wildcards.video}"
        script:
            "../workflow/scripts/simulate_video.py"

    rule simulate_labels:
        output:
            labels=LABELS,
            video_list=VIDEO_LIST,
        log:
            "logs/simulate_labels.log",
        localrule: True
        conda:
            "../envs/video.yaml"
        params:
            depends_on=depends_on("simulate_labels"),
        message:
            "Write the labels of the simulated participants"
        script:
            "../workflow/scripts/simulate_labels.py"

else:
    # Compared by what was read in them (the param), not by their times.
    LABELS, VIDEO_LIST = (
        ancient(str(LAUNCH_FOLDER / path)) if path else []
        for path in (config["dataset"]["labels"], config["dataset"].get("video_list"))
    )


rule write_sample_table:
    input:
        labels=LABELS,
        video_list=VIDEO_LIST,
    output:
        table="samples.csv",
        folds="folds.csv",
    log:
        "logs/write_sample_table.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("write_sample_table"),
    message:
        "Write the table of samples and the folds"
    script:
        "../workflow/scripts/write_sample_table.py"
