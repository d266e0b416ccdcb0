"""What every step does alike: whole files or none, logs that hold everything."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motilens.core.errors import InputError
from motilens.core.files import atomic_write, process_identity
from motilens.core.records import make_provenance, read_record
from motilens.pipeline.code_digest import code_versions
from motilens.pipeline.run_locks import RUN_VARIABLE

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"


def test_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with pytest.raises(KeyError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert list(path.parent.iterdir()) == []
    with atomic_write(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists() and temporary.suffix == ".csv"
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]


def test_a_failed_second_writing_keeps_the_first(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("first")
    with pytest.raises(KeyError), atomic_write(path) as temporary:
        temporary.write_text("second")
        raise KeyError
    assert path.read_text() == "first"


def test_half_files_of_the_dead_are_removed_and_no_others(tmp_path):
    """Two clones may write into one folder of results."""
    died = subprocess.Popen(["true"])
    died.wait()
    dead, alive = (tmp_path / f".a.csv.{pid}.part.csv" for pid in (died.pid, os.getppid()))
    for half in (dead, alive):
        half.write_text("half")
    with atomic_write(tmp_path / "a.csv") as temporary:
        temporary.write_text("whole")
    assert alive.exists() and not dead.exists()


def given(tmp_path):
    """What Snakemake gives to a script, as far as `logged` looks at it."""
    return (
        "from types import SimpleNamespace\nsnakemake = SimpleNamespace("
        f"log=[{str(tmp_path / 'logs/step.log')!r}], rule='step', output=[], params={{}})"
    )


def run(tmp_path, body):
    program = (
        "import subprocess\nfrom motilens.core.errors import InputError\nfrom motilens.core.files import atomic_write\nfrom motilens.pipeline import job\n"
        f"{given(tmp_path)}\nwith job.run_job(snakemake):\n    {body}\n"
    )
    (tmp_path / "logs").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SCRIPTS, capture_output=True, text=True
    )
    return done, (tmp_path / "logs/step.log").read_text(encoding="utf-8")


def test_log_holds_prints_and_child_processes(tmp_path):
    done, log = run(tmp_path, "print('trained µ'); subprocess.run(['echo', 'decoded'])")
    assert done.returncode == 0 and done.stdout == done.stderr == ""
    *lines, last = log.splitlines()
    assert lines == ["trained µ", "decoded"]
    assert re.fullmatch(r"done in \d+\.\d\d s", last)


def test_progress_reaches_the_terminal_now_and_then(tmp_path):
    body = "job.PATIENCE = 0.2\n    for k in range(4): job.note(f'epoch {k}'); time.sleep(0.15)"
    done, log = run(tmp_path, f"import time; {body}")
    assert [line for line in log.splitlines() if "epoch" in line] == [
        "epoch 0", "epoch 1", "epoch 2", "epoch 3",
    ]  # fmt: skip
    assert done.stderr == "step: epoch 2\n"


def test_input_error_reaches_the_terminal_without_a_traceback(tmp_path):
    done, log = run(tmp_path, "raise InputError('7.avi: damaged: replace it')")
    assert done.returncode == 1
    assert done.stderr.strip() == "ERROR: 7.avi: damaged: replace it" == log.strip()


def test_what_was_fetched_from_a_store_goes_by_its_address(tmp_path):
    done, log = run(tmp_path, "raise InputError('.snakemake/storage/s3/lab/7.avi: damaged')")
    assert done.stderr.strip() == "ERROR: s3://lab/7.avi: damaged" == log.strip()


def test_warnings_reach_both_and_do_not_end_the_step(tmp_path):
    done, log = run(tmp_path, "job.warn('no information'); print('went on')")
    assert done.returncode == 0 and done.stderr.strip() == "WARNING: no information"
    assert log.splitlines()[:-1] == ["WARNING: no information", "went on"]


def test_other_errors_leave_their_traceback_in_the_log(tmp_path):
    done, log = run(tmp_path, "raise KeyError('x')")
    assert done.returncode == 1 and done.stderr == ""
    assert "Traceback" in log and "KeyError: 'x'" in log


def test_asked_to_end_it_removes_its_half_file(tmp_path):
    body = f"""import os
    with atomic_write({str(tmp_path / "a.csv")!r}) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), 15)"""
    done, _ = run(tmp_path, body)
    assert done.returncode == 143
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_it_does_not_outlive_its_snakemake(tmp_path):
    """The parent is killed while the step works; the step ends long before it would be done."""
    (tmp_path / "logs").mkdir()
    log, script = tmp_path / "logs/step.log", tmp_path / "step.py"
    script.write_text(
        f"import time\nfrom motilens.pipeline import job\n{given(tmp_path)}\n"
        "with job.run_job(snakemake):\n"
        "    print('working')\n    time.sleep(60)\n    print('done')\n"
    )
    # The shell waits for the step, as Snakemake does; its output ends when both have ended.
    parent = subprocess.Popen(
        ["sh", "-c", f"'{sys.executable}' '{script}'; true"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PYTHONPATH": str(SCRIPTS)},
    )  # fmt: skip
    started = time.monotonic()
    while not (log.exists() and "working" in log.read_text()):
        assert time.monotonic() < started + 30
        time.sleep(0.1)
    parent.kill()
    parent.communicate(timeout=30)
    assert log.read_text().strip() == "working"


def test_an_orphan_ends_even_if_it_was_born_as_one(tmp_path):
    """Snakemake was killed while the step's Python was still starting."""
    (tmp_path / "logs").mkdir()
    script = tmp_path / "step.py"
    script.write_text(
        f"import time\nfrom motilens.pipeline import job\n{given(tmp_path)}\n"
        "with job.run_job(snakemake):\n    time.sleep(60)\n    print('done')\n"
    )
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    run_by = process_identity().replace(str(os.getpid()), str(dead.pid), 1)
    done = subprocess.run(
        [sys.executable, script],
        env={"PYTHONPATH": str(SCRIPTS), RUN_VARIABLE: run_by},
        timeout=30,
    )
    assert done.returncode == 128 + signal.SIGTERM


