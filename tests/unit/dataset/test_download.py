"""An archive is downloaded and unpacked completely, or a message says what to do."""

import hashlib
import multiprocessing
import os
import shutil
import zipfile
from types import SimpleNamespace

import pytest

from motilens.core.errors import InputError
from motilens.dataset import download
from support.archive_server import CONTENT

SIZE, MD5 = len(CONTENT), hashlib.md5(CONTENT).hexdigest()
KEPT = CONTENT[:200_000]  # of an earlier attempt
FILES = {f"videos/{n}.avi": CONTENT[n:][:100_000] for n in (1, 2, 3)} | {"notes.txt": b"notes"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "archives" / "data.zip"


@pytest.fixture
def part(path):
    path.parent.mkdir()
    return path.with_name("data.zip.part")  # an incomplete download


def fetch(server, path, size=SIZE, md5=MD5):
    """Download, check the content, and return the pauses, which take no time."""
    pauses = []
    download.download_archive(server.url, path, size, md5, pauses.append)
    assert path.read_bytes() == CONTENT and list(path.parent.iterdir()) == [path]
    return pauses


def assert_no_fetch(server, path, message, **expected):
    with pytest.raises(InputError, match=message) as error:
        fetch(server, path, **expected)
    assert "\n" not in str(error.value) and not path.exists()


def test_an_archive_is_downloaded_once_and_checked_again(server, path, capsys):
    for _ in range(2):
        assert fetch(server, path) == [] and server.requests == [None]
    assert "checking data.zip.part: 100%" in capsys.readouterr().err
    with pytest.raises(InputError, match=f"{path}: its MD5 is {MD5} instead of 0{{32}}: delete"):
        fetch(server, path, md5="0" * 32)


def test_a_lost_connection_is_resumed_where_it_was_lost(server, path):
    server.drops = [100_000, 70_000, 0, 0, 90_000, 0, 100_000]
    assert fetch(server, path) == [download.PAUSES[k] for k in (0, 0, 1, 2, 0, 1, 0)]
    begins = [int(asked[6:-1]) for asked in server.requests[1:]]
    assert begins == sorted(begins) and begins[-1] > 360_000 - 4 * download.CHUNK_BYTES


def test_a_download_is_given_up_and_resumed_by_the_next_call(server, path, part):
    server.drops = [len(KEPT)] + [0] * len(download.PAUSES)
    assert_no_fetch(server, path, rf"cannot be .* continues {part}, .* by hand to {path}$")
    have = part.stat().st_size
    assert have > len(KEPT) - download.CHUNK_BYTES
    assert len(server.requests) == 1 + len(download.PAUSES)
    assert fetch(server, path) == [] and server.requests[-1] == f"bytes={have}-"


def test_a_server_that_cannot_resume_sends_all_of_it_again(server, path, part):
    server.ranges, server.drops = False, [300_000, 150_000]
    part.write_bytes(KEPT)
    assert len(fetch(server, path)) == 2


def test_a_server_in_trouble_is_asked_again(server, path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (1, 0.1))
    server.statuses, server.stalls = [500, 503, 429, 408], 1
    assert fetch(server, path) == [*download.PAUSES[:4], download.PAUSES[0]]


@pytest.mark.parametrize("status", [404, 403, 204, 416])
def test_what_asking_again_cannot_change_is_reported_at_once(server, path, status):
    server.statuses = [status]
    assert_no_fetch(server, path, rf"{server.url}: the server answers {status} .*archive\.url")


def test_another_size_is_reported_before_anything_is_downloaded(server, path, part):
    part.write_bytes(KEPT)
    assert_no_fetch(server, path, rf"{SIZE} bytes .* instead of {SIZE + 1}: .*size", size=SIZE + 1)
    assert len(server.requests) == 1 and part.read_bytes() == KEPT
    server.lengths = False  # then it is noticed at the end
    assert_no_fetch(server, path, f"it has {SIZE} bytes instead of {SIZE - 1}", size=SIZE - 1)


@pytest.mark.parametrize("lengths", [True, False])
def test_a_web_page_instead_of_the_archive_is_reported(server, path, part, lengths):
    server.content, server.type, server.lengths = b"<html>", "text/html; charset=utf-8", lengths
    assert_no_fetch(server, path, r"(6|some) bytes \(text/html.* instead of .*archive\.url")
    assert part.read_bytes() == b""


def test_a_wrong_md5_is_reported_and_the_download_kept(server, path, part):
    assert_no_fetch(server, path, rf"{part}: its MD5 is {MD5} .* 0+: .*archive\.md5", md5="0" * 32)
    assert fetch(server, path, md5=MD5.upper()) == [] and len(server.requests) == 1


def test_downloading_needs_space_only_for_what_is_missing(server, path, part, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=300_000))
    assert_no_fetch(server, path, f"{path.parent}: 0.00 GB are needed, 0.00 GB are free: free some")
    part.write_bytes(KEPT)
    assert fetch(server, path) == [] and server.requests == [f"bytes={len(KEPT)}-"]


