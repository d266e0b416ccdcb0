"""A training step's gradients as a CUDA graph: hundreds of launches become one."""

from collections import Counter
from collections.abc import Callable, Sequence

import torch

WARM_UP_STEPS = 3  # in which libraries choose their algorithms and take memory of their own


class StepGraph:
    """Compute loss and gradients of batches as a function does, by one graph for each shape.

    The first steps of a shape run as they are. Then the next is recorded, which computes nothing,
    and from there on it is replayed with other numbers in the same memory.

    Args:
        compute_gradients: takes a batch, tensors on a CUDA device, sets the gradients of
            `parameters` again and returns the loss. Each call with a shape must do the same
            operations, and nothing outside of the device but draw PyTorch's random numbers.
    """

    def __init__(
        self,
        compute_gradients: Callable[[tuple[torch.Tensor, ...]], torch.Tensor],
        parameters: Sequence[torch.nn.Parameter],
    ):
        self.compute_gradients, self.parameters = compute_gradients, parameters
        self.stream = torch.cuda.Stream()
        self.clear()

    def clear(self) -> None:
        """Forget all graphs, and give their memory back."""
        self.steps, self.recordings = Counter(), {}
        self.pool = torch.cuda.graph_pool_handle()  # an old one ends with its last graph

    def __call__(self, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Set the gradients of all parameters for a batch; return its loss."""
        shapes = tuple(tensor.shape for tensor in batch)
        if self.steps[shapes] < WARM_UP_STEPS:
            self.steps[shapes] += 1
            return self._run_beside(batch)
        if shapes not in self.recordings:
            self.recordings[shapes] = self._record(batch)
        graph, inputs, loss, gradients = self.recordings[shapes]
        for place, tensor in zip(inputs, batch, strict=True):
            place.copy_(tensor)
        graph.replay()
        # Each graph writes to gradients of its own.
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        return loss

    def _run_beside(self, batch):
        """Run a step on the stream that records later, as CUDA's libraries want it."""
        current = torch.cuda.current_stream()
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            loss = self.compute_gradients(batch)
        current.wait_stream(self.stream)
        return loss

    def _record(self, batch):
        graph, inputs = torch.cuda.CUDAGraph(), tuple(tensor.clone() for tensor in batch)
        # Thread-local: threads that read stacks ahead may take pinned memory meanwhile. One pool:
        # only one graph runs at a time, and what one leaves is used before the next.
        with torch.cuda.graph(
            graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"
        ):
            loss = self.compute_gradients(inputs)
        return graph, inputs, loss, [parameter.grad for parameter in self.parameters]
