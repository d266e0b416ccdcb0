"""Track the cells of videos, and measure them: `make track`.

Or .venv/bin/python workflow/track.py VIDEO_OR_FOLDER ... [--out FOLDER]
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow/scripts"
sys.path.insert(0, str(SCRIPTS))

from motilens.core.command_line import run_command_line  # noqa: E402
from motilens.core.packages import put_own_packages_first  # noqa: E402

put_own_packages_first()

from motilens.inference import track_cli  # noqa: E402
from motilens.pipeline.code_digest import code_versions  # noqa: E402
from motilens.pipeline.config import read_section  # noqa: E402


def read_settings(config: str | None) -> dict:
    """Return the settings of the tracker, of a configuration or the defaults."""
    settings = read_section("tracking", config, ROOT / "config/schema.yaml")
    # Here all of a video is tracked, unless --duration says otherwise.
    return {name: value for name, value in settings.items() if name != "duration"}


def main() -> None:
    """Track the videos that are named on the command line."""
    program = Path(track_cli.__file__)
    track_cli.track_new_videos(
        read_settings, code_versions(program, ROOT / "requirements.txt", SCRIPTS)
    )


if __name__ == "__main__":
    run_command_line(main)
