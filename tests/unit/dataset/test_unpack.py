"""What is wanted of an archive is unpacked whole, once, and nowhere else."""

import os
import random
import re
import shutil
import stat
import zipfile
from collections import namedtuple

import pytest

from motilens.core.errors import InputError
from motilens.dataset.archive import extract_archive


def names(folder):
    return sorted(found.relative_to(folder).as_posix() for found in folder.rglob("*"))


class Reports(list):
    def __call__(self, what, done, total):
        self.append((what, done, total))


def limit_space(monkeypatch, free):
    usage = namedtuple("usage", "total used free")(10**9, 0, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)


FILES = {f"set/videos/{n}_a.avi": random.Random(n).randbytes(100_000) for n in (1, 2, 3)}
FILES |= {"set/labels.csv": b"ID;a\n" * 20_000, "set/empty.avi": b"", "readme.txt": b"read me"}


@pytest.fixture
def archive(tmp_path):
    """A zip of FILES, most of them stored, the labels compressed."""
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as opened:
        opened.mkdir("set")
        for name, content in FILES.items():
            kind = zipfile.ZIP_DEFLATED if name.endswith("csv") else zipfile.ZIP_STORED
            opened.writestr(name, content, kind)
    return tmp_path / "data.zip"


def in_set(name):
    return name if name.startswith("set/") else None


def unpack(archive, wanted=in_set):
    reports = Reports()
    return extract_archive(archive, archive.parent / "out", wanted, reports), reports


def unpack_fails(archive, told, wanted=in_set):
    """Assert that the message is one line, and that no temporary file stays."""
    with pytest.raises(InputError, match=told) as error:
        unpack(archive, wanted)
    message = str(error.value)
    assert message.startswith(str(archive)) and "\n" not in message
    left = [found for found in (archive.parent / "out").rglob("*") if found.is_file()]
    assert all(found.relative_to(archive.parent / "out").as_posix() in FILES for found in left)


def overwrite(archive, old, new, count=-1):
    content = archive.read_bytes()
    assert old in content and len(old) == len(new)
    archive.write_bytes(content.replace(old, new, count))


def test_what_is_wanted_is_unpacked_at_its_relative_path(archive):
    paths, reports = unpack(archive)
    out = archive.parent / "out"
    meant = {name: content for name, content in FILES.items() if in_set(name)}
    assert paths == [out / name for name in meant]
    assert {path.relative_to(out).as_posix(): path.read_bytes() for path in paths} == meant
    assert [name for name in names(out) if (out / name).is_file()] == sorted(meant)
    assert reports[-1] == ("unpacking data.zip", 400_000, 400_000) and len(reports) == len(meant)


def test_an_interrupted_unpacking_is_continued(archive):
    paths, _ = unpack(archive)
    for path in paths:
        os.utime(path, (1, 1))
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:-1] + b"?")
    paths[2].write_bytes(b"short")
    leftover = paths[0].with_name(".1_a.avi.99999.part.avi")
    leftover.write_bytes(b"of a killed run")
    again, reports = unpack(archive)
    assert again == paths and reports[-1][1] == 400_000 and not leftover.exists()
    assert all(path.read_bytes() == FILES[f"set/{path.relative_to(archive.parent / 'out/set')}"]
               for path in paths)  # fmt: skip
    assert [path for path in paths if path.stat().st_mtime == 1] == paths[3:]


