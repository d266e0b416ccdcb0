"""Predict the percentages of the held-out participants from the paths of their cells."""

import numpy as np
import pandas as pd

from motilens import InputError, counting, predictions, step, tracks


def main(paths, records, output, wildcards, params):
    values, seed = params.settings[f"targets.{wildcards.target}"], int(wildcards.seed)
    method = params.settings["baseline"]
    seen, unseen = params.training["training"], params.held_out["held_out"]
    predictions.check_folds(seen, unseen, seen)
    known = {record["sample"]: record for record in map(step.read_record, records)}
    found = {sample: tracks.read(paths[sample]) for sample in (*seen, *unseen)}
    rates = {sample: known[sample]["video_frame_rate"] for sample in found}
    left, right = ([found[sample] for sample in side] for side in (seen, unseen))
    labels, held_out = (pd.DataFrame.from_dict(side, orient="index") for side in (seen, unseen))
    strength = None
    if method == "casa":
        scales = params.settings["microns_per_pixel"]
        answers = [
            tracks.counted(
                tracks.kinematics(one, rates[sample]),
                scales[sample] * tracks.reduction(known[sample]),
            )
            for sample, one in zip(unseen, right, strict=True)
        ]
        # Where no cell was found, nothing is known: ZeroR.
        predicted = pd.DataFrame(answers)[values].fillna(labels[values].mean()).to_numpy()
    else:
        if method == "msd":
            features = counting.bag_of_words(left, right, seed)
        else:
            features = [
                counting.kinematics(side, [rates[sample] for sample in names])
                for side, names in ((left, seen), (right, unseen))
            ]
        predicted, strength = counting.regress(
            features[0], labels[values].to_numpy(), list(labels["participant"]), features[1]
        )
    if not np.isfinite(predicted).all():
        raise InputError(f"{wildcards.baseline}: its predictions are no numbers")
    table = predictions.prediction_table(
        [(sample, 0) for sample in unseen], held_out, values, predicted
    )
    with step.written_whole(output.predictions) as temporary:
        table.to_csv(temporary, index=False)
    described = dict(wildcards.items()) | {
        "input": wildcards.baseline,
        "strength": strength,
        "cells": {sample: int(one["cell"].nunique()) for sample, one in found.items()},
        "autoencoder_collapsed": False,
        "health": {"problem": None, "warning": None},
        **params.training,
        **params.held_out,
        **step.provenance(params.code, {"values": values, "weights": "none", "method": method}),
    }
    step.write_record(output.record, described)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            dict(zip(snakemake.params.samples["samples"], snakemake.input.tracks, strict=True)),
            snakemake.input.records,
            snakemake.output,
            snakemake.wildcards,
            snakemake.params,
        )
