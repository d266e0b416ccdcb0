"""Calls that Snakemake itself would answer with a traceback, and folders that cannot be written."""

import shutil
import subprocess

import pytest


@pytest.mark.parametrize("arguments, env, line", [
    (["--config", "regressor.epochs=8"], {}, "write --config 'regressor={epochs: 8}'"),
    (["--configfile", "clips"], {}, "clips: No such file or directory: name a configuration"),
    (["--configfile", "latin.yaml"], {}, "latin.yaml, line 1: is not UTF-8"),
    (["--config", "results=latin.yaml/x"], {}, "latin.yaml is a file: name a folder"),
    (["--config", "seeds=[1]"], {"TMPDIR": "/nowhere"}, "/nowhere (no such folder): /"),
    ([], {"HOME": "/dev/null"}, "/dev/null/.cache/snakemake: Not a directory: "),
])  # fmt: skip
def test_mistakes_end_in_one_line_and_folders_that_fail_are_replaced(project, arguments, env, line):
    (project.folder / "latin.yaml").write_bytes(b"results: r\xe9sultats\n")
    unset = {"XDG_CACHE_HOME": "", "MPLCONFIGDIR": ""}
    done = project.snakemake("-n", *arguments, check=False, **unset | env)
    assert done.returncode == (0 if env else 1) and line in done.stdout, done.stdout
    assert "Traceback" not in done.stdout


def test_a_read_only_clone_with_results_elsewhere(project, tmp_path):
    shutil.rmtree(project.folder / ".snakemake", ignore_errors=True)
    if subprocess.run(["mount", "--bind", project.folder, project.folder]).returncode:
        pytest.skip("needs the right to mount a folder")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", project.folder], check=True)
        targets = "--cores", "2", "--", "clips/1.h5"
        done = project.snakemake(*targets, check=False)
        remedy = "Read-only file system: ask for the right to use it, or name another folder"
        assert f"ERROR: results: {project.folder}/results: {remedy}" in done.stdout
        assert done.returncode == 1 and "Traceback" not in done.stdout
        project.snakemake("--config", f"results={tmp_path}/elsewhere", *targets)
        assert (tmp_path / "elsewhere/clips/1.h5").exists()
    finally:
        subprocess.run(["umount", project.folder], check=True)
