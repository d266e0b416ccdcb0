"""What the code behind a step is, and which edits of it count."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from motilens.pipeline.code_digest import code_versions
from support.planning import REQUIREMENTS, SCRIPTS

B = '''import numpy as np
from motilens.compute import device


def f():
    """Say one."""
    logger.info("one is returned")
    if not np:
        raise ValueError(f"no numpy in {__file__}: install it")
    return 1
'''
NOT_COUNTED = ("motilens.pipeline", "motilens.compute")
EVERY_SCRIPT = sorted(path.name for path in SCRIPTS.glob("*.py"))


@pytest.fixture
def script(tmp_path):
    files = {
        "motilens/__init__.py": '"""The library."""\n',
        "motilens/a.py": "from motilens.b import f\n",
        "motilens/b.py": B,
        "motilens/compute/__init__.py": '"""Devices."""\n',
        "motilens/compute/device.py": "import scipy\n\nCOUNT = 1\n",
        "motilens/c.py": "x = 1\n",
        "motilens/inner/__init__.py": '"""A package."""\n',
        "motilens/inner/d.py": "from motilens.inner.deep import e\n",
        "motilens/inner/deep/__init__.py": '"""A package in it."""\n',
        "motilens/inner/deep/e.py": "y = 1\n",
        "packed.py": "import motilens.inner.d\n",
        "step.py": "from motilens import a\n\na.f()\n",
        "requirements.in": "# pins\nnumpy==2.4.6 # arrays\nscipy==1.17.1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "step.py"


def versions(script):
    return code_versions(script, script.with_name("requirements.in"))


@pytest.mark.parametrize("name, old, new, changed", [
    ("step.py", "a.f()", "a.f(2)", {"step.py"}),
    ("motilens/b.py", "return 1", "return 2", {"motilens/b.py"}),
    ("motilens/c.py", "x = 1", "x = 2", set()),
    ("motilens/b.py", "Say one", "Answer with one", set()),
    ("motilens/b.py", "one is returned", "1 is returned", set()),
    ("motilens/b.py", "no numpy in {__file__}: install it", "numpy is missing", set()),
    ("motilens/b.py", "ValueError", "TypeError", {"motilens/b.py"}),
    ("motilens/b.py", "not np", "np", {"motilens/b.py"}),
    ("motilens/compute/device.py", "COUNT = 1", "COUNT = 2", set()),
    ("motilens/b.py", "return 1", "return 1  # always", set()),
    ("motilens/b.py", "return 1", "return (\n        1\n    )", set()),
    ("requirements.in", "2.4.6", "2.4.7", {"numpy"}),
    ("requirements.in", "1.17.1", "1.18.0", set()),
    ("requirements.in", "# arrays", "# matrices", set()),
])  # fmt: skip
def test_what_counts(script, name, old, new, changed):
    before, path = versions(script), script.parent / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert {key for key, value in versions(script).items() if before[key] != value} == changed


def test_names_are_what_people_know_and_packages_count_with_all_above_them(script):
    names = ["motilens/__init__.py", "motilens/a.py", "motilens/b.py", "numpy", "step.py"]
    assert list(versions(script)) == names
    assert list(versions(script.with_name("packed.py"))) == [
        "motilens/__init__.py", "motilens/inner/__init__.py", "motilens/inner/d.py",
        "motilens/inner/deep/__init__.py", "motilens/inner/deep/e.py", "packed.py",
    ]  # fmt: skip


def run_python(program, *arguments, python=sys.executable, **env):
    """What a program prints in the folder of scripts, a JSON value in each line."""
    options = {"cwd": SCRIPTS, "text": True, "env": {"PATH": os.environ["PATH"]} | env}
    output = subprocess.check_output([python, "-c", program, *map(str, arguments)], **options)
    return list(map(json.loads, output.splitlines()))


# Loads each script in a process of its own, forked when what they share has been imported.
LOADER = """
import json, os, runpy, sys
import h5py, matplotlib.pyplot, sklearn, torchvision

for name in sys.argv[1:]:
    if os.fork() == 0:
        runpy.run_path(name, run_name="imported")
        files = [[n, getattr(m, "__file__", None)] for n, m in sys.modules.items()]
        print(json.dumps([name, files]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, name
"""


@pytest.fixture(scope="module")
def loaded():
    """The modules of ours that each script loads, by Python's own account."""
    return {
        name: {
            Path(file).relative_to(SCRIPTS).as_posix()
            for module, file in files
            if module.startswith("motilens") and file and not module.startswith(NOT_COUNTED)
        }
        for name, files in run_python(LOADER, *EVERY_SCRIPT, PYTHONPATH=str(SCRIPTS))
    }


@pytest.mark.parametrize("name", EVERY_SCRIPT)
def test_the_digest_holds_what_is_really_imported(loaded, name):
    digests = code_versions(SCRIPTS / name, REQUIREMENTS)
    assert loaded[name] | {name} >= {key for key in digests if key.endswith(".py")}
    # What only `pipeline` and `compute` load does not count, as they do not.
    packages = {key.rpartition("/")[0] for key in loaded[name] - digests.keys()}
    assert packages <= {"motilens/core"}


def test_libraries_that_change_results_are_pinned_for_the_steps_that_use_them():
    def used(name):
        return code_versions(SCRIPTS / f"{name}.py", REQUIREMENTS).keys()

    assert {"torch", "torchvision", "numpy"} <= used("train_regressor")
    assert {"imageio-ffmpeg", "ffmpeg-python", "numpy"} <= used("extract_clips")
    for name in ("write_sample_table", "compute_errors", "make_table1", "plot_learning_curves",
                 "compute_statistics", "summarize_run", "plot_errors", "plot_agreement",
                 "extract_clips", "simulate_video", "index_clips"):  # fmt: skip
        assert "torch" not in used(name)


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_other_versions_of_python_give_the_same_digests(version):
    program = (
        "import json, sys; sys.path.insert(0, '.'); from pathlib import Path; "
        "from motilens.pipeline.code_digest import code_versions; "
        "print(json.dumps([code_versions(p, Path(sys.argv[1])) "
        "for p in sorted(Path('.').glob('*.py'))]))"
    )
    python = f"python{version}"
    if not shutil.which(python) or subprocess.run([python, "-c", ""]).returncode:
        pytest.skip(f"no Python {version} runs here")
    ours, others = (run_python(program, REQUIREMENTS, python=p) for p in (sys.executable, python))
    assert ours == others and len(ours[0]) == len(EVERY_SCRIPT)
