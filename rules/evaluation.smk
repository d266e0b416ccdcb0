"""Errors of all models, Table 1, and figures."""

if REPORTED and not any(Path(config["results"]).glob("figures/**/*.png")):
    stop(f"{config['results']} holds no finished run to report on: run it first, then --report")


rule measure_errors:
    input:
        predictions=answers("predictions"),
        records=answers("record"),
        lists=all_lists,
    output:
        table="<results>/tables/mae.csv",
        made="<results>/tables/mae.json",
    log:
        "<results>/logs/measure_errors.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        settings=lambda wildcards: plain(
            {
                "models": ALL_MODELS,
                **OTHER_ROWS,
                "folds_digest": splits.split_digest(FOLDS_OF),
                "left_out": left_out(),
            }
        ),
        code=code_of("measure_errors.py"),
        rests_on=lambda wildcards: all_models_rest_on(),
    message:
        "Measure the errors of all models"
    script:
        "../workflow/scripts/measure_errors.py"


rule measure_statistics:
    input:
        predictions=answers("predictions"),
        records=answers("record"),
        lists=all_lists,
    output:
        summary="<results>/tables/statistics.csv",
        comparisons="<results>/tables/comparisons.csv",
        markdown="<results>/tables/statistics.md",
        web=report(
            "<results>/tables/statistics.html",
            category="1 Errors",
            caption="../workflow/report/statistics.rst",
            labels={"what": "how sure they are"},
        ),
    log:
        "<results>/logs/measure_statistics.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        settings=plain({"models": ALL_MODELS, **OTHER_ROWS}),
        code=code_of("measure_statistics.py"),
        rests_on=lambda wildcards: all_models_rest_on(),
    message:
        "Measure how sure the errors are"
    script:
        "../workflow/scripts/measure_statistics.py"


rule make_table1:
    input:
        table=rules.measure_errors.output.table,
        lists=all_lists,
    output:
        csv="<results>/tables/table1.csv",
        markdown="<results>/tables/table1.md",
        web=report(
            "<results>/tables/table1.html",
            category="1 Errors",
            caption="../workflow/report/table1.rst",
            labels={"what": "Table 1"},
        ),
    log:
        "<results>/logs/make_table1.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        settings=plain({"simulated": bool(SIMULATED)}),
        code=code_of("make_table1.py"),
        rests_on=lambda wildcards: all_models_rest_on("measure_errors.py"),
    message:
        "Set the errors beside the paper's Table 1"
    script:
        "../workflow/scripts/make_table1.py"


rule describe_run:
    input:
        records=[
            autoencoders(rules.train_autoencoder.output.record),
            models(rules.train_regressor.output.record),
        ],
        runs=[
            autoencoders(rules.train_autoencoder.output.run),
            models(rules.train_regressor.output.run),
        ],
        errors=rules.measure_errors.output.made,
        lists=all_lists,
    output:
        models="<results>/tables/models.csv",
        markdown="<results>/tables/run.md",
        web=report(
            "<results>/tables/run.html",
            category="5 How it was made",
            caption="../workflow/report/run.rst",
            labels={"what": "cost, settings, versions"},
        ),
    log:
        "<results>/logs/describe_run.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        settings=settings_of(
            "frames", *["tracks"] * bool(BASELINES), data=SIMULATED or "recordings"
        ),
        code=code_of("describe_run.py"),
        rests_on=lambda wildcards: all_models_rest_on("measure_errors.py"),
    message:
        "Say how the models were made, and what they cost"
    script:
        "../workflow/scripts/describe_run.py"


rule plot_learning_curves:
    input:
        autoencoders=autoencoders(rules.train_autoencoder.output.history),
        regressors=models(rules.train_regressor.output.history),
        records=models(rules.train_regressor.output.record),
        lists=all_lists,
    output:
        report(
            "<results>/figures/learning_curves.png",
            category="2 Training",
            caption="../workflow/report/learning_curves.rst",
            labels={"what": "learning curves"},
        ),
    log:
        "<results>/logs/plot_learning_curves.log",
    conda:
        "../envs/tables.yaml"
    resources:
        **needed(1500, 10),
    params:
        settings=plain({"models": ALL_MODELS}),
        code=code_of("plot_learning_curves.py"),
        rests_on=lambda wildcards: all_models_rest_on(rows=TRAINED),
    message:
        "Draw the learning curves of all models"
    script:
        "../workflow/scripts/plot_learning_curves.py"


rule plot_errors:
    input:
        statistics=rules.measure_statistics.output.summary,
        errors=rules.measure_errors.output.table,
        lists=all_lists,
    output:
        report(
            "<results>/figures/errors.png",
            category="1 Errors",
            caption="../workflow/report/errors.rst",
            labels={"what": "all inputs"},
        ),
    log:
        "<results>/logs/plot_errors.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        code=code_of("plot_errors.py"),
        rests_on=lambda wildcards: all_models_rest_on("measure_statistics.py", "measure_errors.py"),
    message:
        "Draw the errors of all inputs"
    script:
        "../workflow/scripts/plot_errors.py"


rule plot_agreement:
    input:
        predictions=answers("predictions", SEEDS[:1]),
        records=answers("record", SEEDS[:1]),
        lists=all_lists,
    output:
        agreement=report(
            "<results>/figures/agreement.png",
            category="1 Errors",
            caption="../workflow/report/agreement.rst",
            labels={"what": "agreement (Bland and Altman)"},
        ),
        predicted=report(
            "<results>/figures/predicted.png",
            category="1 Errors",
            caption="../workflow/report/predicted.rst",
            labels={"what": "predicted against true"},
        ),
    log:
        "<results>/logs/plot_agreement.log",
    conda:
        "../envs/tables.yaml"
    resources:
        **needed(1500, 10),
    params:
        settings=plain({"models": ALL_MODELS | {"seed": SEEDS[:1]}, **OTHER_ROWS}),
        code=code_of("plot_agreement.py"),
        rests_on=lambda wildcards: all_models_rest_on(),
    message:
        "Draw predicted against true percentages"
    script:
        "../workflow/scripts/plot_agreement.py"


rule plot_gallery:
    input:
        frames=clips_of(GROUPS["gallery"]),
        frame_records=records_of(GROUPS["gallery"]),
        lists=lambda wildcards: listed("training1", "gallery"),
        weights=autoencoders(rules.train_autoencoder.output.weights, fold=1, seed=SEEDS[0]),
        records=autoencoders(rules.train_autoencoder.output.record, fold=1, seed=SEEDS[0]),
    output:
        report(
            "<results>/figures/gallery.png",
            category="3 What models see",
            caption="../workflow/report/gallery.rst",
            labels={"what": "gallery"},
        ),
    log:
        "<results>/logs/plot_gallery.log",
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        **needed(3000, 30),
    params:
        settings=plain({"inputs": AUTOENCODED, "seed": SEEDS[0]}),
        shown=lambda wildcards: content_of("shown", GROUPS["gallery"]),
        code=code_of("plot_gallery.py"),
        rests_on=lambda wildcards: params.upstream_digest(
            *(autoencoder_params({"input": name, "fold": 1}) for name in AUTOENCODED)
        ),
    message:
        "Draw what each autoencoder makes of a held-out participant"
    script:
        "../workflow/scripts/plot_gallery.py"
