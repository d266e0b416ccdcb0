"""What each method of a configuration is, in a sentence: for those who have only the report."""

import json

import pandas as pd

from motilens.evaluation.metrics import MEDIAN, ZERO_R

PARTS = ("autoencoder", "regressor")  # whose settings an input type may have for itself
RULES = {
    ZERO_R: "always predicts the mean of the training samples",
    MEDIAN: "always predicts the median of the training samples",
}
ENCODERS = {
    "autoencoder": "{backbone} on the feature image that an autoencoder ({variant}) makes of "
    "{frames}",
    "none": "{backbone} on {frames}, without a feature image",
    "pca": "{backbone} on {frames}, projected on three principal directions",
    "motion": "{backbone} on mean, deviation and mean frame difference of {frames}",
    "flow": "{backbone} on the mean of {frames}, and on speeds by optical flow",
}
OWN_ENCODER = "{backbone} on what an encoder of your plugins makes of {frames}"
BASELINES = {
    "msd": "tracks cells; a support vector machine on their mean squared displacements",
    "kinematics": "tracks cells; a support vector machine on the distribution of their speeds and "
    "paths",
    "cells": "tracks cells and classifies each; learns from the percentages of whole samples",
    "speed": "tracks cells; a regression on one number, the mean logarithm of their speed",
    "casa": "tracks cells and classifies each by fixed thresholds of speed; learns nothing",
}


def describe_methods(config: dict) -> pd.DataFrame:
    """Return the methods of a configuration with all defaults: columns Method, What it is."""
    rows = dict(RULES)
    for name, settings in config.get("inputs", {}).items():
        rows[name] = _describe_input(settings, config)
    for name in config.get("baselines", []):
        rows[name] = BASELINES.get(name, "tracks cells; a baseline of your plugins")
    for name in config.get("external", {}):
        rows[name] = "predictions made elsewhere"
    for name, members in config.get("ensembles", {}).items():
        rows[name] = f"the mean of the predictions of {', '.join(members)}"
    return pd.DataFrame({"Method": list(rows), "What it is": list(rows.values())})


def _describe_input(settings: dict, config: dict) -> str:
    count, repeats = settings["frames"], settings.get("repeats", 1)
    frames = "1 frame" if count == 1 else f"{count} frames"
    if repeats > 1:
        frames += f", repeated {repeats} times"
    autoencoder, regressor = (config[part] | settings.get(part, {}) for part in PARTS)
    encoder = settings.get("encoder", "autoencoder")
    template = ENCODERS.get(encoder, OWN_ENCODER)
    text = template.format(
        backbone=regressor["backbone"], variant=autoencoder.get("variant"), frames=frames
    )
    own = {part: settings[part] for part in PARTS if part in settings}
    return f"{text}; {json.dumps(own)[1:-1]}".replace('"', "") if own else text