def test_zip64_is_unpacked(archive, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in FILES.items():
            opened.writestr(name, content)
    monkeypatch.undo()
    assert b"PK\x06\x06" in archive.read_bytes()
    paths, _ = unpack(archive)
    assert [path.read_bytes() for path in paths] == list(FILES.values())[:-1]


@pytest.mark.parametrize(
    "name", ["/a", "../a", "a/../../b", "a/..", "C:/a", "c:a", "a\\b", "a//b", "./a", "a/./b"]
)
def test_names_that_would_leave_the_folder_are_refused(archive, name):
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(name, b"out of here")
    unpack_fails(archive, re.escape(repr(name)) + " is a link, stands .* leave", lambda name: name)
    assert not (archive.parent / "out").exists()
    unpack(archive)  # nobody wants it


@pytest.mark.parametrize("name", ["...", "..a/b..", ".hidden", "ab:c", "ab c/ä.avi"])
def test_names_that_only_look_odd_are_taken(archive, name):
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(name, b"here")
    assert (
        unpack(archive, lambda found: name if found == name else None)[0][0].read_bytes() == b"here"
    )


def test_links_and_names_that_stand_twice_are_refused(archive):
    link = zipfile.ZipInfo("set/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate"):
            opened.writestr("readme.txt", b"another")
    unpack_fails(archive, "'set/link' is a link")
    unpack_fails(
        archive,
        "'readme.txt' is a link, stands twice",
        lambda name: name if "readme" in name else None,
    )


def test_what_is_no_zip_or_has_lost_its_end_is_told(archive):
    archive.write_bytes(archive.read_bytes()[:-300])
    unpack_fails(archive, "it is no whole zip archive .*: delete it and download it again")
    archive.write_bytes(b"<html>")
    unpack_fails(archive, "it is no whole zip archive")
    archive.unlink()
    unpack_fails(archive, r"cannot be used \(No such file or directory\)")


def test_a_damaged_member_is_told_and_does_not_get_its_name(archive):
    stored = FILES["set/videos/2_a.avi"]
    overwrite(archive, stored[50_000:50_010], b"0123456789")
    unpack_fails(archive, r"'set/videos/2_a.avi' is damaged \(Bad CRC-32.*: delete .*download it")
    assert names(archive.parent / "out/set") == ["videos", "videos/1_a.avi"]


def test_a_damaged_compressed_member_is_told(archive):
    content = archive.read_bytes()
    place = content.index(b"set/labels.csv") + len("set/labels.csv")
    archive.write_bytes(content[:place] + b"\xff" * 50 + content[place + 50 :])
    unpack_fails(archive, "'set/labels.csv' is damaged .Error -3 while decompressing")


def test_encrypted_members_and_unknown_methods_are_told(archive):
    directory = archive.read_bytes().index(b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x08\x00")
    content = bytearray(archive.read_bytes())
    content[directory + 8] |= 1
    archive.write_bytes(content)
    unpack_fails(archive, "'set/labels.csv' is encrypted: replace the archive")
    content[directory + 8] &= 0xFE
    content[directory + 10] = 9  # Deflate64, as Windows makes of big files
    archive.write_bytes(content)
    unpack_fails(archive, r"'set/labels.csv' cannot be unpacked here \(.*\): unpack it by hand and")
    (archive.parent / "out/set/labels.csv").write_bytes(FILES["set/labels.csv"])
    unpack(archive)


def test_an_archive_without_anything_wanted_is_told(archive):
    told = r"none of its 6 files is wanted; the first are 'set/videos/1_a.avi', .*'set/empty.avi': "
    unpack_fails(archive, told, lambda name: None)


def test_unpacking_needs_room_only_for_what_is_missing(archive, monkeypatch):
    limit_space(monkeypatch, 399_999)
    out = archive.parent / "out"
    with pytest.raises(
        InputError, match=f"^{out}: 0.00 GB are needed, 0.00 GB are free: make room"
    ):
        unpack(archive)
    assert names(out) == []
    (out / "set/videos").mkdir(parents=True)
    (out / "set/videos/2_a.avi").write_bytes(FILES["set/videos/2_a.avi"])
    assert len(unpack(archive)[0]) == 5


def test_a_place_that_is_taken_is_told(archive):
    (archive.parent / "out/set/videos/1_a.avi").mkdir(parents=True)
    with pytest.raises(InputError, match=r"1_a.avi.*: cannot be used \(Is a directory\)"):
        unpack(archive)
    assert names(archive.parent / "out") == ["set", "set/videos", "set/videos/1_a.avi"]
