"""Where Python finds packages: the clone's and the environment's before those of PYTHONPATH."""

import os
import site
import sys
from pathlib import Path

from motilens.core.errors import InputError

SCRIPTS = Path(__file__).parents[2]  # holds this library


def put_own_packages_first(include_environment: bool = True) -> None:
    """Move what PYTHONPATH names behind our own packages, here and in the processes to come.

    Other clones, and the packages of an HPC module, are there for other programs. Without
    `include_environment`, processes to come have an environment of their own.
    """
    installed = site.getsitepackages()
    own = [str(SCRIPTS), *(installed if include_environment else [])]
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    foreign = [path for path in named if path and path not in [str(SCRIPTS), *installed]]
    os.environ["PYTHONPATH"] = os.pathsep.join([*own, *foreign])
    kept = [path for path in sys.path if path not in foreign and path != str(SCRIPTS)]
    sys.path[:] = [str(SCRIPTS), *kept, *foreign]


def check_packages(scripts: str | Path | None = None) -> None:
    """Check that what is imported is what is meant.

    Args:
        scripts: the folder of scripts whose library it should be.

    Raises:
        InputError: it is another clone's library, or `ffmpeg` is not that of ffmpeg-python.
    """
    if scripts and Path(scripts).exists() and not SCRIPTS.samefile(scripts):
        raise InputError(
            f"{SCRIPTS / 'motilens'} was imported, not {Path(scripts).resolve() / 'motilens'}: "
            "remove its folder from PYTHONPATH, or uninstall it"
        )
    ffmpeg = sys.modules.get("ffmpeg")
    if ffmpeg and not hasattr(ffmpeg, "merge_outputs"):
        place = getattr(ffmpeg, "__file__", None) or list(ffmpeg.__path__)[0]
        raise InputError(
            f"{place} is not the package ffmpeg-python, but another of the name ffmpeg (ffmpeg and "
            "python-ffmpeg are others): remove it, and install ffmpeg-python again"
        )
