"""Say where the report of a run is: `make report`."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from crate import find_results  # noqa: E402

from motilens.core.command_line import run_command_line  # noqa: E402
from motilens.core.errors import InputError  # noqa: E402


def main():
    """Print the path of the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", type=Path, default=[Path("config/config.yaml")])
    report = Path(find_results(parser.parse_args().configfile)) / "report.html"
    if not report.exists():
        raise InputError(f"{report}: is not there: finish the run first")
    print(f"The report is {report}: open it in a browser. It needs no network.")


if __name__ == "__main__":
    run_command_line(main)
