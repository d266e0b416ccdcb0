"""The paper's figures, and whether a model may be compared with them."""

from motilens.core.labels import MOTILITY

# Table 1 of Thambawita et al., MediaEval 2019: input -> target -> MAE of folds 1, 2, 3 on VISEM.
PAPER_MAE = {
    "I1": {"motility": (13.330, 12.880, 12.840), "morphology": (5.698, 5.748, 5.698)},
    "I2": {"motility": (12.890, 13.010, 13.150), "morphology": (5.573, 5.593, 5.653)},
    "I3": {"motility": (10.850, 11.310, 10.750), "morphology": (5.567, 5.748, 5.580)},
    "I4": {"motility": (9.462, 9.426, 9.393), "morphology": (5.900, 5.738, 5.692)},
}
PAPER_STACKS = {"I1": (1, 1), "I2": (1, 9), "I3": (9, 1), "I4": (18, 1)}  # frames, repeats
PAPER_VALUES = {"motility": MOTILITY, "morphology": ("head", "midpiece", "tail")}
AVERAGE = "average"  # in the column of folds


def matches_paper_setup(record: dict) -> bool:
    """Return whether input type and target are named as the paper's, and are the same."""
    encoder = record.get("architecture", {}).get("encoder", {})
    values = PAPER_VALUES.get(record["target"], ())
    return (
        encoder.get("model") == "autoencoder"
        and PAPER_STACKS.get(record["method"]) == (encoder.get("frames"), encoder.get("repeats"))
        and sorted(record["settings"]["values"]) == sorted(values)
    )


def paper_mae(method: str, target: str, fold: int | str) -> float | None:
    """Return the paper's error of a fold, or of AVERAGE; None if it has no such figure."""
    folds = PAPER_MAE.get(method, {}).get(target, ())
    if fold == AVERAGE:
        return sum(folds) / len(folds) if folds else None
    return folds[fold - 1] if fold <= len(folds) else None
