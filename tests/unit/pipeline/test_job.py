"""What every step does alike: logging, errors, and ending with Snakemake."""

import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from motilens.core.files import process_identity
from motilens.pipeline import job as job_module
from motilens.pipeline.code_digest import code_versions, plugin_versions
from motilens.pipeline.job import RUN_VARIABLE, TerminalHandler
from motilens.pipeline.snakemake_metadata import metadata_path, read_depends_on
from support.own_plugins import write_files
from support.planning import REQUIREMENTS

SCRIPTS = Path(job_module.__file__).parents[2]
# A step as Snakemake starts it, as far as `run_job` looks at what it is given.
STEP = """
import logging, os, subprocess, time
from pathlib import Path
from types import SimpleNamespace
from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.pipeline import job as job_module

class Params(list):
    depends_on = {depends_on}

def main(job):
    logger = logging.getLogger("motilens.training.trainer")
    {body}

job_module.run_job(main, SimpleNamespace(
    rule={rule!r}, log=["step.log"], output=["a.csv"], params=Params([Params.depends_on]),
    config={{"plugins": "mine"}},
))
"""


class Folder:
    """A folder of results, in which steps run."""

    def __init__(self, path: Path):
        self.path, self.log = path, path / "step.log"

    def command(self, body, rule="plot_errors", depends_on=None):
        script = self.path / "step.py"
        text = STEP.format(body=body, rule=rule, depends_on=depends_on or {})
        script.write_text(text, encoding="utf-8")
        environment = {"PYTHONPATH": str(SCRIPTS), "PATH": os.environ["PATH"]}
        return [sys.executable, str(script)], {"cwd": self.path, "env": environment}

    def run(self, body, **settings):
        command, options = self.command(body, **settings)
        return subprocess.run(command, **options, capture_output=True, text=True, timeout=30)

    def read_log(self):
        return self.log.read_text(encoding="utf-8")

    def is_recorded(self):
        return (self.path / metadata_path("a.csv")).exists()


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_the_log_holds_prints_messages_and_child_processes(folder):
    body = """
    print("trained µ")
    logger.info("epoch 1")
    subprocess.run(["echo", "decoded"])
    Path("a.csv").touch()"""
    done = folder.run(body)
    assert done.returncode == 0 and done.stdout == done.stderr == ""
    log = r"trained µ\nepoch 1\ndecoded\ndone in \d+\.\d\d s\n"
    assert re.fullmatch(log, folder.read_log()) and folder.is_recorded()


def test_what_was_planned_is_recorded_whatever_a_step_makes_of_its_params(folder, monkeypatch):
    body = 'job.params.depends_on["frames"] = 1; Path("a.csv").touch()'
    assert folder.run(body, depends_on={"seeds": [0]}).returncode == 0
    monkeypatch.chdir(folder.path)
    assert read_depends_on(["a.csv"]) == {"seeds": [0]}


def test_warnings_reach_terminal_and_log_and_do_not_end_the_step(folder):
    done = folder.run('logger.warning("no cells"); Path("a.csv").touch(); print("continued")')
    assert done.returncode == 0 and done.stderr.strip() == "WARNING: plot_errors: no cells"
    assert folder.read_log().splitlines()[:-1] == ["WARNING: no cells", "continued"]


def test_errors_of_the_user_reach_the_terminal_and_others_leave_a_traceback_in_the_log(folder):
    done = folder.run('raise InputError(".snakemake/storage/s3/lab/7.avi: replace it")')
    assert done.returncode == 1 and not folder.is_recorded()
    assert done.stderr.strip() == "ERROR: s3://lab/7.avi: replace it" == folder.read_log().strip()
    done = folder.run("raise KeyError('x')")
    assert done.returncode == 1 and done.stderr == "" and not folder.is_recorded()
    assert "Traceback" in folder.read_log() and "KeyError: 'x'" in folder.read_log()


@pytest.mark.parametrize("error, line", [
    ("OSError(5, 'Input/output error', 'clips/7.h5')", "clips/7.h5: Input/output error: the disk"),
    ("OSError(122, 'Disk quota exceeded')", "a.csv: Disk quota exceeded: free some space"),
    ("OSError(30, 'Read-only file system', '.a.csv.1.part.csv')", "a.csv: Read-only file system"),
    ("FileNotFoundError(2, 'No such file or directory', 'b')", "b: No such file or directory"),
    ("OSError('truncated file')", "a.csv: truncated file"),
    ("MemoryError()", "a.csv: not enough memory: run fewer steps at a time"),
    ("RuntimeError('DefaultCPUAllocator: can\\'t allocate memory')", "a.csv: not enough memory"),
])  # fmt: skip
def test_a_fault_of_the_machine_is_one_line_and_leaves_a_traceback_in_the_log(folder, error, line):
    done = folder.run(f"raise {error}")
    assert done.returncode == 1 and not folder.is_recorded()
    assert done.stderr.strip().startswith(f"ERROR: {line}") and done.stderr.count("\n") == 3
    assert "Traceback" in folder.read_log() and f"\nFAULT: {line}" in folder.read_log()


