"""Parts of PyTorch that a training does not need to load."""

import sys
import types

import torch

TRIED = "2.15."  # the releases of PyTorch that this was tried with
_utils = types.ModuleType("torch._dynamo.utils")
_utils.is_compile_supported = lambda device: False
_dynamo = types.ModuleType("torch._dynamo")
_dynamo.utils = _utils
_dynamo.disable = lambda function, *args, **kwargs: function
_dynamo.graph_break = lambda: None


def without_compiler() -> None:
    """Keep PyTorch's compiler out of a process that compiles nothing.

    Optimisers and torchvision import it only to say that it shall leave them alone: 1.3 of the
    3 s before a training's first step (benchmarks/README.md). They get a stand-in, which knows
    just that. With another PyTorch, or where the compiler is already here, nothing is done.
    """
    if torch.__version__.startswith(TRIED) and "torch._dynamo" not in sys.modules:
        sys.modules |= {"torch._dynamo": _dynamo, "torch._dynamo.utils": _utils}
        torch._dynamo = _dynamo


def with_compiler() -> None:
    """Take the stand-in away again, for what does compile."""
    if sys.modules.get("torch._dynamo") is _dynamo:
        del sys.modules["torch._dynamo"], sys.modules["torch._dynamo.utils"], torch._dynamo
