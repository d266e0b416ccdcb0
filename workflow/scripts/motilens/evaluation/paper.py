"""The paper's figures, and whether a model may be compared with them."""

from motilens.core.labels import MOTILITY
from motilens.core.records import short_digest

# Averages of Table 1 of Thambawita et al., MediaEval 2019: input -> target -> MAE on VISEM. Its
# folds were not published, so no fold of ours is one of them.
PAPER_MAE = {
    "I1": {"motility": 13.017, "morphology": 5.715},
    "I2": {"motility": 13.017, "morphology": 5.606},
    "I3": {"motility": 10.970, "morphology": 5.632},
    "I4": {"motility": 9.427, "morphology": 5.777},
}
PAPER_STACKS = {"I1": (1, 1), "I2": (1, 9), "I3": (9, 1), "I4": (18, 1)}  # frames, repeats
PAPER_VALUES = {"motility": MOTILITY, "morphology": ("head", "midpiece", "tail")}
# Of `digest_labels` of VISEM's 85 participants.
VISEM_LABELS = {"motility": "41f29bc4b49d73e7", "morphology": "eaf1087a811a11bd"}
AVERAGE = "average"  # in the column of folds


def matches_paper_setup(record: dict) -> bool:
    """Return whether input type and target are named as the paper's, and are the same, on VISEM."""
    encoder, target = record.get("architecture", {}).get("encoder", {}), record["target"]
    values = PAPER_VALUES.get(target, ())
    return (
        encoder.get("model") == "autoencoder"
        and PAPER_STACKS.get(record["method"]) == (encoder.get("frames"), encoder.get("repeats"))
        and sorted(record["settings"]["values"]) == sorted(values)
        and digest_labels(record["training"] | record["held_out"], values) == VISEM_LABELS[target]
    )


def digest_labels(samples: dict[str, dict], values: tuple[str, ...]) -> str:
    """Return 16 hex digits that identify participants and these labels of theirs."""
    rows = [[row["participant"], *(float(row[v]) for v in values)] for row in samples.values()]
    return short_digest(sorted(rows))