def test_a_log_that_cannot_be_written_is_reported(folder):
    folder.log.mkdir()
    done = folder.run("Path('a.csv').touch()")
    assert done.returncode == 1 and done.stderr.strip() == "ERROR: step.log: Is a directory"


def test_a_step_that_is_asked_to_end_removes_its_temporary_file(folder):
    body = """
    with atomic_write("a.csv") as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), 15)"""
    assert folder.run(body).returncode == 128 + signal.SIGTERM
    assert sorted(os.listdir(folder.path)) == ["step.log", "step.py"]


def test_a_step_does_not_outlive_its_snakemake(folder):
    """The parent is killed while the step works; the step ends long before it would be done."""
    command, options = folder.command("print('working'); time.sleep(60); print('finished')")
    # The shell waits for the step, as Snakemake does; its output ends when both have ended.
    shell = ["sh", "-c", f"'{command[0]}' '{command[1]}' 2>&1; true"]
    parent, started = subprocess.Popen(shell, **options, stdout=subprocess.PIPE), time.monotonic()
    while not (folder.log.exists() and "working" in folder.read_log()):
        assert time.monotonic() < started + 30
        time.sleep(0.1)
    parent.kill()
    parent.communicate(timeout=30)
    assert folder.read_log().strip() == "working"


def test_a_step_ends_if_its_snakemake_was_killed_before_it_started(folder):
    dead = subprocess.Popen(["true"])
    dead.wait()
    command, options = folder.command("time.sleep(300)")
    options["env"][RUN_VARIABLE] = process_identity(dead.pid)
    assert subprocess.call(command, **options, timeout=120) == 128 + signal.SIGTERM


def test_code_that_was_edited_during_the_run_is_not_recorded(folder):
    planned = code_versions(SCRIPTS / "index_clips.py", SCRIPTS.parents[1] / "requirements.in")
    edited = {"code": planned | {"index_clips.py": "other"}}
    done = folder.run("Path('a.csv').touch()", rule="index_clips", depends_on=edited)
    assert done.returncode == 1 and not folder.is_recorded()
    assert "ERROR: the code of index_clips was edited during the run: run again" in done.stderr
    done = folder.run("Path('a.csv').touch()", rule="index_clips", depends_on={"code": planned})
    assert done.returncode == 0 and folder.is_recorded()


def test_the_terminal_shows_all_warnings_and_progress_once_a_minute(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(job_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    reader, writer = os.pipe()
    logger = logging.Logger("motilens.test")
    logger.addHandler(TerminalHandler(writer, "train_regressor I4"))

    def show(level, message, seconds=0):
        """What is shown of a message so many seconds after the last one."""
        clock.now += seconds
        logger.log(level, message)
        os.write(writer, b".")
        return os.read(reader, 1000).decode()[:-1].strip()

    assert show(logging.INFO, "epoch 1", 59) == ""
    assert show(logging.INFO, "epoch 2", 1) == "train_regressor I4: epoch 2"
    assert show(logging.INFO, "epoch 3", 59) == ""
    for _ in range(2):
        assert show(logging.WARNING, "a loss") == "WARNING: train_regressor I4: a loss"
    assert show(logging.INFO, ".snakemake/storage/s3/lab/7.avi", 1).endswith("I4: s3://lab/7.avi")
    os.close(reader)
    logger.error("nobody sees this, and no exception is raised")
    os.close(writer)


LOSS = '@register("loss", "own")\ndef compute(a, b):\n    return c\n'
CALL = "from motilens.models.losses import LOSS_TERMS; LOSS_TERMS['own'](1, 2)"


def test_errors_in_plugins_reach_the_terminal_with_file_and_line(folder):
    def run(text):
        write_files(folder.path / "mine", a=text)
        plugins = plugin_versions(folder.path / "mine", ["a.py"], SCRIPTS, REQUIREMENTS)
        code = code_versions(SCRIPTS / "plot_errors.py", REQUIREMENTS) | plugins
        done = folder.run(CALL, depends_on={"code": code})
        assert done.returncode == 1 and not folder.is_recorded()
        return done.stderr.strip()

    failed = "ERROR: mine/a.py, line 4: NameError: name 'c' is not defined (the traceback is in"
    assert run(LOSS).startswith(failed) and "Traceback" in folder.read_log()
    unused = "line 2: loss own is not registered when the file is imported: write @register"
    assert unused in run('register("loss", "own")\n')
    assert run("import lost\n").startswith("ERROR: mine/a.py, line 2: ModuleNotFoundError: ")


def test_plugins_that_were_edited_during_the_run_are_refused(folder):
    write_files(folder.path / "mine", a=LOSS)
    code = code_versions(SCRIPTS / "plot_errors.py", REQUIREMENTS) | {"plugins/a.py": "0" * 16}
    done = folder.run(CALL, depends_on={"code": code})
    assert "the code of plot_errors was edited during the run: run again" in done.stderr
