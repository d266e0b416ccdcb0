"""The command `motilens`: what needs no Snakemake. `make track` and `make predict` call it, too."""

import argparse
import functools
import sys
from collections.abc import Callable, Sequence

from motilens.core.command_line import run_command_line
from motilens.core.packages import SCRIPTS, put_own_packages_first
from motilens.core.records import motilens_version

Command = Callable[[Sequence[str]], None]


def load_track() -> Command:
    """Return what tracks the videos that its arguments name."""
    from motilens.inference import track_cli
    from motilens.pipeline.code_digest import code_versions
    from motilens.pipeline.config import read_section

    def read_settings(config: str | None) -> dict:
        settings = read_section("tracking", config)
        # Here all of a video is tracked, unless --duration says otherwise.
        return {name: value for name, value in settings.items() if name != "duration"}

    def track(arguments: Sequence[str]) -> None:
        code = code_versions(track_cli.__file__, folder=SCRIPTS)
        track_cli.track_new_videos(read_settings, code, arguments)

    return track


def load_predict() -> Command:
    """Return what predicts percentages of the videos that its arguments name."""
    from motilens.inference import cli
    from motilens.pipeline.code_digest import code_versions

    read_code = functools.partial(code_versions, cli.__file__, folder=SCRIPTS)
    return functools.partial(cli.main, read_code=read_code)


def load_simulate() -> Command:
    """Return what draws videos into the folder that its arguments name."""
    from motilens.simulation.simulate_cli import simulate_data_set

    return simulate_data_set


# Each is loaded only if it is called for: PyTorch takes seconds.
COMMANDS = {"track": load_track, "predict": load_predict, "simulate": load_simulate}
DESCRIPTION = """track: cells of videos, their speeds and WHO categories. predict: percentages of
new videos. simulate: videos to try these on, with labels. For research: not a diagnosis.
`motilens COMMAND --help` lists the options of a command."""


def main() -> None:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser("motilens", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"motilens {motilens_version()}")
    parser.add_argument("command", choices=COMMANDS)
    name = parser.parse_args(sys.argv[1:2]).command
    put_own_packages_first()
    command = COMMANDS[name]()
    run_command_line(lambda: command(sys.argv[2:]))


if __name__ == "__main__":
    main()
