"""Speed and memory of training, beside the plainest torch loop and what the hardware allows.

    .venv/bin/python benchmarks/training.py [--device cuda] [--threads 2] [--steps 10] [--short]

Each figure comes from a process of its own; all of them make one run. On a GPU: --steps 400.
--short leaves out the other settings and the loading.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

TASKS = str(Path(__file__).with_name("training_tasks.py"))

FRAMES = {"I1": 1, "I3": 9, "I4": 18}
CASES = [("autoencoder", name, size) for size in (64, 256) for name in FRAMES]
CASES += [("regressor", "I4", 64)]
GPU_CASES = [("autoencoder", name, 256) for name in FRAMES] + [("regressor", "I4", 256)]
OTHERWISE = [("channels_last", False), ("channels_last", True), ("precision", "bfloat16"),
             ("compile", True)]  # fmt: skip
# Of the paper on VISEM: training stacks of a fold, and epochs (those of regressors are ours).
STACKS, EPOCHS = 14_250, {"autoencoder": 2000, "regressor": 100}


def asked(task, case=(), **options):
    command = [sys.executable, TASKS, task, json.dumps(case), json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not found:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(found[0].removeprefix("RESULT "))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--short", action="store_true")
    told = parser.parse_args()
    gpu = told.device == "cuda"
    options = {"device": told.device, "threads": told.threads, "steps": told.steps,
               "block": 20 if gpu else 1}  # fmt: skip
    operations, bandwidth, _ = asked("ceilings", **options)
    print(f"ceilings: {operations / 1e9:.0f} GFLOP/s, {bandwidth / 1e9:.1f} GB/s\n")
    print(
        "| model | GFLOP a stack | MB a stack | floor, stacks/s | ours | ours / floor | ours / the "
        "same, plainly | ours / torch's defaults | not in steps | peak memory, batch | memory / "
        "torch's defaults |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    hours, extrapolated, told_of = 0.0, [], []
    for kind, name, size in GPU_CASES if gpu else CASES:
        batch = 32 if size == 64 or gpu else 16
        case = (kind, FRAMES[name], size, batch, batch * (40 if gpu else 4))
        # Short steps need many, or noise is all that is seen.
        options["steps"] = told.steps * (10 if not gpu and size == 64 else 1)
        flop, moved, _ = asked("counted", case, **options)
        floor = 1 / max(flop / operations, moved / bandwidth)
        step, _, peak = asked("ours", case, **options)
        rate = batch / step
        same = batch / asked("plain", case, same=True, **options)[0]
        step, _, plain_peak = asked("plain", case, same=False, **options)
        defaults = batch / step
        share = "" if gpu else f"{100 * asked('other_share', case, **options)[0]:.1f} %"
        print(
            f"| {kind} {name}, {size} | {flop / 1e9:.2f} | {moved / 1e6:.0f} | {floor:.0f} | "
            f"{rate:.1f} | {rate / floor:.2f} | {rate / same:.2f} | {rate / defaults:.2f} | "
            f"{share} | {peak / 1e9:.2f} GB, {batch} | {peak / plain_peak:.2f} |",
            flush=True,
        )
        models = (6 if name == "I1" else 3) if kind == "autoencoder" else 24
        hours += models * STACKS * EPOCHS[kind] / rate / 3600 if size == 256 else 0
        if gpu and kind == "autoencoder":
            extrapolated.append(f"{name} {STACKS * EPOCHS[kind] / rate / 60:.0f} min")
        if told.short:
            continue
        if name == "I4" and size == (256 if gpu else 64):
            for key, value in OTHERWISE:
                other = batch / asked("ours", case, performance={key: value}, **options)[0]
                told_of.append(f"{kind} {name}, {size}, {key} {value}: x {other / rate:.2f}")
        if kind == "regressor":
            encoder = asked("encoder_share", case, **options)[0]
            told_of.append(f"the frozen encoder takes {100 * encoder:.1f} % of a regressor's step")
    print("", *told_of, sep="\n")
    if gpu:
        print(f"2,000 epochs of {STACKS} stacks: {', '.join(extrapolated)}")
        print(f"the paper's 12 autoencoders and 24 regressors: {hours:.1f} h")
    if told.short:
        return
    print("\nloading alone, 18 x 256 x 256, stacks/s: ", end="")
    print(", ".join(f"{k} {v:.0f}" for k, v in asked("places", **options)[0].items()))


if __name__ == "__main__":
    main()
