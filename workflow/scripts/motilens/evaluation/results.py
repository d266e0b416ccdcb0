"""Reading the tables that steps have written."""

import hashlib
import io
from pathlib import Path

import pandas as pd

from motilens.core.errors import InputError


def read_result(source: str | io.BytesIO, **options) -> pd.DataFrame:
    """Read a CSV file of ours, where a participant or a method may be called NA, null or nan."""
    return pd.read_csv(source, keep_default_na=False, na_values=[""], **options)


def read_mae_table(path: str, record: dict) -> pd.DataFrame:
    """Read the table of errors; raise an InputError if it is not what its record names."""
    content = Path(path).read_bytes()
    if hashlib.sha256(content).hexdigest() != record.get("table_sha256"):
        raise InputError(f"{path} was changed by hand: delete it and run again")
    return read_result(io.BytesIO(content), dtype={"folds": str, "skipped": str})


def read_predictions(path: str, record: dict) -> pd.DataFrame:
    """Read the predictions that the model of a record made; participants are text.

    Raises:
        InputError: they are not what the model made, or a prediction is not a number.
    """
    model = "{method}, {target}, fold {fold}, seed {seed}".format_map(record)
    if not path.endswith("/{method}/{target}/fold{fold}/seed{seed}.csv".format_map(record)):
        raise InputError(
            f"{path}: the record beside its model is that of another one ({model}): delete both "
            "and run again"
        )
    content = Path(path).read_bytes()
    if hashlib.sha256(content).hexdigest() != record["predictions_sha256"]:
        raise InputError(f"{path} is not what the model made ({model}): delete it and run again")
    predictions = read_result(io.BytesIO(content), dtype={"participant": str, "sample": str})
    if predictions.isna().any(axis=None):
        raise InputError(f"{path}: a prediction is not a number: see the model's diagnostics")
    return predictions
