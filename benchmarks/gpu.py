"""Measure on one GPU all that makes training faster, beside the settings that are the default.

    benchmarks/gpu.sh [--minutes 7.5] [--only rewrites epochs] [--device cpu --quick]

Prints tables for benchmarks/README.md, and writes them to --output. Parts come in the order of
PARTS; what does not fit into the minutes is named, and another call does it: `--only PART`, with
`--compute` and the settings that were the fastest.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import torch
from training import EPOCHS, FRAMES, MODELS, STACKS, run_task

TASKS = Path(__file__).with_name("gpu_tasks.py")
LAYERS = ["pool_first", "matrix_upsampling", "padded_channels"]
FUSED = ["fused", "matrix_upsampling", "padded_channels"]
# Each kind's cases run in one process; a kernel that fails may take those after it along.
REWRITES = {
    "autoencoder": [
        *({"fast_layers": [name]} for name in LAYERS),
        {"fast_layers": LAYERS}, {"cuda_graph": True}, {"fast_layers": LAYERS, "cuda_graph": True},
    ],
    "regressor": [
        {"fast_layers": LAYERS}, {"cuda_graph": True}, {"fast_layers": LAYERS, "cuda_graph": True},
    ],
}  # fmt: skip
FUSED_REWRITES = [{"fast_layers": FUSED}, {"fast_layers": FUSED, "cuda_graph": True}]
COMPILED = {
    "autoencoder": [
        {"compile": True},
        *({"compile": True, "fast_layers": names, "cuda_graph": True} for names in (LAYERS, FUSED)),
    ],
    "regressor": [
        {"compile": True}, {"compile": True, "fast_layers": LAYERS, "cuda_graph": True},
    ],
}  # fmt: skip
SHARES = [1, 2]


class Bench:
    """What all parts need: sizes, the time that is left, and the fastest settings so far."""

    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.fastest, self.default = {}, {}  # by kind: stacks a second (and settings)
        self.deadline = time.monotonic() + 60 * arguments.minutes
        quick = arguments.quick
        self.size, self.batch_size = (32, 4) if quick else (256, 32)
        self.count, self.stacks = (16, 32) if quick else (640, STACKS)
        self.epochs = 2 if quick else 20
        self.models = {case: n for case, n in MODELS.items() if case[1] == "I4" or not quick}
        self.options = {"device": arguments.device, "threads": 1}
        self.options |= {"block": 2, "steps": 12} if quick else {"block": 20, "steps": 400}
        for kind in REWRITES:
            self.fastest[kind] = 0, arguments.compute

    def case(self, kind: str, frames: int, count: int | None = None) -> tuple:
        return kind, frames, self.size, self.batch_size, count or self.count

    def run(self, task: str, case: tuple = (), **options):
        """Return a task's result, or None (and say why) if it fails or the time is over."""
        try:
            left = self.deadline - time.monotonic()
            return run_task(task, case, TASKS, left, **self.options | options)[0]
        except (subprocess.TimeoutExpired, SystemExit) as error:
            over = isinstance(error, subprocess.TimeoutExpired)
            self.print(f"\n{task} {case}: {'the time is over' if over else str(error)[-800:]}\n")

    def print(self, text: str) -> None:
        print(text, flush=True)
        with open(self.arguments.output, "a", encoding="utf-8") as file:
            file.write(text + "\n")

    def print_cases(self, kind: str, cases: list[dict]) -> None:
        """Print a row for each of these settings of compute, and note the fastest."""
        frames = FRAMES["I4"]
        results = self.run("time_cases", self.case(kind, frames), cases=cases)
        for settings, (seconds, memory) in zip(cases, results or [], strict=results is not None):
            row = f"| {kind} I4, {self.size} | {describe(settings)} | "
            if isinstance(seconds, str):
                self.print(f"{row}{seconds} | | |")
                continue
            rate = self.batch_size / seconds
            self.default.setdefault(kind, rate)
            if rate > self.fastest[kind][0]:
                self.fastest[kind] = rate, settings
            peak = f"{memory / 1e9:.2f} GB" if memory else ""
            self.print(f"{row}{rate:.0f} | {rate / self.default[kind]:.2f} | {peak} |")


def measure_rewrites(bench: Bench) -> None:
    """Time each rewrite beside the default."""
    flop, moved = bench.run("measure_ceilings") or (0, 0)
    bench.print(f"{flop / 1e12:.3g} TFLOP/s, {moved / 1e12:.3g} TB/s\n")
    bench.default.clear()
    bench.print("| model | compute | stacks/s | / default | peak memory |\n|---|---|---|---|---|")
    for kind, cases in REWRITES.items():
        bench.print_cases(kind, [{}, *cases])
    bench.print_cases("autoencoder", FUSED_REWRITES)


