"""Stacks of frames where training can reach them: the same numbers wherever they lie.

They stay uint8, a quarter of float32, until their batch is on the device.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from motilens import stacks
from motilens.performance import Performance

SHARE = 0.6  # of what is free, for all stacks: networks and their batches need the rest
AHEAD = 2  # batches that are read from disk while another is trained on


class Stacks:
    """uint8 stacks (n, frames, height, width), given out in batches on the device.

    Args:
        whole: all of them, on the device or in the computer's memory.
        performance: see `performance.prepare`.
    """

    def __init__(self, whole: torch.Tensor, performance: Performance):
        self.whole, self.device = whole, performance.device

    def __len__(self) -> int:
        return len(self.whole)

    def batch(self, indices: torch.Tensor) -> torch.Tensor:
        """The stacks of these indices, int64 (batch,), on the device."""
        if self.whole.device.type == self.device.type:
            return self.whole.index_select(0, indices.to(self.whole.device))
        # In pinned memory the copy goes on while the device computes.
        chosen = _buffer((len(indices), *self.whole.shape[1:]), self.device)
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


class OnDisk(Stacks):
    """The same, for stacks that fit nowhere else: read from their files a few batches ahead.

    Threads, not processes: the files are mapped into memory, and copying from there does not hold
    Python's lock. Processes would have to hand each batch over, and a SIGTERM would end them first.
    """

    def __init__(self, files: list[np.ndarray], frames: int, performance: Performance):
        self.device, self.frames, self.files = performance.device, frames, files
        self.places = [(file, clip) for file in files for clip in range(len(file))]

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, indices: torch.Tensor) -> torch.Tensor:
        return self._read(indices).to(self.device, non_blocking=True)

    def stream(self, batches: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        waiting, ahead = deque(batches), deque()
        with ThreadPoolExecutor(AHEAD) as readers:
            try:
                while waiting or ahead:
                    while waiting and len(ahead) <= AHEAD:
                        ahead.append(readers.submit(self._read, waiting.popleft()))
                    yield ahead.popleft().result().to(self.device, non_blocking=True)
            finally:  # whoever asked may have had enough
                for reading in ahead:
                    reading.cancel()

    def _read(self, indices: torch.Tensor) -> torch.Tensor:
        chosen = _buffer((len(indices), self.frames, *self.files[0].shape[2:]), self.device)
        for row, index in zip(chosen.numpy(), indices.tolist(), strict=True):
            file, clip = self.places[index]
            np.copyto(row, file[clip, : self.frames])
        return chosen


def in_memory(array: np.ndarray, performance: Performance) -> Stacks:
    """Stacks that are at hand, uint8 (n, frames, height, width)."""
    return Stacks(torch.from_numpy(np.ascontiguousarray(array)).to(performance.device), performance)


def from_files(
    files: dict[str, str], frames: int, performance: Performance, log: Callable = print
) -> tuple[Stacks, list[tuple[str, int]]]:
    """The first `frames` frames of all clips in files of frames; each file's digest is checked.

    Args:
        files: by sample.
        log: is told where they lie.

    Returns:
        The stacks, and of each its sample and its number there.

    Raises:
        InputError: a file cannot be read, is damaged, or its clips are of another size.
    """
    shapes = {sample: stacks.clips_shape(path) for sample, path in files.items()}
    keys = [(sample, number) for sample, shape in shapes.items() for number in range(shape[0])]
    size = stacks.common_size(files.values(), frames)
    shape = (len(keys), frames, *size)
    place = _place(int(np.prod(shape)), performance)
    each = " x ".join(map(str, shape[1:]))
    where = {"disk": "on disk"}.get(place, "in memory")
    if place == "device" and not performance.on_cpu:
        where = f"on the {performance.device.type} device"
    log(f"{len(keys)} stacks of {each}, {np.prod(shape) / 1e6:.1f} MB: {where}")
    if place == "disk":
        for path in files.values():
            stacks.read_stacks(path, frames)  # for its digest
        mapped = [stacks.mapped(path) for path in files.values()]
        return OnDisk(mapped, frames, performance), keys
    device = performance.device if place == "device" else "cpu"
    whole, start = torch.empty(shape, dtype=torch.uint8, device=device), 0
    for path in files.values():  # one at a time: the computer's memory may hold less than the GPU's
        part = torch.from_numpy(stacks.read_stacks(path, frames))
        whole[start : start + len(part)] = part
        start += len(part)
    return Stacks(whole, performance), keys


def _place(size: int, performance: Performance) -> str:
    """device, host or disk: the fastest that has room, unless the configuration says which."""
    if performance.data != "auto":
        return performance.data
    if performance.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(performance.device)
        if size <= SHARE * free:
            return "device"
    if size <= SHARE * _available_memory():
        return "device" if performance.on_cpu else "host"
    return "disk"


def _available_memory() -> int:
    """Bytes that the computer can still give."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("MemAv")) * 1024
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _buffer(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.uint8, pin_memory=device.type == "cuda")
