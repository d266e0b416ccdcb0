"""What jobs need of a machine: memory, time, GPUs."""

from collections.abc import Callable

from motilens.compute.gpu_lease import list_visible_gpus
from motilens.compute.slurm import cluster_has_gpus

BASE_MEMORY = 3e9  # bytes: Python, Snakemake, PyTorch, on a GPU CUDA's libraries
PIXEL_MEMORY = 1500  # bytes of activations for a pixel of a batch's frames (benchmarks/README.md)
MAX_MINUTES = 1440  # that a job asks for; a training that needs longer resumes in the next job


def job_resources(memory_mb: int | Callable, minutes: int, gpu: bool = False) -> dict:
    """Return the resources of a rule (memory may depend on wildcards); each retry asks for more."""

    def mem_mb(wildcards, attempt):
        return attempt * (memory_mb(wildcards) if callable(memory_mb) else memory_mb)

    def runtime(wildcards, attempt):
        return min(attempt * minutes, MAX_MINUTES)

    # One at a time of what runs in the same job: see rules/resources.smk.
    return {"mem_mb": mem_mb, "runtime": runtime, "in_turn": 1} | ({"gpu": 1} if gpu else {})


def training_memory_mb(stacks: int, frames: int, size: int, batch_size: int) -> int:
    """Return the megabytes that a training needs if it holds its stacks (uint8) in memory.

    Args:
        stacks: how many it trains on and predicts.
        size: height and width in pixels.
    """
    pixels = size**2
    data, activations = 1.1 * stacks * frames * pixels, PIXEL_MEMORY * batch_size * pixels
    return int((BASE_MEMORY + data + activations) / 1e6)


def count_gpus(device: str, on_cluster: bool) -> int:
    """Return how many GPUs there are for trainings: here, or on a cluster at least one."""
    if device == "cpu":
        return 0
    if on_cluster:
        return int(device != "auto" or cluster_has_gpus())
    return len(list_visible_gpus()) or int(device != "auto")
