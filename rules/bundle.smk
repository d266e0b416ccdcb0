"""All models of one row of the tables in one file, made on demand: `make bundle`."""

for before, asked in zip(sys.argv, sys.argv[1:]):
    a_target = before == "--" or not before.startswith("-")
    if a_target and asked.startswith("bundle_") and asked.removeprefix("bundle_") not in BUNDLED:
        stop(
            f"{asked}: nothing of that name can be bundled; there are {', '.join(BUNDLED)} "
            "(make bundle INPUT=...; for another configuration CONFIG=...)"
        )


rule make_bundle:
    input:
        weights=bundled("weights"),
        records=bundled("record"),
        frames=clips_of(SAMPLES.index),
        frame_records=records_of(SAMPLES.index),
        summary=rules.measure_statistics.output.summary,
        comparisons=rules.measure_statistics.output.comparisons,
        lists=all_lists,
    output:
        bundle="<results>/bundles/{input}.pt",
        record="<results>/bundles/{input}.json",
        card="<results>/bundles/{input}.md",
    log:
        "<results>/logs/make_bundle/{input}.log",
    wildcard_constraints:
        input="|".join(BUNDLED),
    conda:
        "../envs/torch.yaml"
    resources:
        **needed(8000, 60),
    params:
        settings=lambda wildcards: plain(
            {
                "targets": config["targets"],
                "frames": config["frames"] | {"clip_length": CLIP_LENGTH},
                "tracks": config["tracks"] if has_cells(wildcards.input) else None,
                "simulated": bool(SIMULATED),
            }
        ),
        training=lambda wildcards: content_of("training", SAMPLES.index),
        code=code_of("make_bundle.py"),
        rests_on=lambda wildcards: all_models_rest_on("measure_statistics.py"),
    message:
        "Put all models of {wildcards.input} into one file"
    script:
        "../workflow/scripts/make_bundle.py"
