"""Videos in an object store: fetched one by one, decoded, and let go; here S3, by moto's server."""

import re
from pathlib import Path

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from motilens.simulation.render import render_video
from motilens.simulation.visem_files import simulated_sample_table, write_label_table
from motilens.video.encode import encode_video
from support.project import start_fork_server

KEYS = {"aws_access_key_id": "somebody", "aws_secret_access_key": "secret"}


def write_video(path, participant):
    encode_video(str(path), render_video(participant, 1, 30), 50.0)


@pytest.fixture
def lab(project, tmp_path):
    """Four labeled videos in a bucket, some in a folder of their own beside others."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    s3 = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **KEYS)
    s3.create_bucket(Bucket="lab")
    table = simulated_sample_table(4, seed=1, folder=str(tmp_path))
    write_label_table(table, project.folder / "labels.csv")
    for row in table.itertuples():
        write_video(row.video, int(row.participant))
        s3.upload_file(row.video, "lab", f"videos 2026/{Path(row.video).name}")
    s3.put_object(Bucket="lab", Key="videos 2026/notes.txt", Body=b"no video")
    s3.put_object(Bucket="lab", Key="videos 2026/old/9_other.avi", Body=b"in another folder")
    s3.put_object(Bucket="lab", Key="videos 2026, others/9_other.avi", Body=b"and another")

    config = yaml.safe_load((project.folder / "tiny.yaml").read_text(encoding="utf-8"))
    project.videos, project.s3 = list(table["video"]), s3

    def environment(address):
        return {
            "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": address,
            "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": KEYS["aws_access_key_id"],
            "SNAKEMAKE_STORAGE_S3_SECRET_KEY": KEYS["aws_secret_access_key"],
        }

    def run(*arguments, check=True, videos="s3://lab/videos 2026", address=address):
        config["dataset"] = {"labels": "labels.csv", "videos": videos}
        (project.folder / "own.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        arguments = ("--cores", "2", *arguments)
        return project.snakemake(
            *arguments,
            config="own.yaml",
            check=check,
            **environment(address),
            FORK_SERVER=start_fork_server(),
        ).stdout

    def explain():
        arguments = ("explain.py", "--configfile", "own.yaml", "--", "clips")
        done = project.run_program(*arguments, **environment(address))
        return done.stdout + done.stderr

    project.explain = explain
    project.run = run
    yield project
    server.stop()


def test_videos_of_a_bucket_give_the_same_clips(lab):
    key = f"videos 2026/{Path(lab.videos[0]).name}"
    lab.run("clips")
    from_store = lab.digests()
    assert "Nothing to be done" in lab.run("clips")
    assert lab.explain() == "Nothing would run again: everything is up to date.\n"
    cache = lab.folder / "results/.snakemake/storage"
    assert not [path for path in cache.rglob("*") if path.is_file()]

    # Another video under the same name: decoded again, and no other.
    write_video(lab.folder / "other.avi", 7)
    lab.s3.upload_file(str(lab.folder / "other.avi"), "lab", key)
    planned = lab.run("clips", "-n", "--quiet", "rules")
    assert re.search(r"extract_clips +1\b", planned), planned

    # What is fetched is what would be decoded in a folder.
    lab.s3.upload_file(lab.videos[0], "lab", key)
    (lab.folder / "local").mkdir()
    for path in lab.videos:
        (lab.folder / "local" / Path(path).name).symlink_to(path)
    lab.run("clips", videos="local")
    clips = {name: value for name, value in lab.digests().items() if name.endswith(".h5")}
    assert len(clips) == 4 and clips.items() <= from_store.items()


def test_what_is_wrong_with_a_bucket_is_reported_before_any_job(lab):
    def refused(*arguments, **changes):
        output = lab.run("-n", "clips", *arguments, check=False, **changes)
        assert "Traceback" not in output and "extract_clips" not in output, output
        return output

    assert "no file is seen in s3://lab/empty" in refused(videos="s3://lab/empty")
    assert "no file is seen in s3://none/videos" in refused(videos="s3://none/videos")
    gone = refused(address="http://127.0.0.1:9")
    assert "s3://lab/videos 2026 cannot be listed (EndpointConnectionError" in gone
    assert "videos at the top of a bucket" in refused(videos="s3://lab")
    assert "# and ? end an address" in refused(videos="s3://lab/videos #2")
    assert "ftps://lab/videos cannot be listed" in refused(videos="ftps://lab/videos")
    everything = ("--default-storage-provider", "s3", "--default-storage-prefix", "s3://lab")
    assert "results cannot be in an object store" in refused(*everything)

    lab.s3.delete_object(Bucket="lab", Key=f"videos 2026/{Path(lab.videos[1]).name}")
    assert "participant 2 has labels but no video" in refused()
