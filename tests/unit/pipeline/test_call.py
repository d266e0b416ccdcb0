"""Calls that Snakemake would answer with a traceback: what was typed, and folders that fail."""

import os
import sys
import tempfile

import pytest

from motilens.pipeline import call
from support.configs import ROOT
from support.errors import assert_refused


@pytest.mark.parametrize("entry, remedy", [
    ("regressor.epochs=8", "write --config 'regressor={epochs: 8}'"),
    ("regressor[epochs]=8", "write --config 'regressor={epochs: 8}'"),
    ("regressor:epochs=8", "write --config 'regressor={epochs: 8}'"),
    ("autoencoder.loss.mse=0.5", "write --config 'autoencoder={loss: {mse: 0.5}}'"),
    ("regressor: {epochs: 8}", "is no KEY=VALUE. Put each entry into quotes: --config 'reg"),
    ("regressor.epochs", "is no KEY=VALUE"), ("2]", "is no KEY=VALUE"),
    ("=8", "'' is no key"), ("8=8", "'8' is no key"), ("regressor =8", "'regressor ' is no key"),
])  # fmt: skip
def test_an_entry_that_snakemake_cannot_read_is_explained(entry, remedy):
    assert_refused(remedy.translate({ord(c): f"\\{c}" for c in "{}.[]"}), call.check_entry, entry)


def test_numbers_in_sections_and_lists_stay_numbers():
    """Snakemake has read the entries, too, and all numbers in them are text."""
    config = {"seeds": ["1"], "regressor": {"epochs": "8", "batch_size": 16}, "results": "007"}
    entries = ["seeds=[1]", "regressor={'epochs': 8}", "results=007", "compute="]
    for entry in entries:
        call.check_entry(entry)
    restored = call.restore_numbers(config, entries)
    assert restored == {
        "seeds": [1], "regressor": {"epochs": 8, "batch_size": 16}, "results": "007",
    }  # fmt: skip
    assert_refused(r"seeds=\[1 cannot be read", call.restore_numbers, config, ["seeds=[1"])
    entry = "regressor={epochs: 010}"
    assert_refused(r"epochs: 010.*YAML reads 010 as 8", call.restore_numbers, config, [entry])


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Names of folders, which a test may change; a file stands for a folder that fails."""
    (tmp_path / "file").touch()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    return monkeypatch


def fail_in(environment, *starts):
    """Have no folder whose path begins so take a file."""
    find = call.find_write_error
    full = OSError(28, "No space left on device")
    fails = lambda folder: full if str(folder).startswith(starts) else find(folder)  # noqa: E731
    environment.setattr(call, "find_write_error", fails)


def test_another_folder_is_taken_for_temporary_files(environment, capsys):
    call.choose_temporary_folder()
    assert "TMPDIR" not in os.environ and capsys.readouterr().err == ""
    environment.setenv("TMPDIR", "/nowhere")
    call.choose_temporary_folder()
    assert os.environ["TMPDIR"] == "/tmp" == tempfile.gettempdir()
    warning = "WARNING: TMPDIR: /nowhere (no such folder): /tmp is used instead\n"
    assert capsys.readouterr().err == warning
    fail_in(environment, "/")
    refused = r"no folder takes temporary files: /tmp \(No space left on device\), .*: free some"
    assert_refused(refused, call.choose_temporary_folder)


def test_another_folder_is_taken_for_the_cache(environment, tmp_path, capsys):
    call.choose_cache_folder(tmp_path / "cache")
    assert "XDG_CACHE_HOME" not in os.environ and capsys.readouterr().err == ""
    call.choose_cache_folder(tmp_path / "file/cache")
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "here/.snakemake/cache")
    assert f"{tmp_path}/file/cache: Not a directory: " in capsys.readouterr().err
    fail_in(environment, str(tmp_path))
    call.choose_cache_folder(tmp_path / "cache")
    assert os.environ["XDG_CACHE_HOME"].startswith(f"{tempfile.gettempdir()}/motilens-cache-")


def test_a_report_that_cannot_be_written_is_refused_at_once(environment, tmp_path):
    (tmp_path / "here/mine.yaml").write_text("results: results")
    arguments = [], ["mine.yaml"], tmp_path / "cache"
    call.check_call(*arguments, tmp_path / "report.html")
    refused = "report.html: cannot be written .*: make report REPORT=/elsewhere/provenance.html"
    assert_refused(refused, call.check_call, *arguments, tmp_path / "file/report.html")


@pytest.mark.parametrize("option", ["--config", "--configfile"])
def test_an_option_of_which_only_the_last_would_count_is_refused(environment, option):
    environment.setattr(sys, "argv", ["snakemake", option, "seeds=[1]", "-n", option, "seeds=[2]"])
    assert_refused(f"{option} stands 2 times", call.check_call, [], ["mine.yaml"], "cache")


def test_a_user_without_a_name_gets_one(environment, tmp_path):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        environment.delenv(name, raising=False)
    environment.setattr(os, "getuid", lambda: 54321)
    call.check_call([], [ROOT / "config/own.yaml"], tmp_path)
    assert os.environ["LOGNAME"] == "user54321"