def test_code_edited_during_a_run_is_not_noted_as_what_was_planned(tmp_path):
    planned = code_versions(SCRIPTS / "list_clips.py", SCRIPTS.parents[1] / "requirements.in")
    (tmp_path / "logs/list_clips").mkdir(parents=True)
    for known, returned in ((planned, 0), (planned | {"list_clips.py": "other"}, 1)):
        given_by_it = given(tmp_path).replace("'step'", "'list_clips'")
        given_by_it = given_by_it.replace("logs/step.log", "logs/list_clips/all.log")
        given_by_it = given_by_it.replace("params={}", f"params={ {'code': known} }")
        program = f"from motilens.pipeline import job\n{given_by_it}\nwith job.run_job(snakemake):\n    pass"
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=SCRIPTS, capture_output=True, text=True
        )
        assert done.returncode == returned, done.stderr
    assert "ERROR: the code of list_clips was edited during the run: run again" in done.stderr


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "model.json").write_text('{"input": ')
    with pytest.raises(InputError, match="model.json cannot be read"):
        read_record(str(tmp_path / "model.json"))
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(InputError, match="model.json cannot be read .*no object"):
        read_record(str(tmp_path / "model.json"))


def test_a_record_that_lacks_something_is_named(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(InputError, match="run.json lacks 'seconds' .*: delete it and run again"):
        read_record(str(tmp_path / "run.json"))["seconds"]


def test_provenance_is_plain_and_names_versions():
    made = make_provenance({"step.py": "abc"}, {"size": 64})
    assert made["settings"] == {"size": 64} and made["code"] == {"step.py": "abc"}
    assert made["libraries"]["torch"].startswith("2.")
