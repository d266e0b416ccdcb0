"""Put all models of an input type, of `cells` or of an ensemble of them into one file."""

import logging
from collections import defaultdict

from motilens.clips.hdf5 import match_clips_to_samples, read_clips
from motilens.core.files import atomic_write
from motilens.core.records import make_provenance, read_record, write_record
from motilens.evaluation.results import read_result
from motilens.inference.bundle import describe_member, write_bundle
from motilens.inference.domain_shift import measure_appearance, training_ranges
from motilens.pipeline.job import run_job
from motilens.reports.model_card import (
    errors_vs_zero_r,
    explain_doubts,
    find_doubts,
    measure_held_out_errors,
    render_model_card,
)
from motilens.reports.statistics_page import collect_quality_flags

logger = logging.getLogger("motilens.step")


def main(job):
    depends_on, method = job.params.depends_on, job.wildcards.method
    settings, training = depends_on["settings"], depends_on["training"]
    records = [read_record(path) for path in job.input.records]
    weights = iter(job.input.weights)  # in the order of the records of those that have some
    pairs = zip(job.input.records, records, strict=True)
    members = [describe_member(p, None if "fitted" in r else next(weights)) for p, r in pairs]
    files = match_clips_to_samples(job.input.clips, training)
    decoded = {record["sample"]: record for record in map(read_record, job.input.clip_records)}
    measured = [measure_appearance(read_clips(p), decoded[name]) for name, p in files.items()]
    summary, comparisons = (read_result(p) for p in (job.input.summary, job.input.comparisons))
    errors = errors_vs_zero_r(method, summary, comparisons)
    limits = measure_held_out_errors(method, summary)
    flags = defaultdict(set)
    for (_, target), names in collect_quality_flags(records).items():
        flags[target] |= names
    doubts = find_doubts(errors, settings["simulated"], flags)
    warnings = explain_doubts(doubts, errors)
    card = render_model_card(method, records, errors, limits, warnings, settings, comparisons)
    # In the order of the models, and so of the paper.
    targets = dict.fromkeys(member["target"] for member in members)
    content = {
        "members": members,
        "targets": {name: settings["targets"][name] for name in targets},
        "frames": settings["frames"],
        "ranges": training_ranges(measured),
        "tracking": settings["tracking"],
        "held_out_errors": limits,
        "doubts": doubts,
        "warnings": warnings,
        "training_clips": sorted({row["clips"] for row in training.values()}),
        "card": card,
    }
    if "plugins" in settings:
        content["plugins"] = settings["plugins"]
    digest = write_bundle(job.output.bundle, content)
    with atomic_write(job.output.card) as temporary:
        temporary.write_text(card, encoding="utf-8")
    for warning in warnings:
        logger.warning(warning)
    made = make_provenance(depends_on["code"], settings)
    content = {"sha256": digest, "models": len(members), "training": training}
    write_record(job.output.record, content | made)


if __name__ == "__main__":
    run_job(main, snakemake)
