"""Copies to a GPU that wait neither for its work nor let it wait."""

from collections.abc import Iterable, Iterator

import torch


def send_to(device: torch.device, tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor on a device; the program goes on before a GPU has it.

    A copy from memory that is not pinned would wait until the GPU has done all its work.
    """
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def send_ahead(device: torch.device, batches: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
    """Yield batches on a device; a GPU copies each while it computes with the one before."""
    if device.type != "cuda":
        for batch in batches:
            yield batch.to(device)
        return
    stream, waiting = torch.cuda.Stream(device), None
    for batch in batches:
        with torch.cuda.stream(stream):
            sent = send_to(device, batch)
            following = sent, stream.record_event()
        if waiting:
            yield _receive(*waiting)
        waiting = following
    if waiting:
        yield _receive(*waiting)


def _receive(batch: torch.Tensor, copied: torch.cuda.Event) -> torch.Tensor:
    current = torch.cuda.current_stream()
    current.wait_event(copied)
    batch.record_stream(current)  # or its memory would be used again too early
    return batch
