"""Videos to clips of gray frames, one HDF5 file for each sample."""


rule extract_clips:
    input:
        video=video_of,
    output:
        clips="clips/{sample}.h5",
        record="clips/{sample}.json",
    log:
        "logs/extract_clips/{sample}.log",
    # Before all training: a damaged video should not be found after hours.
    priority: 1
    conda:
        "../envs/video.yaml"
    resources:
        **job_resources(2000, 60),
    params:
        depends_on=depends_on("extract_clips"),
    message:
        "Decode the video of sample {wildcards.sample}"
    script:
        "../workflow/scripts/extract_clips.py"


# A checkpoint, so that Snakemake looks again once a group's clips are made: steps whose clips are
# the same as before are then taken off the plan.
checkpoint index_clips:
    input:
        lambda wildcards: expand("clips/{sample}.json", sample=EXPERIMENT.groups[wildcards.group]),
    output:
        "clips/index/{group}.csv",
    log:
        "logs/index_clips/{group}.log",
    priority: 1
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("index_clips"),
    message:
        "Index the clips: {wildcards.group}"
    script:
        "../workflow/scripts/index_clips.py"


rule plot_contact_sheet:
    input:
        clips=ancient(rules.extract_clips.output.clips),
        record=rules.extract_clips.output.record,
    output:
        report(
            "figures/contact_sheets/{sample}.png",
            category="4 Videos",
            labels={"sample": "{sample}"},
        ),
        "figures/contact_sheets/{sample}.pdf",
    log:
        "logs/plot_contact_sheet/{sample}.log",
    conda:
        "../envs/torch.yaml"
    resources:
        **job_resources(1500, 10),
    params:
        depends_on=depends_on("plot_contact_sheet"),
    message:
        "Draw the contact sheet of sample {wildcards.sample}"
    script:
        "../workflow/scripts/plot_contact_sheet.py"
