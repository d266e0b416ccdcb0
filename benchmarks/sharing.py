"""Measure the throughput of a GPU that several trainings share (compute.jobs_per_gpu).

    .venv/bin/python benchmarks/sharing.py [--device cuda] [--steps 600] [--shares 1 2 4]
        [--models "regressor I4"] [--compute '{"cuda_graph": true}']

Each training is a process of its own, as those of the pipeline are.
"""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor

from training import run_task

MODELS = {f"{kind} I4": (kind, 18) for kind in ("autoencoder", "regressor")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--shares", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--compute", type=json.loads, default={})
    arguments = parser.parse_args()
    options = {"device": arguments.device, "threads": 1, "compute": arguments.compute}
    options |= {"steps": arguments.steps, "block": min(20, max(arguments.steps // 6, 1))}
    shares = arguments.shares
    print(f"| | {' | '.join(f'{share} at a time, stacks/s' for share in shares)} |")
    print("|---" * (1 + len(shares)) + "|")
    for name in arguments.models:
        batch_size = min(32, arguments.steps)
        case = (*MODELS[name], arguments.size, batch_size, 20 * batch_size)
        rates = [f"{measure_rate(case, options, share):.0f}" for share in shares]
        print(f"| {name}, {arguments.size} | {' | '.join(rates)} |", flush=True)


def measure_rate(case: tuple, options: dict, share: int) -> float:
    """Return the stacks a second of `share` trainings together."""
    options = options | {"compute": options["compute"] | {"jobs_per_gpu": share}}
    with ThreadPoolExecutor(share) as pool:
        runs = [pool.submit(run_task, "time_pipeline", case, **options) for _ in range(share)]
        return sum(case[3] / run.result()[0] for run in runs)


if __name__ == "__main__":
    main()
