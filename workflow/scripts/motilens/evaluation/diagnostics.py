"""Diagnostics of trained models: what is wrong with one, and how tables mark it."""


def list_issues(health: dict) -> list[str]:
    """What is wrong with a model, if anything: what another start might mend, and what not."""
    return [health[kind] for kind in ("problem", "warning") if health[kind]]


def format_diagnostics(health: dict) -> str:
    """Its numbers, for a log."""
    numbers = []
    for name, value in health.items():
        if name not in ("problem", "warning"):
            given = value if isinstance(value, list) else [value]
            numbers.append(f"{name.replace('_', ' ')} {' '.join(f'{one:.4g}' for one in given)}")
    return "; ".join(numbers + list_issues(health))


# By column of mae.csv: what is wrong with a model behind a number.
QUALITY_FLAGS = {
    "autoencoder_collapsed": (
        " †",
        "† rests on a collapsed autoencoder: it is dead, or restores frames no better than their "
        "mean grey level, so its feature images carry little or no information.",
    ),
    "regressor_unsound": (
        " ‡",
        "‡ an unsound regressor: it answers all stacks alike, or errs far more on its own training "
        "stacks than in training; or a baseline that found no cell in a sample (`health` in its "
        "`model.json`); or an ensemble of such.",
    ),
}


def quality_flags(record: dict) -> dict[str, bool]:
    """What is wrong with a regressor or baseline, by the names of MARKS."""
    return {
        "autoencoder_collapsed": record["autoencoder_collapsed"],
        "regressor_unsound": any(record["health"][kind] for kind in ("problem", "warning")),
    }
