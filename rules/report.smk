"""The report: all tables and figures of a run in one page."""


rule write_report:
    input:
        table=rules.compute_errors.output.table,
        record=rules.compute_errors.output.record,
        table1=rules.make_table1.output.csv,
        statistics=rules.compute_statistics.output.summary,
        comparisons=rules.compute_statistics.output.comparisons,
        samples=rules.compute_statistics.output.samples,
        errors=rules.plot_errors.output[0],
        agreement=rules.plot_agreement.output.agreement[0],
        learning_curves=rules.plot_learning_curves.output[0] if EXPERIMENT.inputs else [],
        gallery=rules.plot_gallery.output[0] if EXPERIMENT.autoencoded else [],
        run_summary=rules.summarize_run.output.web if EXPERIMENT.inputs else [],
        contact_sheets=(
            expand(rules.plot_contact_sheet.output[0], sample=SAMPLES)
            if EXPERIMENT.uses_videos
            else []
        ),
        index=index_of_all,
    output:
        "report.html",
    log:
        "logs/write_report.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        depends_on=depends_on("write_report"),
    message:
        "Write the report"
    script:
        "../workflow/scripts/write_report.py"
