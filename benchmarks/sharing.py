"""Throughput of a GPU that several trainings share (performance.trainings_per_gpu).

    .venv/bin/python benchmarks/sharing.py [--device cuda] [--steps 600] [--shares 1 2 4]

Each training is a process of its own, as those of the pipeline are.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor

from training import asked

CASES = {f"{kind} I4, 256": (kind, 18, 256, 32, 640) for kind in ("autoencoder", "regressor")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--shares", type=int, nargs="+", default=[1, 2, 4])
    told = parser.parse_args()
    options = {"device": told.device, "threads": 1, "steps": told.steps, "block": 20}
    print("| | " + " | ".join(f"{share} at a time, stacks/s" for share in told.shares) + " |")
    print("|---" * (1 + len(told.shares)) + "|")
    for name, case in CASES.items():
        rates = [together(case, options, share) for share in told.shares]
        print(f"| {name} | " + " | ".join(f"{rate:.0f}" for rate in rates) + " |", flush=True)


def together(case, options, share) -> float:
    """Stacks a second of all of `share` trainings, each in a process of its own."""
    performance = {"trainings_per_gpu": share}
    with ThreadPoolExecutor(share) as pool:
        runs = [
            pool.submit(asked, "ours", case, **options, performance=performance)
            for _ in range(share)
        ]
        return sum(case[3] / run.result()[0] for run in runs)


if __name__ == "__main__":
    main()
