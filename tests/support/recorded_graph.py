"""A stand-in for CUDA graphs on the CPU: it records a step's operations and replays those alone.

What Python computed while they were recorded stays as it was, as in a graph on a GPU. Unlike that,
recording computes.
"""

import contextlib

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map


class RecordedGraph(TorchDispatchMode):
    """Records operations between `__enter__` and `__exit__`."""

    def __init__(self):
        super().__init__()
        self.operations, self.replays = [], 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        self.operations.append((function, arguments, options or {}, result))
        return result

    def replay(self):
        self.replays += 1
        for function, arguments, options, recorded in self.operations:
            result = function(*arguments, **options)

            def write(old, new):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)

            with torch.no_grad():
                if isinstance(recorded, torch.Tensor):
                    write(recorded, result)
                elif isinstance(recorded, tuple | list):
                    tree_map(write, list(recorded), list(result))


class NoStream:
    def wait_stream(self, other):
        pass


def replace_cuda_graphs(monkeypatch) -> list[RecordedGraph]:
    """Let StepGraph work on the CPU; return the graphs that it will record."""
    graphs = []

    def make_graph():
        graphs.append(RecordedGraph())
        return graphs[-1]

    monkeypatch.setattr(torch.cuda, "CUDAGraph", make_graph)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph, **options: graph)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
    monkeypatch.setattr(torch.cuda, "Stream", NoStream)
    monkeypatch.setattr(torch.cuda, "current_stream", NoStream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    return graphs
