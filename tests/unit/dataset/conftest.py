"""Two small data sets, one as VISEM has it, one in a single table; a server for archives."""

import pytest

from motilens.simulation import visem_files
from support.archive_server import ArchiveServer


@pytest.fixture
def files(tmp_path):
    """Four participants as in VISEM: labels, videos, list of videos."""
    table = visem_files.simulated_sample_table(4, seed=1, folder=str(tmp_path / "videos"))
    (tmp_path / "videos").mkdir()
    for path in table["video"]:
        (tmp_path / "videos" / path.rpartition("/")[2]).write_text(path)
    visem_files.write_label_table(table, tmp_path / "labels.csv")
    visem_files.write_video_list(table, tmp_path / "videos.csv")
    return tmp_path


@pytest.fixture
def own(tmp_path):
    """A laboratory's own folder: one table with everything."""
    (tmp_path / "films").mkdir()
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (tmp_path / "films" / name).write_text(name)
    (tmp_path / "labels.csv").write_text(
        "participant,video,progressive,nonprogressive,immotile\n"
        "P1,films/a.mp4,50,30,20\nP2,films/b.mp4,60,20,20\nP1,films/c.mp4,40,40,20\n"
    )
    return tmp_path


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ArchiveServer.running() as server:
        yield server
