"""A data set is fetched: license accepted, archive checked, only what is needed unpacked."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile

import pytest
import yaml

from motilens.simulation.render import render_video
from motilens.simulation.visem_files import simulated_sample_table, write_label_table
from motilens.video.encode import encode_video
from support.archive_server import ArchiveServer
from support.configs import load_config


@pytest.fixture
def server(tmp_path):
    """VISEM in small on a local server."""
    videos = tmp_path / "set/videos"
    videos.mkdir(parents=True)
    table = simulated_sample_table(4, seed=1, folder=str(videos))
    for row in table.itertuples():
        encode_video(row.video, render_video(int(row.participant), 1, 30), 50.0)
    write_label_table(table, tmp_path / "set/semen_analysis_data.csv")
    (tmp_path / "set/sex_hormones.csv").write_text("ID;a\n")
    (videos / "._1.avi").write_text("of a Mac")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*.*")):
            archive.write(path, f"visem dataset/{path.relative_to(tmp_path / 'set')}")
    with ArchiveServer.running() as server:
        server.content = content.getvalue()
        yield server


def write_config(project, server, **changes):
    config = load_config("config/visem.yaml")
    config["frames"]["clips_per_video"] = 4
    config["dataset"]["archive"] |= {
        "url": server.url,
        "size": len(server.content),
        "md5": hashlib.md5(server.content).hexdigest(),
        "license_accepted": True,
    } | changes
    (project.folder / "own.yaml").write_text(yaml.safe_dump(config))


def fetch(project, config="own.yaml", code=0):
    command = [sys.executable, "workflow/fetch_dataset.py", "--configfile", config]
    env = os.environ | {"NO_PROXY": "127.0.0.1"}
    done = subprocess.run(command, cwd=project.folder, env=env, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_a_data_set_is_fetched_and_used(project, server):
    write_config(project, server)
    done = project.snakemake("-n", config="own.yaml", check=False)
    assert "no such file: correct dataset.labels, or fetch the data set (0.0 GB" in done.stdout
    assert "make fetch CONFIG=" in done.stdout and done.returncode == 1
    write_config(project, server, license_accepted=False)
    done = fetch(project, code=1)
    assert "read the license (CC BY-NC 4.0, for research" in done.stderr
    write_config(project, server, md5="0" * 32)
    done = fetch(project, code=1)
    assert "its MD5 is" in done.stderr and "correct dataset.archive.md5" in done.stderr
    assert len(server.requests) == 1
    write_config(project, server)
    done = fetch(project)
    assert len(server.requests) == 1, "what has been downloaded is only checked again"
    assert "4 videos in visem-dataset/videos, labels in visem-dataset/semen" in done.stdout
    assert "checking visem-dataset.zip" in done.stderr, "progress on the terminal"
    folder = project.folder / "visem-dataset"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 5

    (project.folder / "visem-dataset.zip").unlink()
    project.snakemake("--cores", "2", "--", "clips", config="own.yaml")
    assert len(list((project.folder / "results/visem/clips").glob("*.h5"))) == 4
    assert "Nothing to fetch" in fetch(project).stdout and len(server.requests) == 1


def test_mistakes_are_reported_without_a_traceback(project):
    (project.folder / "broken.yaml").write_text("results: [")
    (project.folder / "list.yaml").write_text("- results")
    for config, message in (
        ("nothing.yaml", "nothing.yaml: No such file"),
        ("broken.yaml", "line 1: is not YAML"),
        ("list.yaml", "list.yaml: is no configuration"),
        ("tiny.yaml", "names no dataset.archive: nothing to fetch"),
    ):
        done = fetch(project, config, code=1)
        assert done.stderr.startswith("ERROR: ") and message in done.stderr
