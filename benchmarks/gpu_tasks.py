"""Tasks of gpu.py, called as those of training_tasks.py."""

import math

import torch
import training_tasks
from training_tasks import main, run_pipeline

from motilens.core.text import describe_error
from motilens.training import trainer


def time_cases(case: tuple, options: dict) -> list[tuple]:
    """Return for each of `cases` (settings of compute) seconds of a step and peak memory.

    In place of the seconds stands why there are none.
    """
    results = []
    for settings in options["cases"]:
        reset_memory()
        try:
            seconds = run_pipeline(case, options | {"compute": share(settings)}).seconds()
        except Exception as error:  # the other cases are worth their time
            seconds = describe_error(error).splitlines()[0]
        results.append((seconds, measure_memory()))
    return results


def time_epochs(case: tuple, options: dict) -> float:
    """Return the stacks a second over all epochs but the first."""
    count, steps = case[4], math.ceil(case[4] / case[3])
    settings = {"compute": share(options["compute"]), "epochs": options["epochs"] + 1}
    clock = run_pipeline(case, options | settings | {"block": steps})
    clock.tick()  # the end of the last epoch
    return (len(clock.times) - 2) * count / (clock.times[-1] - clock.times[1])


def profile_steps(case: tuple, options: dict) -> list[tuple]:
    """Return name, milliseconds and launches in a step of each of the device's kernels.

    Of a CPU: of each operation.
    """
    train_step, steps, seen = trainer._Trainer._train_step, options["profiled"], 0
    on_gpu = options["device"] == "cuda"
    kinds = torch.profiler.ProfilerActivity
    profiler = torch.profiler.profile(activities=[kinds.CUDA if on_gpu else kinds.CPU])

    def profiled_step(self, batch):
        nonlocal seen
        seen += 1
        if seen == options["steps"] - steps:
            profiler.start()
        loss = train_step(self, batch)
        if seen == options["steps"] - 1:
            profiler.stop()
        return loss

    trainer._Trainer._train_step = profiled_step
    run_pipeline(case, options | {"compute": share(options["compute"])})
    rows = []
    for event in profiler.key_averages():
        microseconds = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        rows.append((event.key, microseconds / 1000 / steps, event.count / steps))
    return sorted(rows, key=lambda row: -row[1])


def share(settings: dict) -> dict:
    """Return settings with which one process may set up several trainings, one after the other."""
    return {"jobs_per_gpu": 64} | settings


def reset_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def measure_memory() -> int | None:
    """Return the most bytes that the GPU's memory had."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


if __name__ == "__main__":
    main(vars(training_tasks) | globals())
