#!/bin/sh
# Measure training on a machine with one GPU. It needs torch 2.11 or newer, h5py and pandas, no
# Snakemake, and under 8 minutes. Options are those of benchmarks/gpu.py.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
[ -n "${PYTHON:-}" ] || [ ! -x .venv/bin/python ] || python=.venv/bin/python
"$python" - <<'END'
import importlib.util, sys
missing = [n for n in ("torch", "torchvision", "h5py", "pandas") if not importlib.util.find_spec(n)]
if missing:
    sys.exit(f"{sys.executable} lacks {', '.join(missing)}: set PYTHON to a Python that has them")
import torch
if tuple(map(int, torch.__version__.split(".")[:2])) < (2, 11):
    sys.exit(f"{sys.executable} has torch {torch.__version__}: 2.11 or newer is needed")
END
exec "$python" -u benchmarks/gpu.py "$@"
