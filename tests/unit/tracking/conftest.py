"""Videos in which cells are tracked."""

import pytest

from support.looks import draw_looks


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A video of each look: path and true tracks."""
    return draw_looks(tmp_path_factory.mktemp("looks"))
