"""docs/extending.md: its blocks, put where they say, make rows of the tables."""

import re
from pathlib import Path

import pandas as pd
import yaml
from support.laboratory import FOLLOWED

TEXT = (Path(__file__).parents[2] / "docs/extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```\w+\n# (\S+), ([^\n]+)\n(.*?)```", TEXT, re.DOTALL)
# What a block at the end of a list takes the place of.
LISTS = {"backbone": "swin_t, swin_v2_t", "encoder": "motion, flow", "baselines": "casa"}


def put(lab, path, place, block):
    file = lab.folder / path
    if path == "mine.yaml":
        key, added = place.removeprefix("in place of "), yaml.safe_load(block)
        if key == "inputs":
            lab.config["inputs"] |= added["inputs"]
        else:
            lab.config |= added
        return
    text = file.read_text(encoding="utf-8")
    if place == "at its end":
        text += "\n\n" + block
    elif place == "after ssim":
        ((before, indent),) = re.findall(r"(?ms)(^( +)ssim: \{.*?\}\n)", text)
        text = text.replace(before, before + indent + block)
    else:
        name = place.removeprefix("at the end of ")
        old = LISTS[name]
        assert old in text, old
        new = block.strip()
        text = text.replace(f"msd, kinematics, cells, {old}" if name == "baselines" else old, new)
    file.write_text(text, encoding="utf-8")


def test_every_block_works(finished_laboratory, tmp_path):
    lab = finished_laboratory.copy(tmp_path / "a lab")
    assert len(BLOCKS) == 12
    lab.config["inputs"] = {}
    lab.config["targets"] = {"motility": lab.config["targets"]["motility"]}
    lab.config["tracks"] = FOLLOWED["tracks"]
    for block in BLOCKS:
        assert len(block[2].splitlines()) < 20
        put(lab, *block)
    lab.write_configuration()
    lab.snakemake("--cores", "2", "--", "results/tables/table1.csv", config="own.yaml")
    table = pd.read_csv(lab.folder / "results/tables/table1.csv")
    expected = {"ZeroR", "median", "I5", "small", "sparse", "extreme", "crowd"}
    assert set(table["input"]) == expected
    assert table.filter(like="_participant").notna().all(axis=None)
