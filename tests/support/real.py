"""Real videos with hand-made tracks, which are not part of the project."""

import os
from pathlib import Path

import pytest

from support.configs import ROOT

REAL = Path(os.environ.get("MOTILENS_REAL", ROOT.parent / "shared/real"))
needs_real = pytest.mark.skipif(
    not (REAL / "visem_tracking").exists(),
    reason="no real videos with hand-made tracks beside the project, nor in MOTILENS_REAL",
)
