"""Diagnostics of trained models: what is wrong with one, and how tables mark it."""

# By column of mae.csv: the sign beside a number, and what it says of a model behind it.
QUALITY_FLAGS = {
    "autoencoder_collapsed": (
        " †",
        "† depends on a collapsed autoencoder or a poor one: its feature images are constant, or "
        "it reconstructs no more than the mean gray level or the background, so they carry little "
        "or no information.",
    ),
    "regressor_unsound": (
        " ‡",
        "‡ an unsound regressor: it predicts the same for all stacks, or its error on its own "
        "training stacks is far above that in training; or a baseline that found no cell in a "
        "sample, or can hardly tell cells from debris (`diagnostics` in its `model.json`); or an "
        "ensemble of such.",
    ),
}


def list_issues(diagnostics: dict) -> list[str]:
    """Return what is wrong with a model: what another attempt might correct, and what not."""
    return [diagnostics[kind] for kind in ("failure", "warning") if diagnostics[kind]]


def format_diagnostics(diagnostics: dict) -> str:
    """Return the numbers and issues of diagnostics in one line, for a log."""
    parts = []
    for name, value in diagnostics.items():
        if name not in ("failure", "warning"):
            numbers = [f"{v:.4g}" for v in (value if isinstance(value, list) else [value])]
            parts.append(" ".join([name.replace("_", " "), *numbers]))
    return "; ".join(parts + list_issues(diagnostics))


def quality_flags(record: dict) -> dict[str, bool]:
    """Return whether each of QUALITY_FLAGS applies to a regressor, baseline or ensemble."""
    return {
        "autoencoder_collapsed": record["autoencoder_collapsed"],
        "regressor_unsound": bool(list_issues(record["diagnostics"])),
    }
