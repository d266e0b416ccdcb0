"""All models of one input type in one file, made on demand: `make bundle`."""

for asked in sys.argv[1:]:
    if asked.startswith("bundle_") and asked.removeprefix("bundle_") not in INPUTS:
        stop(
            f"{asked}: the configuration has no such input type; it has {', '.join(INPUTS)} "
            "(make bundle INPUT=...; for another configuration CONFIG=...)"
        )


rule make_bundle:
    input:
        weights=lambda wildcards: models(
            rules.train_regressor.output.weights, input=wildcards.input
        ),
        records=lambda wildcards: models(rules.train_regressor.output.record, input=wildcards.input),
        frames=clips_of(SAMPLES.index),
        frame_records=records_of(SAMPLES.index),
        errors=rules.measure_errors.output.table,
        lists=all_lists,
    output:
        bundle="<results>/bundles/{input}.pt",
        record="<results>/bundles/{input}.json",
        card="<results>/bundles/{input}.md",
    log:
        "<results>/logs/make_bundle/{input}.log",
    conda:
        "../envs/torch.yaml"
    resources:
        **needed(8000, 60),
    params:
        settings=plain(
            {
                "targets": config["targets"],
                "frames": config["frames"] | {"clip_length": CLIP_LENGTH},
                "simulated": bool(SIMULATED),
            }
        ),
        training=lambda wildcards: content_of("training", SAMPLES.index),
        code=code_of("make_bundle.py"),
        rests_on=lambda wildcards: all_models_rest_on("measure_errors.py"),
    message:
        "Put all models of {wildcards.input} into one file"
    script:
        "../workflow/scripts/make_bundle.py"
