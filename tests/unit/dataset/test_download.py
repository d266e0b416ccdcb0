"""An archive comes whole over any line, or a message says what to do; nothing is fetched twice."""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import pytest
from archive_site import CONTENT, MD5, SIZE, Site

from motilens.core.errors import InputError
from motilens.dataset import download
from motilens.dataset.download import LONGEST_PAUSE, PAUSES, download_archive

KEPT = 200_000  # bytes of an earlier attempt


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.go_on.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "archives" / "data.zip"


class Reports(list):
    def __call__(self, what, done, total):
        self.append((what, done, total))


def download(url, path, size=SIZE, md5=MD5):
    """Returns the reports and the pauses, which take no time."""
    reports, pauses = Reports(), []
    download_archive(url, path, size, md5, reports, pauses.append)
    return reports, pauses


def refused(url, path, told, size=SIZE, md5=MD5):
    """Assert that the message is one line and matches `told`, and that nothing is called whole."""
    with pytest.raises(InputError, match=told) as error:
        download(url, path, size, md5)
    assert "\n" not in str(error.value)
    assert not path.exists()


def part(path, content=None):
    """The file of what has come; write it first if there is to be any."""
    found = Path(f"{path}.part")
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        found.write_bytes(content)
    return found


def names(folder):
    return sorted(found.relative_to(folder).as_posix() for found in folder.rglob("*"))


def test_an_archive_comes_whole_and_progress_is_told(site, path):
    reports, pauses = download(site.url, path)
    assert path.read_bytes() == CONTENT and names(path.parent) == ["data.zip"]
    assert site.asked == [None] and not pauses
    for what in ("downloading data.zip", "checking data.zip.part"):
        done = [report[1] for report in reports if report[0] == what]
        assert len(done) > 3 and done == sorted(done) and done[-1] == SIZE
    assert {report[2] for report in reports} == {SIZE}


def test_what_gets_its_name_is_on_the_disk(site, path, monkeypatch):
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda number: synced.append((os.fstat(number), names(path.parent)))
    )
    download(site.url, path)
    assert [found.st_ino for found, _ in synced] == [path.stat().st_ino]
    assert synced[0][0].st_size == SIZE and "data.zip" not in synced[0][1]


def test_a_redirect_is_followed_and_keeps_the_range(site, path):
    part(path, CONTENT[:KEPT])
    download(site.url.replace("data.zip", "moved"), path)
    assert path.read_bytes() == CONTENT and site.asked == [f"bytes={KEPT}-"] * 2


def test_a_line_that_drops_again_and_again_is_taken_up_where_it_dropped(site, path):
    site.drops = [100_000, 70_000, 0, 0, 90_000, 0, 100_000]
    reports, pauses = download(site.url, path)
    assert path.read_bytes() == CONTENT and names(path.parent) == ["data.zip"]
    first, second, third = PAUSES[:3]
    assert pauses == [first, first, second, third, first, second, first]
    begins = [int(asked[6:-1]) for asked in site.asked[1:]]
    assert begins == sorted(begins) and site.served < SIZE + 4 * download.PIECE
    assert [what for what, _, _ in reports].count("waiting 2 s (the connection was lost)") == 4


def test_a_server_that_never_gives_a_byte_is_given_up_and_nothing_lost(site, path):
    part(path, CONTENT[:KEPT])
    site.drops = [0] * 9
    refused(site.url, path, rf"data\.zip: cannot be .* continues .*{path}\.part, .* by hand")
    assert len(site.asked) == 1 + len(PAUSES) and part(path).read_bytes() == CONTENT[:KEPT]


def test_a_server_that_says_nothing_is_asked_again(site, path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (1, 0.1))
    site.stalls = 2
    _, pauses = download(site.url, path)
    assert path.read_bytes() == CONTENT and pauses == [PAUSES[0]] * 2
    assert not site.was_waited_for
    assert site.asked[0] is None and None not in site.asked[1:]


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_a_server_in_trouble_is_asked_again_when_it_likes(site, path, status):
    site.answers = [(status, {}), (status, {"Retry-After": 59}), (status, {"Retry-After": 10**9})]
    reports, pauses = download(site.url, path)
    assert path.read_bytes() == CONTENT
    assert pauses == [PAUSES[0], 59, LONGEST_PAUSE]
    assert reports[0][0].startswith(f"waiting 2 s ({status} ")


