"""Stacks of frames where training can reach them: on the device, in memory or on disk.

They stay uint8, a quarter of float32, until their batch is on the device.
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import nn

from motilens.clips.hdf5 import common_frame_size, memmap_clips, read_clips_shape, read_stacks
from motilens.compute.device import ComputeSettings
from motilens.compute.transfers import send_ahead, send_to
from motilens.core.errors import InputError
from motilens.models.transforms import stacks_to_input

MAX_MEMORY_SHARE = 0.6  # of the free memory, for all stacks: networks need the rest
INFERENCE_BATCH = 32  # stacks
PREFETCH_BATCHES = 2  # that threads read while another is trained on
PREFETCH_BATCHES_GPU = 8  # which trains on several while a thread reads one
logger = logging.getLogger(__name__)


class StackDataset:
    """uint8 stacks (n, frames, height, width), yielded in batches on the device.

    All of them are on the device or in the computer's memory.
    """

    def __init__(self, stacks: torch.Tensor, compute: ComputeSettings):
        self.stacks, self.device = stacks, compute.device

    def __len__(self) -> int:
        return len(self.stacks)

    @property
    def is_on_device(self) -> bool:
        """Return whether batches need not be copied to the device."""
        return self.stacks.device.type == self.device.type

    def get_batch(self, indices: torch.Tensor) -> torch.Tensor:
        """Return the stacks of these indices, int64 (batch,), on the device."""
        if self.is_on_device:
            return self.stacks.index_select(0, send_to(self.stacks.device, indices))
        return send_to(self.device, self._read(indices))

    def iter_batches(self, batches: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Yield `get_batch` of each of these indices in turn."""
        if self.is_on_device:
            return map(self.get_batch, batches)
        return send_ahead(self.device, self._read_ahead(batches))

    def _read_ahead(self, batches: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Yield batches in the computer's memory; threads read some while one is trained on.

        Threads, not processes: copying does not hold Python's lock. Processes would have to hand
        each batch over, and a SIGTERM would end them first.
        """
        count = PREFETCH_BATCHES if self.device.type == "cpu" else PREFETCH_BATCHES_GPU
        waiting, pending, readers = deque(batches), deque(), ThreadPoolExecutor(count)
        try:
            while waiting or pending:
                while waiting and len(pending) <= count:
                    pending.append(readers.submit(self._read, waiting.popleft()))
                yield pending.popleft().result()
        finally:
            readers.shutdown(cancel_futures=True)  # the consumer may have stopped early

    def _read(self, indices: torch.Tensor) -> torch.Tensor:
        batch = _empty_batch((len(indices), *self.stacks.shape[1:]), self.device)
        return torch.index_select(self.stacks, 0, indices, out=batch)

    def iter_all(self) -> Iterator[torch.Tensor]:
        """Yield all stacks in order, a few at a time."""
        return self.iter_batches(torch.arange(len(self)).split(INFERENCE_BATCH))

    def gray_level_histogram(self) -> np.ndarray:
        """Return how many pixels have each of the 256 gray levels, int64 (256,)."""
        counts = torch.zeros(256, dtype=torch.int64)
        for batch in self.iter_all():
            counts += torch.bincount(batch.flatten(), minlength=256).cpu()
        return counts.numpy()


class MemmapStackDataset(StackDataset):
    """Stacks that fit nowhere else: read from their files, which are mapped into memory.

    Each file has clips, uint8 (clips, frames, height, width); a stack is the first frames of one.
    """

    is_on_device = False

    def __init__(self, files: list[np.ndarray], frames: int, compute: ComputeSettings):
        self.device, self.frames, self.files = compute.device, frames, files
        self.places = [(file, clip) for file in files for clip in range(len(file))]

    def __len__(self) -> int:
        return len(self.places)

    def _read(self, indices: torch.Tensor) -> torch.Tensor:
        batch = _empty_batch((len(indices), self.frames, *self.files[0].shape[2:]), self.device)
        for row, index in zip(batch.numpy(), indices.tolist(), strict=True):
            file, clip = self.places[index]
            np.copyto(row, file[clip, : self.frames])
        return batch


def stacks_from_array(array: np.ndarray, compute: ComputeSettings) -> StackDataset:
    """Return stacks of an array, uint8 (n, frames, height, width), on the device."""
    return StackDataset(torch.from_numpy(np.ascontiguousarray(array)).to(compute.device), compute)


@torch.no_grad()
def apply_in_batches(model: nn.Module, network: Callable, stacks: StackDataset) -> np.ndarray:
    """Apply a model, or a part of it, to all stacks, in evaluation mode."""
    model.to(stacks.device).eval()
    outputs = [network(stacks_to_input(batch, model.repeats)).cpu() for batch in stacks.iter_all()]
    return torch.cat(outputs).numpy()


def load_stacks(
    files: dict[str, str], frames: int, compute: ComputeSettings
) -> tuple[StackDataset, list[tuple[str, int]]]:
    """Load the first frames of all clips in files by sample; the digest of each file is checked.

    Return the stacks, and for each its sample and its number there.

    Raises:
        InputError: a file cannot be read, is damaged, or its clips have another size.
    """
    shapes = {sample: read_clips_shape(path) for sample, path in files.items()}
    keys = [(sample, number) for sample, shape in shapes.items() for number in range(shape[0])]
    shape = (len(keys), frames, *common_frame_size(files.values(), frames))
    location = _choose_location(int(np.prod(shape)), compute)
    place = {"disk": "on disk"}.get(location, "in memory")
    if location == "device" and not compute.on_cpu:
        place = f"on the {compute.device.type} device"
    size = " x ".join(map(str, shape[1:]))
    logger.info(f"{len(keys)} stacks of {size}, {np.prod(shape) / 1e6:.1f} MB: {place}")
    if location == "disk":
        for path in files.values():
            read_stacks(path, frames)  # for its digest
        memmaps = [memmap_clips(path) for path in files.values()]
        return MemmapStackDataset(memmaps, frames, compute), keys
    device = compute.device if location == "device" else "cpu"
    stacks, start = torch.empty(shape, dtype=torch.uint8, device=device), 0
    for path in files.values():  # one at a time: the computer's memory may hold less than the GPU's
        part = torch.from_numpy(read_stacks(path, frames))
        stacks[start : start + len(part)] = part
        start += len(part)
    return StackDataset(stacks, compute), keys


def gray_level_statistics(counts: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of gray levels, in units of white (255), from a histogram.

    Raises:
        InputError: all pixels are alike.
    """
    levels, share = np.arange(256) / 255, counts / counts.sum()
    mean = (share * levels).sum()
    deviation = np.sqrt((share * (levels - mean) ** 2).sum())
    if deviation == 0:
        raise InputError("all pixels of all training frames are alike: look at the videos")
    return float(mean), float(deviation)


def _choose_location(size: int, compute: ComputeSettings) -> str:
    """Return device, host or disk: the fastest that has room, unless the settings say which."""
    if compute.data_location != "auto":
        return compute.data_location
    if compute.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(compute.device)
        if size <= MAX_MEMORY_SHARE * free:
            return "device"
    if size <= MAX_MEMORY_SHARE * _available_memory():
        return "device" if compute.on_cpu else "host"
    return "disk"


def _available_memory() -> int:
    """Return the bytes that the computer can still give."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("MemAv")) * 1024
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _empty_batch(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.uint8, pin_memory=device.type == "cuda")