def test_an_archive_of_unknown_size_and_md5_is_downloaded_and_described(server, path, capsys):
    server.statuses = [503]
    assert fetch(server, path, size=None, md5=None) == [download.PAUSES[0]]
    message = f"data.zip.part has {SIZE} bytes and the MD5 {MD5}: compare them with the publisher"
    assert message in capsys.readouterr().out
    fetch(server, path, size=None, md5=None)
    assert len(server.requests) == 3, "what is there is not asked for"
    with pytest.raises(InputError, match="its MD5 is"):
        fetch(server, path, size=None, md5="0" * 32)


def test_a_download_of_unknown_size_is_continued(server, path, part):
    server.drops = [0, 100_000, 70_000]  # the first of them only asks for the size
    part.write_bytes(KEPT)
    assert fetch(server, path, size=None, md5=None) == [download.PAUSES[0]] * 2
    assert server.requests[:2] == [None, f"bytes={len(KEPT)}-"]


@pytest.mark.parametrize("change", [
    {"statuses": [404]}, {"statuses": [204]}, {"lengths": False}, {"type": "text/html"},
])  # fmt: skip
def test_what_is_no_archive_of_unknown_size_is_refused(server, path, change):
    for name, value in change.items():
        setattr(server, name, value)
    message = f"{server.url}: the server answers .*archive.url, or set dataset.archive.size"
    assert_no_fetch(server, path, message, size=None, md5=None)
    assert len(server.requests) == 1


def test_a_download_of_unknown_size_is_given_up_without_a_server(path):
    with pytest.raises(InputError, match=r"http://127.0.0.1:9/a.zip: cannot be downloaded"):
        download.download_archive("http://127.0.0.1:9/a.zip", path, None, None, lambda pause: None)


@pytest.fixture
def archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as opened:
        for name, content in FILES.items():
            opened.writestr(name, content, zipfile.ZIP_DEFLATED)
    return tmp_path / "data.zip"


def unpack(archive, wanted=".avi"):
    return download.extract_files(
        archive, lambda n: archive.parent / n if wanted in n else None, f"a {wanted}"
    )


def test_wanted_files_are_unpacked_unless_they_are_there(archive, monkeypatch):
    first, second, third = paths = unpack(archive)
    os.utime(first, (1, 1))
    second.write_bytes(b"short")
    third.unlink()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=199_999))
    with pytest.raises(InputError, match="videos: 0.00 GB are needed, 0.00 GB are free: free some"):
        unpack(archive)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=200_000))
    assert unpack(archive) == paths and first.stat().st_mtime == 1
    assert [path.read_bytes() for path in paths] == list(FILES.values())[:3]
    assert sorted(archive.parent.rglob("*.*")) == [archive, *paths]
    with pytest.raises(InputError, match="none of its 4 files is a .mp4; the first are 'videos/1"):
        unpack(archive, ".mp4")


@pytest.mark.parametrize("place", [150_000, -22])  # in a file; the signature at the end
def test_a_damaged_archive_is_reported(archive, place):
    data = bytearray(archive.read_bytes())
    data[place] ^= 1
    archive.write_bytes(data)
    with pytest.raises(InputError, match=f"{archive}: cannot be unpacked .*: delete it and downl"):
        unpack(archive)
    assert not (archive.parent / "videos/2.avi").exists()


def test_a_killed_unpacking_leaves_no_partial_file(archive, monkeypatch):
    def write_half(source, target, length):
        target.write(source.read(50_000))
        os.kill(os.getpid(), 9)

    monkeypatch.setattr(shutil, "copyfileobj", write_half)
    process = multiprocessing.get_context("fork").Process(target=unpack, args=(archive,))
    process.start()
    process.join()
    monkeypatch.undo()
    [leftover] = (archive.parent / "videos").iterdir()
    assert process.exitcode == -9 and leftover.stat().st_size == 50_000
    unpack(archive)
    assert [path.stat().st_size for path in leftover.parent.iterdir()] == [100_000] * 3
