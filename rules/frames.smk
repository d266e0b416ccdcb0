"""Videos to clips of grey frames, one HDF5 file a sample."""


rule extract_frames:
    input:
        video=lambda wildcards: video_of(wildcards.sample),
    output:
        clips="<results>/frames/{sample}.h5",
        record="<results>/frames/{sample}.json",
    log:
        "<results>/logs/extract_frames/{sample}.log",
    # Before all training: a damaged video should not come to light after hours.
    priority: 1
    conda:
        "../envs/video.yaml"
    resources:
        **needed(2000, 60),
    params:
        settings=settings_of("frames", clip_length=CLIP_LENGTH),
        video=video_identity,
        facts=facts_of,
        code=code_of("extract_frames.py"),
    message:
        "Decode the video of sample {wildcards.sample}"
    script:
        "../workflow/scripts/extract_frames.py"


# A checkpoint, so that Snakemake looks again once a group's clips are made: steps whose clips
# came out as they were before are then taken off the plan.
checkpoint list_clips:
    input:
        lambda wildcards: expand(rules.extract_frames.output.record, sample=GROUPS[wildcards.group]),
    output:
        "<results>/frames/lists/{group}.csv",
    log:
        "<results>/logs/list_clips/{group}.log",
    priority: 1
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        settings=lambda wildcards: plain({"list": GROUPS[wildcards.group]}),
        code=code_of("list_clips.py"),
    message:
        "List the clips: {wildcards.group}"
    script:
        "../workflow/scripts/list_clips.py"


CONTACT_SHEETS = expand("<results>/figures/contact_sheets/{sample}.png", sample=SAMPLES.index)


rule plot_contact_sheet:
    input:
        clips=ancient(rules.extract_frames.output.clips),
        record=rules.extract_frames.output.record,
    output:
        report(
            "<results>/figures/contact_sheets/{sample}.png",
            category="4 Videos",
            caption="../workflow/report/contact_sheet.rst",
            labels={"sample": "{sample}"},
        ),
    log:
        "<results>/logs/plot_contact_sheet/{sample}.log",
    conda:
        "../envs/torch.yaml"
    resources:
        **needed(1500, 10),
    params:
        code=code_of("plot_contact_sheet.py"),
    message:
        "Draw the contact sheet of sample {wildcards.sample}"
    script:
        "../workflow/scripts/plot_contact_sheet.py"
