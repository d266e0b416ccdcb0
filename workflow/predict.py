"""Predict percentages of new videos by a bundle: `make predict`.

Or .venv/bin/python workflow/predict.py BUNDLE VIDEO_OR_FOLDER ... [--out FOLDER]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from motilens.core.command_line import run_command_line  # noqa: E402
from motilens.core.packages import put_own_packages_first  # noqa: E402

put_own_packages_first()

from motilens.inference.cli import main  # noqa: E402

if __name__ == "__main__":
    run_command_line(main)