def profile_kernels(bench: Bench) -> None:
    """List the kernels of a step, with the default and with the fastest settings."""
    for kind, (_, settings) in bench.fastest.items():
        for compute in [{}, settings] if settings else [{}]:
            rows = bench.run(
                "profile_steps", bench.case(kind, FRAMES["I4"]), compute=compute,
                profiled=max(bench.options["steps"] // 8, 2),
            ) or []  # fmt: skip
            bench.print(f"\n{kind} I4, {describe(compute)}, {sum(r[1] for r in rows):.3f} ms:\n")
            bench.print("| ms in a step | launches | kernel |\n|---|---|---|")
            for name, milliseconds, launches in rows[:15]:
                bench.print(f"| {milliseconds:.3f} | {launches:.0f} | `{name[:90]}` |")


def measure_epochs(bench: Bench) -> None:
    """Time whole epochs, and say how long the paper's experiment takes."""
    bench.print(f"\n| model | compute | stacks/s in {bench.epochs} epochs |\n|---|---|---|")
    hours = 0
    for (kind, name), number in bench.models.items():
        case, settings = bench.case(kind, FRAMES[name], bench.stacks), bench.fastest[kind][1]
        rate = bench.run("time_epochs", case, compute=settings, epochs=bench.epochs)
        hours += number * STACKS * EPOCHS[kind] / rate / 3600 if rate else float("nan")
        row = f"| {kind} {name}, {bench.size} | {describe(settings)} |"
        bench.print(f"{row} {rate:.0f} |" if rate else f"{row} |")
    bench.print(f"\nthe paper's 12 autoencoders and 24 regressors: {hours:.1f} h")


def measure_locations(bench: Bench) -> None:
    """Time the places where stacks may be kept."""
    bench.print("\n| data_location | stacks/s | / device |\n|---|---|---|")
    cases = [
        bench.fastest["autoencoder"][1] | {"data_location": place}
        for place in ("device", "host", "disk")
    ]
    results = bench.run("time_cases", bench.case("autoencoder", FRAMES["I4"]), cases=cases) or []
    for settings, (seconds, _) in zip(cases, results, strict=False):
        if isinstance(seconds, str):
            bench.print(f"| {settings['data_location']} | {seconds} | |")
        else:
            ratio = results[0][0] / seconds if not isinstance(results[0][0], str) else 0
            rate = bench.batch_size / seconds
            bench.print(f"| {settings['data_location']} | {rate:.0f} | {ratio:.2f} |")


def run_checks(bench: Bench) -> None:
    """Check that results are the same, and that too large a batch is halved."""
    settings = bench.fastest["autoencoder"][1]
    bench.print(f"\n{describe(settings)}:\n")
    checks = "determinism", "resuming", "data_locations", "out_of_memory"
    sizes = ["--size", str(bench.size), "--stacks", "40" if bench.arguments.quick else "256"]
    run_script(
        bench, "gpu_checks.py", *sizes, "--compute", json.dumps(settings), "--checks", *checks
    )


def measure_sharing(bench: Bench) -> None:
    """Time two ResNet-34s that share the GPU."""
    sizes = ["--size", str(bench.size), "--steps", str(bench.options["steps"])]
    shares = ["--shares", *map(str, SHARES), "--models", "regressor I4"]
    compute = ["--compute", json.dumps(bench.fastest["regressor"][1])]
    run_script(bench, "sharing.py", *sizes, *shares, *compute)


def measure_compiled(bench: Bench) -> None:
    """Time `compile: true`, which takes the longest to start."""
    bench.print("\n| model | compute | stacks/s | / default | peak memory |\n|---|---|---|---|---|")
    bench.default.clear()
    for kind, cases in COMPILED.items():
        bench.print_cases(kind, [{}, *cases])


def run_script(bench: Bench, name: str, *arguments: str) -> None:
    """Run another benchmark in the time that is left; print what it prints."""
    script, left = Path(__file__).with_name(name), bench.deadline - time.monotonic()
    command = [sys.executable, str(script), "--device", bench.arguments.device, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=left)
        bench.print(done.stdout + done.stderr[-800:])
    except subprocess.TimeoutExpired as error:
        bench.print(f"{(error.stdout or b'').decode()}{name}: the time is over")


def describe(settings: dict) -> str:
    """Return settings of compute in words, the default's without any."""
    parts = [f"{k}: {'+'.join(v) if isinstance(v, list) else v}" for k, v in settings.items()]
    return ", ".join(parts).replace("True", "true") or "default"


PARTS = {
    "rewrites": measure_rewrites, "profile": profile_kernels, "epochs": measure_epochs,
    "locations": measure_locations, "checks": run_checks, "sharing": measure_sharing,
    "compiled": measure_compiled,
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument("--minutes", type=float, default=7.5)
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--compute", type=json.loads, default={}, help="settings of later parts")
    parser.add_argument("--output", default="gpu_results.md")
    bench = Bench(arguments := parser.parse_args())
    on_gpu = arguments.device == "cuda"
    device = torch.cuda.get_device_name() if on_gpu else "CPU, which shows only that this runs"
    bench.print(f"{device}, torch {torch.__version__}, CUDA {torch.version.cuda}\n")
    for name in arguments.only:
        if time.monotonic() > bench.deadline:
            bench.print(f"not measured, the time is over: --only {name}")
            continue
        PARTS[name](bench)


if __name__ == "__main__":
    main()
