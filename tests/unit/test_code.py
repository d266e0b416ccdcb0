"""The digest of a step's code: what counts and what does not."""

from pathlib import Path

import pytest

from motilens import code

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"


@pytest.fixture
def script(tmp_path):
    (tmp_path / "motilens").mkdir()
    files = {
        "motilens/__init__.py": '"""The library."""\n',
        "motilens/a.py": "from motilens.b import f\n",
        "motilens/b.py": 'def f():\n    """Say one."""\n    return 1\n',
        "motilens/c.py": "x = 1\n",
        "step.py": "from motilens import a\n\na.f()\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path / "step.py"


def changed(script, name, old, new):
    before = code.digest(script)
    path = script.parent / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return code.digest(script) != before


@pytest.mark.parametrize(
    "name, old, new, counts",
    [
        ("step.py", "a.f()", "a.f(2)", True),
        ("motilens/b.py", "return 1", "return 2", True),
        ("motilens/c.py", "x = 1", "x = 2", False),
        ("motilens/b.py", "Say one", "Answer with one", False),
        ("motilens/b.py", "return 1", "return 1  # always", False),
        ("motilens/b.py", "return 1", "return (\n        1\n    )", False),
    ],
)
def test_what_counts(script, name, old, new, counts):
    assert changed(script, name, old, new) is counts


def test_imports_of_imports_are_found(script):
    assert [p.name for p in code.sources(script)] == ["__init__.py", "a.py", "b.py", "step.py"]


def test_every_script_has_a_digest_and_tables_need_no_torch():
    digests = {path.name: code.digest(path) for path in SCRIPTS.glob("*.py")}
    assert len(set(digests.values())) == len(digests) >= 10
    for name in ("check_samples", "measure_errors", "make_table1", "plot_learning_curves",
                 "extract_frames", "simulate_video"):  # fmt: skip
        for source in code.sources(SCRIPTS / f"{name}.py"):
            assert "import torch" not in source.read_text(encoding="utf-8"), (name, source)
