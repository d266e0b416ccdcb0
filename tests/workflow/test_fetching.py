"""A data set is fetched: license accepted, archive checked, only what is needed unpacked."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile

import pandas as pd
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
    yield from serve_archive(tmp_path / "set", "visem dataset")


@pytest.fixture
def tracking_server(tmp_path):
    """VISEM-Tracking in small on a local server: two with tracks, three others, one has no clip."""
    table = simulated_sample_table(6, seed=1, folder="videos")
    clips, names = "visem-extracted-30s-excluding-selected-20", []
    for who in (1, 2):
        names.append(f"VISEM_Tracking_Train_v4/Train/{who}/{who}.mp4")
        names.append(f"VISEM_Tracking_Train_v4/Train/{who}/labels_ftid/{who}_frame_0_with_ftid.txt")
        names.append(f"visem-extracted-30s-selected-20-videos-excluding-first-30s/{who}_30_60.mp4")
    names += [f"{clips}/{clips}/{name}.mp4" for name in ("3_0_30", "3_30_60", "4_0_30", "5_0_30")]
    for number, path in enumerate(tmp_path / "set" / name for name in names):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("a 0 0.5 0.5 0.1 0.1\n")
        else:
            encode_video(str(path), render_video(number, 1, 30), 49.0)
    of_tracked = tmp_path / "set/semen_analysis_data_Train.csv"
    write_label_table(table[table["participant"].isin(["1", "2"])], of_tracked)
    write_label_table(table, tmp_path / "semen_analysis_data.csv")
    yield from serve_archive(tmp_path / "set", "VISEM-Tracking")


def serve_archive(folder, name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, f"{name}/{path.relative_to(folder)}")
    with ArchiveServer.running() as server:
        server.content = content.getvalue()
        yield server


def write_config(project, server, config="config/visem.yaml", **changes):
    config = load_config(config)
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


@pytest.mark.slow
def test_visem_tracking_is_fetched_and_used(project, tracking_server, tmp_path):
    figures = {"size": None, "md5": None, "config": "config/visem_tracking.yaml"}
    write_config(project, tracking_server, **figures)
    done = project.snakemake("-n", config="own.yaml", check=False)
    assert "Train.csv: no such file: correct dataset.labels, or fetch the data set" in done.stdout
    done = fetch(project)
    assert "5 videos in visem-tracking, labels in visem-tracking/semen" in done.stdout
    md5 = hashlib.md5(tracking_server.content).hexdigest()
    assert (
        f"VISEM-Tracking.zip.part has {len(tracking_server.content)} bytes and the MD5 {md5}"
        in (done.stdout)
    )
    folder = project.folder / "visem-tracking"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 6
    done = project.snakemake("-n", "--", "clips", config="own.yaml", check=False)
    assert "folds.number: 3 folds need at least 3 participants, there are 2" in done.stdout
    assert "for these participants (3), who are left out: 3, 4, 5" in done.stdout

    own = yaml.safe_load((project.folder / "own.yaml").read_text())
    own["dataset"]["labels"] = str(tmp_path / "semen_analysis_data.csv")  # VISEM's, of all
    own["dataset"]["video_names"][1] = "visem-extracted-30s-excluding-selected-20/*.mp4"
    (project.folder / "own.yaml").write_text(yaml.safe_dump(own))
    fetch(project)  # the other clips; the archive has no such table
    (project.folder / "VISEM-Tracking.zip").unlink()
    assert "Nothing to fetch" in fetch(project).stdout
    done = project.snakemake("--cores", "2", "--", "samples.csv", "clips", config="own.yaml")
    assert "no video in visem-tracking for these participants (1), who are left out: 6" in (
        done.stdout
    )
    samples = pd.read_csv(project.folder / "results/visem_tracking/samples.csv", dtype=str)
    assert list(samples["sample"]) == ["1", "2", "3", "3+2", "4", "5"]
    assert (samples.groupby("participant")["fold"].nunique() == 1).all()
    assert len(list((project.folder / "results/visem_tracking/clips").glob("*.h5"))) == 6


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
