"""A data set is fetched by its target: accepted licence, checked archive, only what is needed."""

import functools
import hashlib
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler
from socketserver import ThreadingTCPServer

import pytest
import yaml

from motilens.simulation.render import render_video
from motilens.simulation.visem_files import simulated_sample_table, write_label_table
from motilens.video.encode import encode_video


@pytest.fixture
def visem(project, tmp_path):
    """VISEM in small on a local server, its configuration, and what the server was asked for."""
    made = tmp_path / "made"
    (made / "set/videos").mkdir(parents=True)
    table = simulated_sample_table(4, seed=1, folder=str(made / "set/videos"))
    for row in table.itertuples():
        encode_video(row.video, render_video(int(row.participant), 1, 30), 50.0)
    write_label_table(table, made / "set/semen_analysis_data.csv")
    (made / "set/sex_hormones.csv").write_text("ID;a\n")
    (made / "set/videos/._1.avi").write_text("of a Mac")
    with zipfile.ZipFile(made / "visem.zip", "w") as archive:
        for path in sorted((made / "set").rglob("*.*")):
            archive.write(path, f"visem dataset/{path.relative_to(made / 'set')}")
    content = (made / "visem.zip").read_bytes()

    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            asked.append(self.path)

    server = ThreadingTCPServer(("127.0.0.1", 0), functools.partial(Handler, directory=made))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = yaml.safe_load((project.folder / "config/visem.yaml").read_text(encoding="utf-8"))
    config["dataset"]["archive"] |= {
        "url": f"http://127.0.0.1:{server.server_address[1]}/visem.zip",
        "size": len(content),
        "md5": hashlib.md5(content).hexdigest(),
        "licence_accepted": True,
    }
    config["frames"]["clips_per_video"] = 4

    def run(*arguments, **changes):
        archive = config["dataset"]["archive"] | changes
        (project.folder / "own.yaml").write_text(
            yaml.safe_dump(config | {"dataset": config["dataset"] | {"archive": archive}})
        )
        return project.snakemake(*arguments, config="own.yaml", check=False)

    yield run, asked
    server.shutdown()
    server.server_close()


def test_a_data_set_is_fetched_and_used(project, visem):
    run, asked = visem
    done = run("-n")
    assert (
        "no such file: correct dataset.labels, or have the data set fetched (0.0 GB" in done.stdout
    )
    assert "snakemake --cores 1 fetch_dataset" in done.stdout and done.returncode == 1
    done = run("-n", "--", "frames", licence_accepted=False)
    assert "read its licence (CC BY-NC 4.0, for research" in done.stdout and done.returncode == 1
    done = run("--cores", "1", "--", "fetch_dataset", md5="0" * 32)
    assert "its MD5 is" in done.stdout and "correct dataset.archive.md5" in done.stdout
    assert asked == ["/visem.zip"] and done.returncode == 1
    done = run("--cores", "1", "--", "fetch_dataset")
    assert asked == ["/visem.zip"], "what has come is only checked again"
    assert "4 videos in visem-dataset/videos, labels in visem-dataset/semen" in done.stdout
    assert "checking visem-dataset.zip" in done.stdout, "progress on the terminal"
    folder = project.folder / "visem-dataset"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 5

    (project.folder / "visem-dataset.zip").unlink()
    assert run("--cores", "2", "--", "frames").returncode == 0
    assert len(list((project.folder / "results/visem/frames").glob("*.h5"))) == 4
    done = run("-n", "--", "fetch_dataset")
    assert "Nothing to be done" in done.stdout
