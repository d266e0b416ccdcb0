"""Measure speed and memory of training, beside a plain loop and what the hardware allows.

    .venv/bin/python benchmarks/training.py [--device cuda] [--threads 2] [--steps 10] [--short]

Each figure comes from a process of its own; all of them make one run. On a GPU: --steps 400.
--short leaves out other settings of `compute` and the loading.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

TASKS = Path(__file__).with_name("training_tasks.py")
FRAMES = {"I1": 1, "I3": 9, "I4": 18}
CPU_MODELS = [
    *(("autoencoder", name, size) for size in (64, 256) for name in FRAMES),
    ("regressor", "I4", 64),
]
GPU_MODELS = [*(("autoencoder", name, 256) for name in FRAMES), ("regressor", "I4", 256)]
OTHER_SETTINGS = [
    ("channels_last", False), ("channels_last", True), ("precision", "bfloat16"), ("compile", True),
]  # fmt: skip
# Of the paper on VISEM: training stacks of a fold, and epochs (those of regressors are Motilens').
STACKS, EPOCHS = 14_250, {"autoencoder": 2000, "regressor": 100}
# How many models the paper has of each kind; I2 is as I1.
MODELS = {("autoencoder", "I1"): 6, ("autoencoder", "I3"): 3, ("autoencoder", "I4"): 3,
          ("regressor", "I4"): 24}  # fmt: skip
COLUMNS = [
    "model", "GFLOP a stack", "MB a stack", "floor, stacks/s", "Motilens, stacks/s",
    "Motilens / floor", "Motilens / plain loop, same settings",
    "Motilens / plain loop, PyTorch's defaults", "not in steps", "peak memory, batch",
    "memory / plain loop, PyTorch's defaults",
]  # fmt: skip


def run_task(task: str, case: tuple = (), script: Path = TASKS, timeout=None, **options):
    """Return the result of a task of training_tasks.py, and the peak memory of its process."""
    command = [sys.executable, str(script), task, json.dumps(case), json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not results:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(results[0].removeprefix("RESULT "))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--short", action="store_true")
    arguments = parser.parse_args()
    on_gpu = arguments.device == "cuda"
    options = {"device": arguments.device, "threads": arguments.threads, "block": 1}
    options |= {"block": 20} if on_gpu else {}
    ceilings, _ = run_task("measure_ceilings", **options)
    print(f"ceilings: {ceilings[0] / 1e9:.0f} GFLOP/s, {ceilings[1] / 1e9:.1f} GB/s\n")
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    rates, notes = {}, []
    for kind, name, size in GPU_MODELS if on_gpu else CPU_MODELS:
        batch_size = 32 if size == 64 or on_gpu else 16
        case = (kind, FRAMES[name], size, batch_size, batch_size * (40 if on_gpu else 4))
        # Short steps need many, or noise is all that is seen.
        options["steps"] = arguments.steps * (10 if size == 64 and not on_gpu else 1)
        rate = rates[kind, name] = print_row(f"{kind} {name}, {size}", case, ceilings, options)
        if arguments.short:
            continue
        if name == "I4" and size == (256 if on_gpu else 64):
            for key, value in OTHER_SETTINGS:
                seconds, _ = run_task("time_pipeline", case, compute={key: value}, **options)
                ratio = batch_size / seconds / rate
                notes.append(f"{kind} {name}, {size}, {key} {value}: x {ratio:.2f}")
        if kind == "regressor":
            share, _ = run_task("measure_encoder_share", case, **options)
            notes.append(f"the frozen encoder takes {100 * share:.1f} % of a regressor's step")
    print("", *notes, sep="\n")
    if on_gpu:
        hours = {key: STACKS * EPOCHS[key[0]] / rate / 3600 for key, rate in rates.items()}
        encoders = [f"{key[1]} {60 * h:.0f} min" for key, h in hours.items() if "autoenc" in key[0]]
        total = sum(count * hours[key] for key, count in MODELS.items())
        print(f"2,000 epochs of {STACKS} stacks: {', '.join(encoders)}")
        print(f"the paper's 12 autoencoders and 24 regressors: {total:.1f} h")
    if not arguments.short:
        speeds, _ = run_task("measure_loading", **options)
        speeds = ", ".join(f"{name} {speed:.0f}" for name, speed in speeds.items())
        print(f"\nloading alone, 18 x 256 x 256, stacks/s: {speeds}")


def print_row(model: str, case: tuple, ceilings: tuple[float, float], options: dict) -> float:
    """Print a row of the table; return the stacks a second of the pipeline's loop."""
    batch_size = case[3]
    (flop, moved), _ = run_task("count_operations", case, **options)
    floor = 1 / max(flop / ceilings[0], moved / ceilings[1])
    seconds, peak = run_task("time_pipeline", case, **options)
    same, _ = run_task("time_plain_loop", case, same=True, **options)
    default, default_peak = run_task("time_plain_loop", case, same=False, **options)
    between, rate = "", batch_size / seconds
    if options["device"] != "cuda":
        between = f"{100 * run_task('measure_time_between_steps', case, **options)[0]:.1f} %"
    cells = [
        model, f"{flop / 1e9:.2f}", f"{moved / 1e6:.0f}", f"{floor:.0f}", f"{rate:.1f}",
        f"{rate / floor:.2f}", f"{same / seconds:.2f}", f"{default / seconds:.2f}", between,
        f"{peak / 1e9:.2f} GB, {batch_size}", f"{peak / default_peak:.2f}",
    ]  # fmt: skip
    print(f"| {' | '.join(cells)} |", flush=True)
    return rate


if __name__ == "__main__":
    main()