def test_a_server_that_ignores_ranges_costs_time_but_nothing_that_is_there(site, path):
    site.ranges, site.drops = False, [300_000, 150_000]
    part(path, CONTENT[:KEPT])
    sizes = []
    reports = Reports()
    download_archive(
        site.url, path, SIZE, MD5, reports, lambda _: sizes.append(part(path).stat().st_size)
    )
    assert path.read_bytes() == CONTENT and sizes[0] == sizes[1] > KEPT
    assert reports[0] == ("passing over what is there of data.zip", download.PIECE, SIZE)


@pytest.mark.parametrize("status", [404, 403, 401, 410, 204])
def test_what_asking_again_cannot_mend_is_told_at_once(site, path, status):
    site.answers = [(status, {})]
    told = rf"{site.url}: the server answers {status} .*dataset\.archive\.url.* by hand to {path}$"
    refused(site.url, path, told)
    assert len(site.asked) == 1


def test_a_missing_file_is_told(site, path):
    refused(site.url.replace("data.zip", "missing"), path, "/missing: the server answers 404 Not F")


@pytest.mark.parametrize("url", ["data.zip", "http://", "gopher://a/b", "http://[1/"])
def test_what_is_no_url_is_told_at_once(path, url):
    refused(url, path, rf"^{re.escape(url)}: .*: correct dataset\.archive\.url$")


def test_a_machine_without_network_is_told_what_to_do_by_hand(path):
    part(path, CONTENT[:KEPT])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/data.zip"
        refused(url, path, rf"^{url}: .*\(.*Connection refused\).* by hand to {path}$")
    assert part(path).read_bytes() == CONTENT[:KEPT]


def test_a_name_that_nobody_knows_is_told(path, monkeypatch):
    def unknown(*arguments, **keywords):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    refused("http://zenodo.invalid/data.zip", path, r"\(\[Errno -3\] Temporary failure in name")


@pytest.mark.parametrize("have", [0, KEPT, SIZE - 1])
@pytest.mark.parametrize("size", [SIZE + 1, SIZE * 2, SIZE - 1 + 3 * KEPT])
def test_another_size_is_noticed_before_anything_is_downloaded(site, path, have, size):
    part(path, CONTENT[:have])
    told = rf"offers {SIZE} bytes .* instead of {size}: .*dataset\.archive\.size"
    refused(site.url, path, told, size=size)
    assert len(site.asked) == 1 and part(path).read_bytes() == CONTENT[:have]


def test_a_file_that_is_shorter_than_what_is_there_is_noticed(site, path):
    site.content = CONTENT[:KEPT]
    part(path, CONTENT[: KEPT + 1])
    refused(site.url, path, f"offers {KEPT} bytes .* instead of {SIZE}")
    assert part(path).stat().st_size == KEPT + 1


def test_a_page_of_text_is_no_archive_whatever_its_length(site, path):
    site.announces, site.extra = False, {"Content-Type": "text/html; charset=utf-8"}
    refused(site.url, path, "offers some bytes .text/html.* instead of")
    assert part(path).stat().st_size == 0


def test_more_bytes_than_announced_to_us_are_noticed(site, path):
    site.announces = False
    refused(site.url, path, rf"more than {SIZE - 1} bytes: .*dataset\.archive\.size", size=SIZE - 1)
    assert part(path).stat().st_size < SIZE


def test_a_size_that_nobody_announces_is_no_obstacle(site, path):
    site.announces, site.drops = False, [KEPT]
    download(site.url, path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "answer",
    [(206, {"Content-Range": f"bytes {KEPT + 1}-{SIZE - 1}/{SIZE}"}), (206, {}), (416, {})],
)
def test_bytes_of_another_place_are_refused(site, path, answer):
    site.answers = [answer]
    part(path, CONTENT[:KEPT])
    refused(site.url, path, f"the server answers {answer[0]} ")
    assert part(path).stat().st_size == KEPT


def test_a_wrong_sum_is_told_and_the_bytes_are_kept(site, path):
    site.content = CONTENT[:-1] + b"x"
    found = hashlib.md5(site.content).hexdigest()
    told = rf"{path}\.part: its MD5 is {found} instead of {MD5}: delete it .*dataset\.archive\.md5"
    refused(site.url, path, told)
    refused(site.url, path, told)
    assert len(site.asked) == 1 and part(path).read_bytes() == site.content
    download(site.url, path, md5=found.upper())
    assert path.read_bytes() == site.content and len(site.asked) == 1


