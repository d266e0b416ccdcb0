"""Predict the percentages of the held-out participants from the paths of their cells."""

import pandas as pd

from motilens.core.files import atomic_write, hash_file
from motilens.core.records import make_provenance, read_record, write_record
from motilens.evaluation.predictions import check_no_leakage, make_prediction_table
from motilens.pipeline.job import run_job
from motilens.tracking.baselines import predict_baseline
from motilens.tracking.trajectories import downscale_factor, read_tracks


def main(paths, records, output, wildcards, params):
    values, seed = params.settings[f"targets.{wildcards.target}"], int(wildcards.seed)
    method = params.settings["baseline"]
    seen, unseen = params.training["training"], params.held_out["held_out"]
    check_no_leakage(seen, unseen, seen)
    known = {record["sample"]: record for record in map(read_record, records)}
    left, right = (
        {sample: read_tracks(paths[sample]) for sample in side} for side in (seen, unseen)
    )
    labels, held_out = (pd.DataFrame.from_dict(side, orient="index") for side in (seen, unseen))
    scales, those = params.settings.get("microns_per_pixel", {}), (*seen, *unseen)
    predicted, fitted = predict_baseline(
        method,
        labels[["participant", *values]],
        left,
        right,
        {sample: known[sample]["video_frame_rate"] for sample in those},
        {sample: scales[sample] * downscale_factor(known[sample]) for sample in those if scales},
        seed,
    )
    table = make_prediction_table([(sample, 0) for sample in unseen], held_out, values, predicted)
    with atomic_write(output.predictions) as temporary:
        table.to_csv(temporary, index=False)
    lost = [sample for sample, one in right.items() if one.empty]
    described = dict(wildcards.items()) | {
        "input": wildcards.baseline,
        "fitted": fitted,
        "cells": {sample: int(one["cell"].nunique()) for sample, one in (left | right).items()},
        "autoencoder_collapsed": False,
        "health": {
            "problem": None,
            "warning": f"no cell is followed in {', '.join(lost)}: given ZeroR" if lost else None,
        },
        **params.training,
        **params.held_out,
        "predictions_sha256": hash_file(output.predictions),
        **make_provenance(params.code, {"values": values, "weights": "none", "method": method}),
    }
    write_record(output.record, described)


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            dict(zip(snakemake.params.samples["samples"], snakemake.input.tracks, strict=True)),
            snakemake.input.records,
            snakemake.output,
            snakemake.wildcards,
            snakemake.params,
        )
