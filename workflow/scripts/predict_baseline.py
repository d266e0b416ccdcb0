"""Predict the percentages of the held-out participants from the tracks of their cells."""

import pandas as pd

from motilens.core.files import hash_file, write_table
from motilens.core.records import make_provenance, read_record, write_record
from motilens.evaluation.predictions import check_no_leakage, make_prediction_table
from motilens.motility.baselines import predict_baseline
from motilens.pipeline.job import run_job
from motilens.tracking.quality import is_doubtful
from motilens.tracking.trajectories import downscale_factor, read_tracks


def main(job):
    depends_on, wildcards = job.params.depends_on, job.wildcards
    training, held_out = depends_on["training"], depends_on["held_out"]
    settings, method = depends_on["settings"], depends_on["settings"]["baseline"]
    values = settings[f"targets.{wildcards.target}"]
    check_no_leakage(training, held_out, training)
    paths = dict(zip(depends_on["samples"], job.input.tracks, strict=True))
    tracks = {sample: read_tracks(paths[sample]) for sample in (*training, *held_out)}
    records = {record["sample"]: record for record in map(read_record, job.input.records)}
    given = settings.get("microns_per_pixel", {})
    factors = {sample: downscale_factor(records[sample]) for sample in tracks}
    scales = {s: given[s] * factors[s] for s in tracks if given.get(s)}
    quality = [read_record(path)["quality"] for path in job.input.quality]
    quality = dict(zip(depends_on["samples"], quality, strict=True))
    heads = {s: quality[s]["head_length"] / factors[s] for s in tracks if quality[s]}
    labels, truth = (pd.DataFrame.from_dict(s, orient="index") for s in (training, held_out))
    labels = labels[["participant", *values]]
    sides = ({sample: tracks[sample] for sample in side} for side in (training, held_out))
    rates = {sample: records[sample]["video_frame_rate"] for sample in tracks}
    seed = int(wildcards.seed)
    predicted, fitted = predict_baseline(method, labels, *sides, rates, scales, seed, heads)
    table = make_prediction_table([(sample, 0) for sample in held_out], truth, values, predicted)
    write_table(job.output.predictions, table)
    empty = ", ".join(sample for sample in held_out if tracks[sample].empty)
    warnings = [f"no cell is tracked in {empty}: predicted by ZeroR"] if empty else []
    if doubtful := ", ".join(sample for sample in tracks if is_doubtful(quality[sample])):
        warnings.append(f"cells can hardly be told from debris in {doubtful}")
    description = dict(wildcards.items()) | {
        "method": method,
        "fitted": fitted,
        "cells": {sample: int(part["cell"].nunique()) for sample, part in tracks.items()},
        "autoencoder_collapsed": False,
        "diagnostics": {"failure": None, "warning": "; ".join(warnings) or None},
        "training": training,
        "held_out": held_out,
        "predictions_sha256": hash_file(job.output.predictions),
        **make_provenance(depends_on["code"], {"values": values, "baseline": method}),
    }
    write_record(job.output.record, description)


if __name__ == "__main__":
    run_job(main, snakemake)
