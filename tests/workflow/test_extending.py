"""The blocks of docs/how-to/extending.md, put where they say, make methods of the tables."""

import re

import pandas as pd
import yaml

from support.configs import ROOT
from support.laboratory import TRACKED

TEXT = (ROOT / "docs/how-to/extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```\w+\n# (\S+), ([^\n]+)\n(.*?)```", TEXT, re.DOTALL)
# The end of each list that a block adds to.
LISTS = {"backbone": "swin_v2_t", "encoder": "motion, flow", "baselines": "cells, speed, casa"}


def apply_block(lab, path, place, block):
    if path == "mine.yaml":
        for key, value in yaml.safe_load(block).items():
            lab.config[key] = lab.config[key] | value if key == "inputs" else value
        return
    file = lab.folder / path
    text = file.read_text(encoding="utf-8")
    if place == "at its end":
        text += "\n\n" + block
    elif place == "after ssim":
        [(line, indent)] = re.findall(r"(?ms)(^( +)ssim: \{.*?\}\n)", text)
        text = text.replace(line, line + indent + block)
    else:
        names = LISTS[place.removeprefix("added to the list of ")]
        assert text.count(names) == 1, names
        text = text.replace(names, f"{names}, {block.strip()}")
    file.write_text(text, encoding="utf-8")


def test_every_block_works(finished_laboratory, tmp_path):
    lab = finished_laboratory.copy(tmp_path / "a lab")
    assert len(BLOCKS) == 12
    lab.config |= {"inputs": {}, "tracking": TRACKED["tracking"]}
    del lab.config["targets"]["morphology"]
    for block in BLOCKS:
        assert len(block[2].splitlines()) < 20
        apply_block(lab, *block)
    lab.write_configuration()
    methods = ("I5", "small", "robust", "extreme", "crowd")
    targets = [f"predictions/{name}/motility/fold1/seed0.csv" for name in methods]
    lab.snakemake("--cores", "2", "--", *targets, config="own.yaml")
    for target in targets:
        predicted = pd.read_csv(lab.folder / "results" / target).filter(regex="^predicted")
        assert len(predicted) and predicted.notna().all(axis=None)
