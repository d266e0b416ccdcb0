"""Packages import one way; what they export has names that say what it is."""

import ast
from collections import defaultdict

from support.configs import ROOT

LIBRARY = ROOT / "workflow/scripts/motilens"
# Which packages each may import; the order allows no cycle. All may import core.
LAYERS = {
    "core": [],
    "video": [], "dataset": ["video"], "motility": [], "models": [], "compute": [],
    "evaluation": ["dataset"],
    "clips": ["video"], "simulation": ["video"], "tracking": ["video"],
    "training": ["clips", "compute", "models"],
    "reports": ["evaluation"],
    "inference": ["clips", "compute", "dataset", "models", "motility", "reports", "tracking",
                  "training", "video"],
    "pipeline": ["clips", "dataset", "evaluation", "simulation", "video"],
}  # fmt: skip
MODULES = sorted(path for path in LIBRARY.glob("*/*.py") if path.name != "__init__.py")


def list_imported_packages(path):
    """Return the packages of ours that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("motilens.")}


def test_imports_between_packages_go_one_way():
    seen = set()
    for package, below in LAYERS.items():
        assert set(below) < seen | {package}, f"{package} imports what comes after it"
        seen.add(package)
    assert {path.parent.name for path in MODULES} == LAYERS.keys()
    for path in MODULES:
        package = path.parent.name
        allowed = {package, "core", *LAYERS[package]} if package != "core" else {"core"}
        assert list_imported_packages(path) <= allowed, path
        text = path.read_text(encoding="utf-8").partition("import")[2]
        assert "snakemake" not in text.split(), f"{path} imports Snakemake"


def test_packages_are_short_export_nothing_and_repeat_no_name_of_one_word():
    for package in LAYERS:
        count = len(list((LIBRARY / package).glob("*.py"))) - 1
        assert 3 <= count <= 11, (package, count)
    # A re-export would put all of a package into the digest of every step that uses a part.
    for path in LIBRARY.rglob("__init__.py"):
        [docstring] = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant), path
    for path in [*MODULES, *(ROOT / "workflow").glob("*.py"), *(ROOT / "rules").glob("*.smk")]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 330, path
    modules = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and "_" not in node.name:
                modules[node.name].append(path.relative_to(LIBRARY).as_posix())
    assert {name: paths for name, paths in modules.items() if len(paths) > 1} == {}
