"""VISEM-Tracking and the copy of VISEM on Hugging Face, in small, in the layouts as unpacked."""

import os

import pytest
import yaml

from motilens.dataset.issues import Issues
from motilens.dataset.video_files import list_numbered_videos
from support.configs import ROOT, load_config
from support.real import REAL, needs_real
from support.sample_tables import read

CONFIG = load_config("config/visem_tracking.yaml")["dataset"]
HEADER = (
    "ID,Head defects (%),Progressive motility (%),Non progressive sperm motility (%),"
    "Immotile sperm (%)"
)
CLIPS = "visem-extracted-30s-excluding-selected-20"
TRAIN = "VISEM_Tracking_Train_v4/Train"
NAMES = (
    f"{TRAIN}/11/11.mp4", f"{TRAIN}/12/12.mp4", f"{CLIPS}/{CLIPS}/1_0_30.mp4",
    f"{CLIPS}/{CLIPS}/1_30_60.mp4", f"{CLIPS}/{CLIPS}/2_0_30.mp4",
    # Not wanted: the same people again, without or with boxes drawn into the frames.
    "visem-extracted-30s-selected-20-videos-excluding-first-30s/11_30_60.mp4",
    "videos_with_BBs/11.mp4", f"{TRAIN}/11/11_tracking.avi", f"{TRAIN}/11/._11.mp4",
)  # fmt: skip


def read_set(folder, **settings):
    """Return the videos' paths from the folder by their sample, and the issues."""
    names = {"videos": str(folder), "video_names": CONFIG["video_names"]}
    table, issues = read(folder, needed=["progressive"], **(names | settings))
    return {who: os.path.relpath(path, folder) for who, path in table["video"].items()}, issues


@pytest.fixture
def tracking(tmp_path):
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    labels = tmp_path / f"{TRAIN}/11/labels_ftid/11_frame_0_with_ftid.txt"
    labels.parent.mkdir()
    labels.write_text("a 0 0.5 0.5 0.1 0.1\n")
    rows = [f"{who},98.5,50,30,20" for who in (1, 2, 11, 12)]
    (tmp_path / "labels.csv").write_text("\n".join([HEADER, *rows]))
    return tmp_path


def test_videos_in_folders_within_are_found_by_patterns(tracking):
    found, issues = read_set(tracking)
    wanted = [NAMES[2], NAMES[4], *NAMES[:2]]
    assert found == dict(zip(["1", "2", "11", "12"], wanted, strict=True))
    assert not issues.errors and not issues.warnings
    every = [*CONFIG["video_names"][:1], f"{CLIPS}/*.mp4"]
    found, issues = read_set(tracking, video_names=every)
    assert list(found) == ["1", "1+2", "2", "11", "12"] and not issues.errors


def test_who_has_no_labels_or_no_video_is_left_out_and_named(tracking):
    (tracking / "labels.csv").write_text(f"{HEADER}\n2,98,50,30,20\n11,98,50,30,20\n13,98,50,30,20")
    _, issues = read_set(tracking)
    assert len(issues.errors) == 3 and "12.mp4: participant 12 has no row" in "".join(issues.errors)
    found, issues = read_set(tracking, on_unmatched="skip")
    assert list(found) == ["2", "11"] and not issues.errors
    assert issues.warnings == [
        f"no row in {tracking}/labels.csv for these participants (2), who are left out: 1, 12",
        f"no video in {tracking} for these participants (1), who are left out: 13",
    ]


def test_if_all_would_be_left_out_it_is_an_error(tracking):
    (tracking / "labels.csv").write_text(f"{HEADER}\n83,98,50,30,20\n84,98,50,30,20")
    found, issues = read_set(tracking, on_unmatched="skip")
    assert len(issues.errors) == 6 and "participant 83 has labels but no video" in issues.errors[4]


