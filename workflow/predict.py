"""Predict percentages of new videos: `make predict`.

Or .venv/bin/python workflow/predict.py VIDEO_OR_FOLDER ... [--model BUNDLE] [--out FOLDER]
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow/scripts"
sys.path.insert(0, str(SCRIPTS))

from motilens.core.command_line import run_command_line  # noqa: E402
from motilens.core.packages import put_own_packages_first  # noqa: E402

put_own_packages_first()

from motilens.inference import cli  # noqa: E402
from motilens.pipeline.code_digest import code_versions  # noqa: E402


def main() -> None:
    """Predict the videos that are named on the command line."""
    program, pins = Path(cli.__file__), ROOT / "requirements.txt"
    cli.main(read_code=lambda: code_versions(program, pins, SCRIPTS))


if __name__ == "__main__":
    run_command_line(main)
