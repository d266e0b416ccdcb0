"""Stacks of frames where training can reach them: on the device, in memory or on disk.

They stay uint8, a quarter of float32, until their batch is on the device.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from motilens.clips.hdf5 import common_frame_size, memmap_clips, read_clips_shape, read_stacks
from motilens.compute.device import ComputeSettings
from motilens.core.errors import InputError


def gray_level_statistics(counts: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of grey levels, in units of white (255).

    Args:
        counts: of pixels with each level, (256,).

    Raises:
        InputError: there is nothing to see, all pixels are alike.
    """
    levels, share = np.arange(256) / 255, counts / counts.sum()
    mean = (share * levels).sum()
    deviation = np.sqrt((share * (levels - mean) ** 2).sum())
    if deviation == 0:
        raise InputError("all pixels of all training frames are alike: look at the videos")
    return float(mean), float(deviation)


MAX_MEMORY_SHARE = 0.6  # of what is free, for all stacks: networks and their batches need the rest
PREFETCH_BATCHES = 2  # batches that are read from disk while another is trained on


class StackDataset:
    """uint8 stacks (n, frames, height, width), given out in batches on the device.

    Args:
        whole: all of them, on the device or in the computer's memory.
        performance: see `performance.prepare`.
    """

    def __init__(self, whole: torch.Tensor, performance: ComputeSettings):
        self.whole, self.device = whole, performance.device

    def __len__(self) -> int:
        return len(self.whole)

    def batch(self, indices: torch.Tensor) -> torch.Tensor:
        """The stacks of these indices, int64 (batch,), on the device."""
        if self.whole.device.type == self.device.type:
            return self.whole.index_select(0, indices.to(self.whole.device))
        # In pinned memory the copy goes on while the device computes.
        chosen = _empty_batch((len(indices), *self.whole.shape[1:]), self.device)
        torch.index_select(self.whole, 0, indices, out=chosen)
        return chosen.to(self.device, non_blocking=True)

    def stream(self, batches: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        """`batch` of each of these indices in turn."""
        return map(self.batch, batches)

    def grey_levels(self) -> np.ndarray:
        """How many pixels have each of the 256 grey levels, int64 (256,)."""
        counts = torch.zeros(256, dtype=torch.int64)
        for part in self.stream(torch.arange(len(self)).split(32)):
            counts += torch.bincount(part.flatten(), minlength=256).cpu()
        return counts.numpy()


class MemmapStackDataset(StackDataset):
    """The same, for stacks that fit nowhere else: read from their files a few batches ahead.

    Threads, not processes: the files are mapped into memory, and copying from there does not hold
    Python's lock. Processes would have to hand each batch over, and a SIGTERM would end them first.
    """

    def __init__(self, files: list[np.ndarray], frames: int, performance: ComputeSettings):
        self.device, self.frames, self.files = performance.device, frames, files
        self.places = [(file, clip) for file in files for clip in range(len(file))]

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, indices: torch.Tensor) -> torch.Tensor:
        return self._read(indices).to(self.device, non_blocking=True)

    def stream(self, batches: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        waiting, ahead = deque(batches), deque()
        with ThreadPoolExecutor(PREFETCH_BATCHES) as readers:
            try:
                while waiting or ahead:
                    while waiting and len(ahead) <= PREFETCH_BATCHES:
                        ahead.append(readers.submit(self._read, waiting.popleft()))
                    yield ahead.popleft().result().to(self.device, non_blocking=True)
            finally:  # whoever asked may have had enough
                for reading in ahead:
                    reading.cancel()

    def _read(self, indices: torch.Tensor) -> torch.Tensor:
        chosen = _empty_batch((len(indices), self.frames, *self.files[0].shape[2:]), self.device)
        for row, index in zip(chosen.numpy(), indices.tolist(), strict=True):
            file, clip = self.places[index]
            np.copyto(row, file[clip, : self.frames])
        return chosen


def stacks_from_array(array: np.ndarray, performance: ComputeSettings) -> StackDataset:
    """Stacks that are at hand, uint8 (n, frames, height, width)."""
    return StackDataset(
        torch.from_numpy(np.ascontiguousarray(array)).to(performance.device), performance
    )


def load_stacks(
    files: dict[str, str], frames: int, performance: ComputeSettings, log: Callable = print
) -> tuple[StackDataset, list[tuple[str, int]]]:
    """The first `frames` frames of all clips in files of frames; each file's digest is checked.

    Args:
        files: by sample.
        log: is told where they lie.

    Returns:
        The stacks, and of each its sample and its number there.

    Raises:
        InputError: a file cannot be read, is damaged, or its clips are of another size.
    """
    shapes = {sample: read_clips_shape(path) for sample, path in files.items()}
    keys = [(sample, number) for sample, shape in shapes.items() for number in range(shape[0])]
    size = common_frame_size(files.values(), frames)
    shape = (len(keys), frames, *size)
    place = _choose_location(int(np.prod(shape)), performance)
    each = " x ".join(map(str, shape[1:]))
    where = {"disk": "on disk"}.get(place, "in memory")
    if place == "device" and not performance.on_cpu:
        where = f"on the {performance.device.type} device"
    log(f"{len(keys)} stacks of {each}, {np.prod(shape) / 1e6:.1f} MB: {where}")
    if place == "disk":
        for path in files.values():
            read_stacks(path, frames)  # for its digest
        mapped = [memmap_clips(path) for path in files.values()]
        return MemmapStackDataset(mapped, frames, performance), keys
    device = performance.device if place == "device" else "cpu"
    whole, start = torch.empty(shape, dtype=torch.uint8, device=device), 0
    for path in files.values():  # one at a time: the computer's memory may hold less than the GPU's
        part = torch.from_numpy(read_stacks(path, frames))
        whole[start : start + len(part)] = part
        start += len(part)
    return StackDataset(whole, performance), keys


def _choose_location(size: int, performance: ComputeSettings) -> str:
    """device, host or disk: the fastest that has room, unless the configuration says which."""
    if performance.data != "auto":
        return performance.data
    if performance.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(performance.device)
        if size <= MAX_MEMORY_SHARE * free:
            return "device"
    if size <= MAX_MEMORY_SHARE * _available_memory():
        return "device" if performance.on_cpu else "host"
    return "disk"


def _available_memory() -> int:
    """Bytes that the computer can still give."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("MemAv")) * 1024
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _empty_batch(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.uint8, pin_memory=device.type == "cuda")