def test_a_pattern_without_videos_is_an_error(tracking):
    _, issues = read_set(tracking, video_names=["Train/*.mp4", f"{TRAIN}/*.mp4", f"{CLIPS}/*.txt"])
    assert issues.errors[:2] == [
        f"dataset.video_names: no video in {tracking} is called {name}: correct it"
        for name in ("Train/*.mp4", f"{CLIPS}/*.txt")
    ]


def test_linked_folders_are_searched_once(tracking, tmp_path_factory):
    disk = tmp_path_factory.mktemp("disk")
    (tracking / CLIPS).rename(disk / CLIPS)
    (tracking / CLIPS).symlink_to(disk / CLIPS)
    (disk / CLIPS / "around").symlink_to(disk)
    found, issues = read_set(tracking)
    assert list(found) == ["1", "2", "11", "12"] and not issues.errors


def test_patterns_do_not_fit_to_tables_that_name_the_videos(tracking):
    (tracking / "labels.csv").write_text(f"video,{HEADER}\n{NAMES[0]},11,98,50,30,20")
    _, issues = read_set(tracking)
    assert issues.errors == [f"{tracking}/labels.csv: names the videos: remove dataset.video_names"]
    (tracking / "list.csv").write_text(f"ID;video\n11;{NAMES[0]}")
    (tracking / "labels.csv").write_text(f"{HEADER}\n11,98,50,30,20")
    _, issues = read_set(tracking, video_list=str(tracking / "list.csv"))
    assert "names the videos: remove dataset.video_names" in issues.errors[0]


def test_patterns_are_of_names_in_an_object_store_too():
    stored, issues = {"a/b/1.mp4": {}, "a/2.MP4": {}, "3.mp4": {}}, Issues()
    found = [
        [row["video"] for row in list_numbered_videos("s3://lab/films", issues, stored, patterns)]
        for patterns in (["a/*.mp4"], ["a/*"], ["*.mp4"], None)
    ]
    assert found == [["a/b/1.mp4"], ["a/2.MP4", "a/b/1.mp4"], ["3.mp4", "a/b/1.mp4"], ["3.mp4"]]
    assert issues == Issues()


def test_visem_as_hugging_face_has_it_is_read(tmp_path):
    """The number that is the file's name is the participant; the table lies among the videos."""
    (tmp_path / "data").mkdir()
    for name in ("1.avi", "2.avi", "10.avi"):
        (tmp_path / "data" / name).write_text(name)
    rows = [f"{who}.avi,{who},98.5,50,30,20" for who in (1, 2, 10)]
    table = tmp_path / "data/metadata.csv"
    table.write_text("\n".join([f"file_name,{HEADER}", *rows]))
    paths = {"videos": str(tmp_path / "data"), "labels": str(table)}
    found, issues = read_set(tmp_path, video_names=None, **paths)
    assert found == {who: f"data/{who}.avi" for who in ("1", "2", "10")}
    assert not issues.errors and not issues.warnings


@needs_real
def test_real_parts_of_visem_tracking_are_read(tmp_path):
    real = REAL / "visem_tracking"
    for who in (11, 36, 52):
        folder = tmp_path / f"{TRAIN}/{who}"
        folder.mkdir(parents=True)
        (folder / f"{who}.mp4").symlink_to(real / f"visem_{who}.mp4")
    labels = {"labels": str(real / "participants.csv"), "on_unmatched": "skip"}
    found, issues = read_set(tmp_path, video_names=CONFIG["video_names"][:1], **labels)
    assert list(found) == ["11", "36", "52"] and not issues.errors
    assert "participants (11), who are left out: 13, 14, 15, 22" in issues.warnings[0]


def test_figures_of_the_archive_are_the_users_to_fill_in():
    archive = CONFIG["archive"]
    assert archive["size"] is None and archive["md5"] is None and not archive["license_accepted"]
    assert yaml.safe_load((ROOT / "config/visem.yaml").read_text())["dataset"]["archive"]["size"]
