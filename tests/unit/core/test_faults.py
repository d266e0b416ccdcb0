"""Faults of the machine are not taken for damaged files, and are described in one line."""

import errno
import os
import zlib

import numpy as np
import pytest
import torch

from motilens.core import faults

NUMBERS = ("ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EIO", "ESTALE", "EMFILE", "ENOMEM",
           "ENODEV", "ETIMEDOUT")  # fmt: skip


def catch(function, *arguments):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function(*arguments)
    return caught.value


@pytest.mark.parametrize("name", NUMBERS)
def test_every_error_of_the_system_is_a_fault_and_names_the_file(name):
    number = getattr(errno, name)
    error = OSError(number, os.strerror(number), "clips/.7.h5.123.part.h5")
    assert faults.is_machine_fault(error)
    line = faults.describe_fault(error, "tables/mae.csv")
    place = "tables/mae.csv" if name == "ENOMEM" else "clips/7.h5"
    assert line.startswith(f"{place}: ") and "\n" not in line
    assert "not enough memory" in line if name == "ENOMEM" else os.strerror(number) in line


def test_lack_of_memory_is_a_fault_whoever_reports_it():
    errors = [MemoryError(), catch(np.empty, 10**16), catch(torch.empty, 10**15)]
    errors.append(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    for error in errors:
        assert faults.is_machine_fault(error)
        assert faults.describe_fault(error, "a.csv").startswith("a.csv: not enough memory: run f")


def test_what_a_damaged_file_raises_is_no_fault_of_the_machine():
    errors = OSError("truncated file"), OSError(errno.EINVAL, "Invalid argument"), zlib.error("bad")
    assert not any(map(faults.is_machine_fault, (*errors, RuntimeError("shapes"), KeyError("x"))))


def test_a_full_disk_is_that_of_tmpdir_if_this_one_is_full(monkeypatch, tmp_path):
    monkeypatch.setattr(faults.tempfile, "tempdir", str(tmp_path))
    error = OSError(errno.ENOSPC, "No space left on device")
    assert faults.describe_fault(error, "a.csv").startswith("a.csv: No space left on device: free")
    monkeypatch.setattr(faults, "is_full", lambda folder: folder == str(tmp_path))
    assert faults.describe_fault(error, "a.csv").startswith(f"{tmp_path} (TMPDIR): No space left")


def test_a_folder_that_takes_no_file_is_reported(tmp_path):
    assert faults.find_write_error(tmp_path / "new/folder") is None
    (tmp_path / "file").touch()
    error = faults.find_write_error(tmp_path / "file/folder")
    assert error.errno == errno.ENOTDIR and error.filename == str(tmp_path / "file/folder")
    assert os.listdir(tmp_path / "new/folder") == []