def test_a_sum_that_zenodo_announces_is_compared_first(site, path):
    site.extra = {"ETag": f'"md5:{"0" * 32}"'}
    refused(site.url, path, rf"says that its MD5 is 0{{32}} instead of {MD5}: .*archive\.md5")
    assert part(path).stat().st_size == 0
    site.extra = {"ETag": f'"md5:{MD5}"'}
    download(site.url, path)


@pytest.mark.parametrize("mark", ["ETag", "Last-Modified"])
def test_a_file_that_changed_between_two_runs_is_not_mixed_with_the_old(site, path, mark):
    site.extra, site.drops = {mark: '"1"'}, [KEPT] + [0] * 5
    refused(site.url, path, "cannot be downloaded")
    kept = part(path).read_bytes()
    site.extra, site.drops = {}, [0] * 6  # an answer that does not say which file it is
    refused(site.url, path, "cannot be downloaded")
    site.extra, site.content = {mark: '"2"'}, CONTENT[::-1]
    told = rf'has changed since {path}\.part was begun \("1", now "2"\): delete .*\.part\.version'
    refused(site.url, path, told)
    site.ranges = False
    refused(site.url, path, told)
    assert len(kept) > KEPT // 2 and part(path).read_bytes() == kept
    part(path).unlink()
    download(site.url, path, md5=hashlib.md5(site.content).hexdigest())
    assert path.read_bytes() == site.content and names(path.parent) == ["data.zip"]


def test_a_killed_download_is_continued_and_its_bytes_are_not_served_again(site, path):
    program = (
        "import sys, pathlib; from motilens.dataset import download; download.download_archive(sys.argv[1], "
        "pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], "
        "lambda what, done, total: print(done, flush=True))"
    )
    site.stalls = 1
    process = subprocess.Popen(
        [sys.executable, "-c", program, site.url, str(path), str(SIZE), MD5],
        env={"PYTHONPATH": str(Path(download.__file__).parents[1]), "NO_PROXY": "127.0.0.1"},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        told = next(int(line) for line in process.stdout if int(line) > SIZE // 4)
        process.kill()
    have = part(path).stat().st_size
    assert SIZE // 4 < told <= have < SIZE and process.returncode == -9
    served = site.served
    download(site.url, path)
    assert path.read_bytes() == CONTENT and site.asked == [None, f"bytes={have}-"]
    assert site.served - served == SIZE - have


def test_a_part_that_is_whole_needs_no_network(path):
    part(path, CONTENT)
    download("http://127.0.0.1:1/", path)
    assert path.read_bytes() == CONTENT and not part(path).exists()


def test_a_file_downloaded_by_hand_is_only_checked(path):
    part(path, CONTENT).rename(path)
    reports, _ = download("http://127.0.0.1:1/", path)
    assert reports[-1] == ("checking data.zip", SIZE, SIZE)
    told = f"{path}: its MD5 is {MD5} instead of 0{{32}}: delete it and run again"
    with pytest.raises(InputError, match=told):
        download("http://127.0.0.1:1/", path, md5="0" * 32)
    path.write_bytes(CONTENT[:7])
    with pytest.raises(InputError, match=f"has 7 bytes instead of {SIZE}: .* rename it to .*part"):
        download("http://127.0.0.1:1/", path)
    assert path.read_bytes() == CONTENT[:7]


def test_a_part_that_is_too_long_is_told(site, path):
    part(path, CONTENT + b"x")
    refused(
        site.url,
        path,
        rf"part: it has {SIZE + 1} bytes instead of {SIZE}: delete it and run again, or correct",
    )
    assert not site.asked


def limit_space(monkeypatch, free):
    usage = namedtuple("usage", "total used free")(10**9, 0, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)


def test_room_is_needed_only_for_what_is_missing(site, path, monkeypatch):
    limit_space(monkeypatch, SIZE - KEPT)
    refused(site.url, path, f"{path.parent}: 0.00 GB are needed, 0.00 GB are free: make room")
    assert not site.asked
    part(path, CONTENT[:KEPT])
    download(site.url, path)


def test_a_disk_that_takes_no_more_is_told(site, path):
    path.parent.mkdir()
    part(path).symlink_to("/dev/full")
    refused(site.url, path, rf"{path}\.part: cannot be used \(No space left on device\): make room")
    assert len(site.asked) == 1


def test_a_folder_that_cannot_be_is_told(site, path):
    path.parent.touch()
    refused(site.url, path, rf"{path.parent}.*: cannot be used \(.*\): make room or allow it")
