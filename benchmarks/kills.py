"""Kill a training of each kind again and again: are its results those of an undisturbed one?

    .venv/bin/python benchmarks/kills.py [--kills 20]

Each kill (SIGKILL) comes at a random moment after a checkpoint, and the training resumes from it.
The exit code is 1 if a result has other bytes, or if a training leaves a file behind.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.killed_training import compare_killed_training


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    kills, is_sound = parser.parse_args().kills, True
    for kind in ("autoencoder", "regressor"):
        with tempfile.TemporaryDirectory() as folder:
            comparison = compare_killed_training(kind, kills, Path(folder))
        bytes_are = "the same bytes" if comparison["is_same"] else "OTHER BYTES"
        leftovers = ", ".join(comparison["leftovers"]) or "nothing"
        print(
            f"{kind}: {kills} kills, resumed {comparison['resumed']} times: {bytes_are}; "
            f"left behind: {leftovers}",
            flush=True,
        )
        is_sound &= comparison["is_same"] and not comparison["leftovers"]
    sys.exit(not is_sound)


if __name__ == "__main__":
    main()
