"""Measure the throughput of a GPU that several trainings share (compute.jobs_per_gpu).

    .venv/bin/python benchmarks/sharing.py [--device cuda] [--steps 600] [--shares 1 2 4]

Each training is a process of its own, as those of the pipeline are.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor

from training import run_task

MODELS = {f"{kind} I4": (kind, 18) for kind in ("autoencoder", "regressor")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--shares", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--size", type=int, default=256)
    arguments = parser.parse_args()
    options = {"device": arguments.device, "threads": 1, "steps": arguments.steps, "block": 20}
    shares = arguments.shares
    print(f"| | {' | '.join(f'{share} at a time, stacks/s' for share in shares)} |")
    print("|---" * (1 + len(shares)) + "|")
    for name, model in MODELS.items():
        case = (*model, arguments.size, 32, 640)
        rates = [f"{measure_rate(case, options, share):.0f}" for share in shares]
        print(f"| {name}, {arguments.size} | {' | '.join(rates)} |", flush=True)


def measure_rate(case: tuple, options: dict, share: int) -> float:
    """Return the stacks a second of `share` trainings together."""
    compute = {"jobs_per_gpu": share}
    with ThreadPoolExecutor(share) as pool:
        runs = [
            pool.submit(run_task, "time_pipeline", case, compute=compute, **options)
            for _ in range(share)
        ]
        return sum(case[3] / run.result()[0] for run in runs)


if __name__ == "__main__":
    main()
