"""All models of one method in one file, made on demand: `make bundle`."""


rule make_bundle:
    input:
        weights=lambda wildcards: bundled(wildcards, "weights"),
        records=lambda wildcards: bundled(wildcards, "record"),
        clips=clips_of(SAMPLES),
        clip_records=records_of(SAMPLES),
        summary=rules.compute_statistics.output.summary,
        comparisons=rules.compute_statistics.output.comparisons,
        index=index_of_all,
    output:
        bundle="bundles/{method}.pt",
        record="bundles/{method}.json",
        card="bundles/{method}.md",
    log:
        "logs/make_bundle/{method}.log",
    conda:
        "../envs/torch.yaml"
    resources:
        **job_resources(8000, 60),
    params:
        depends_on=depends_on("make_bundle"),
    message:
        "Put all models of {wildcards.method} into one file"
    script:
        "../workflow/scripts/make_bundle.py"
