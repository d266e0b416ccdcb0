"""Errors of all models, Table 1, and figures."""

SHOWN = {"fold": 1, "seed": EXPERIMENT.seeds[0]}  # in the gallery


rule compute_errors:
    input:
        predictions=files_of_all_methods("predictions"),
        records=files_of_all_methods("record"),
        index=index_of_all,
    output:
        table="tables/mae.csv",
        record="tables/mae.json",
    log:
        "logs/compute_errors.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("compute_errors"),
    message:
        "Compute the errors of all models"
    script:
        "../workflow/scripts/compute_errors.py"


rule compute_statistics:
    input:
        predictions=files_of_all_methods("predictions"),
        records=files_of_all_methods("record"),
        index=index_of_all,
    output:
        summary="tables/statistics.csv",
        comparisons="tables/comparisons.csv",
        samples="tables/sample_predictions.csv",
        markdown="tables/statistics.md",
        web=reported("tables/statistics.html", "1 Errors", "intervals and comparisons"),
    log:
        "logs/compute_statistics.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("compute_statistics"),
    message:
        "Compute intervals and comparisons of the errors"
    script:
        "../workflow/scripts/compute_statistics.py"


rule make_table1:
    input:
        table=rules.compute_errors.output.table,
        record=rules.compute_errors.output.record,
        comparisons=rules.compute_statistics.output.comparisons,
        index=index_of_all,
    output:
        csv="tables/table1.csv",
        markdown="tables/table1.md",
        web=reported("tables/table1.html", "1 Errors", "Table 1"),
    log:
        "logs/make_table1.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("make_table1"),
    message:
        "Write Table 1 of the errors"
    script:
        "../workflow/scripts/make_table1.py"


rule summarize_run:
    input:
        records=all_autoencoders(rules.train_autoencoder.output.record)
        + all_models(rules.train_regressor.output.record),
        runs=all_autoencoders(rules.train_autoencoder.output.run)
        + all_models(rules.train_regressor.output.run),
        errors=rules.compute_errors.output.record,
        index=index_of_all,
    output:
        models="tables/models.csv",
        markdown="tables/run_summary.md",
        web=reported("tables/run_summary.html", "5 How it was made", "cost, settings, versions"),
    log:
        "logs/summarize_run.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("summarize_run"),
    message:
        "Summarize how the models were made, and what they cost"
    script:
        "../workflow/scripts/summarize_run.py"


rule plot_learning_curves:
    input:
        autoencoders=all_autoencoders(rules.train_autoencoder.output.history),
        autoencoder_records=all_autoencoders(rules.train_autoencoder.output.record),
        regressors=all_models(rules.train_regressor.output.history),
        records=all_models(rules.train_regressor.output.record),
        index=index_of_all,
    output:
        reported("figures/learning_curves.png", "2 Training", "learning curves"),
        "figures/learning_curves.pdf",
    log:
        "logs/plot_learning_curves.log",
    conda:
        "../envs/tables.yaml"
    resources:
        **job_resources(1500, 10),
    params:
        depends_on=depends_on("plot_learning_curves"),
    message:
        "Draw the learning curves of all models"
    script:
        "../workflow/scripts/plot_learning_curves.py"


rule plot_errors:
    input:
        statistics=rules.compute_statistics.output.summary,
        errors=rules.compute_errors.output.table,
        record=rules.compute_errors.output.record,
        index=index_of_all,
    output:
        reported("figures/errors.png", "1 Errors", "all methods"),
        "figures/errors.pdf",
    log:
        "logs/plot_errors.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("plot_errors"),
    message:
        "Draw the errors of all methods"
    script:
        "../workflow/scripts/plot_errors.py"


rule plot_agreement:
    input:
        predictions=files_of_all_methods("predictions", EXPERIMENT.seeds[:1]),
        records=files_of_all_methods("record", EXPERIMENT.seeds[:1]),
        index=index_of_all,
    output:
        agreement=[
            reported("figures/agreement.png", "1 Errors", "agreement (Bland and Altman)"),
            "figures/agreement.pdf",
        ],
        predicted=[
            reported("figures/predicted.png", "1 Errors", "predicted against true"),
            "figures/predicted.pdf",
        ],
    log:
        "logs/plot_agreement.log",
    conda:
        "../envs/tables.yaml"
    resources:
        **job_resources(1500, 10),
    params:
        depends_on=depends_on("plot_agreement"),
    message:
        "Draw predicted against true percentages"
    script:
        "../workflow/scripts/plot_agreement.py"


rule plot_gallery:
    input:
        clips=clips_of(EXPERIMENT.groups["gallery"]),
        clip_records=records_of(EXPERIMENT.groups["gallery"]),
        index=lambda wildcards: index_of("training1", "gallery"),
        weights=all_autoencoders(rules.train_autoencoder.output.weights, **SHOWN),
        records=all_autoencoders(rules.train_autoencoder.output.record, **SHOWN),
    output:
        reported("figures/gallery.png", "3 What models see", "gallery"),
        "figures/gallery.pdf",
    log:
        "logs/plot_gallery.log",
    conda:
        "../envs/torch.yaml"
    resources:
        **job_resources(3000, 30),
    params:
        depends_on=depends_on("plot_gallery"),
    message:
        "Draw what each autoencoder makes of a held-out participant"
    script:
        "../workflow/scripts/plot_gallery.py"
