"""What a training needs of a machine, as far as it can be known before it begins."""

BASE = 3e9  # bytes: Python, Snakemake, PyTorch, on a GPU CUDA's libraries
PIXEL = 1500  # bytes of activations for each pixel of a batch's frames (benchmarks/README.md)


def training_memory_mb(stacks: int, frames: int, size: int, batch: int) -> int:
    """Megabytes of memory for a training that keeps its stacks there.

    Args:
        stacks: how many it trains on and predicts.
        frames: of each, uint8.
        size: height and width in pixels.
        batch: stacks in a step.
    """
    return int((BASE + 1.1 * stacks * frames * size**2 + PIXEL * batch * size**2) / 1e6)
