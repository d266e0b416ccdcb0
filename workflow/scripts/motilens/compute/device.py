"""How the arithmetic is done, not what is learned: device, precision, memory layout.

Nothing here is a reason to train again: it changes results by rounding (a test bounds by how much;
bfloat16 rounds most), or what batch normalization sees at a time (micro_batch). run.json beside
each model says what was in force.
"""

import ctypes
import logging
import os
import platform
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from motilens.compute.fast_layers import to_fast
from motilens.compute.gpu_lease import acquire_gpu
from motilens.compute.step_graph import StepGraph
from motilens.core.errors import InputError

logger = logging.getLogger(__name__)

COMPUTE_DEFAULTS = {
    "device": "auto", "threads": 1, "precision": "auto", "tf32": True, "deterministic": False,
    "channels_last": "auto", "compile": False, "fast_layers": [], "cuda_graph": False,
    "data_location": "auto", "micro_batch": None, "checkpoint_minutes": 2, "jobs_per_gpu": 1,
}  # fmt: skip


class ChannelsLastPreference(NamedTuple):
    """Whether a kind of network is faster in channels_last, on the CPU and elsewhere (measured)."""

    cpu: bool
    gpu: bool


@dataclass(frozen=True)
class ComputeSettings:
    """What `setup_compute` has decided.

    Args:
        precision: of the forward pass in training.
        channels_last: memory layout; None: where it is faster.
        fast_layers: rewrites of the network in training, see `fast_layers.REWRITES`.
        data_location: where stacks are kept ("auto", "device", "host" or "disk").
        micro_batch: stacks at a time, if less than a batch.
    """

    device: torch.device
    precision: torch.dtype
    channels_last: bool | None
    compile: bool
    fast_layers: tuple[str, ...]
    cuda_graph: bool
    data_location: str
    micro_batch: int | None
    checkpoint_minutes: float

    @property
    def on_cpu(self) -> bool:
        """Return whether the device is a CPU."""
        return self.device.type == "cpu"

    @property
    def fused_optimizer(self) -> bool:
        """Return whether the optimizer is fused: on a CPU 1.1 to 1.2 times as fast (ResNet-34)."""
        return self.device.type in ("cpu", "cuda", "mps")

    def autocast(self) -> torch.autocast:
        """Return the context of the forward pass and the loss of training."""
        enabled = self.precision != torch.float32
        return torch.autocast(self.device.type, self.precision, enabled=enabled)

    def to_device(self, model: nn.Module, preference: ChannelsLastPreference) -> nn.Module:
        """Move a model to the device, in the layout that is fastest there."""
        preferred = preference.cpu if self.on_cpu else preference.gpu
        last = preferred if self.channels_last is None else self.channels_last
        if any(parameter.dim() > 4 for parameter in model.parameters()):
            last = False  # PyTorch refuses it for weights of videos
        form = torch.channels_last if last else torch.contiguous_format
        return model.to(self.device, memory_format=form)

    def to_fast(self, model: nn.Module) -> nn.Module:
        """Return the model as training calls it; its parameters are the same tensors."""
        return to_fast(model, self.fast_layers) if self.fast_layers else model

    def maybe_compile(self, loss: Callable) -> Callable:
        """Return the loss of a network and a batch, compiled if that is wanted.

        What lies between the gray levels and the first layer, and between the last layer and the
        loss, then takes one pass each: no batch is in memory as float32.
        """
        if not self.compile:
            return loss
        torch.compiler.reset()  # or the last of many attempts would not be compiled
        mode = "default"
        if not self.on_cpu:
            mode = "max-autotune-no-cudagraphs" if self.cuda_graph else "reduce-overhead"
        # Otherwise a second size of batches would be compiled for any size, which is slower.
        return torch.compile(loss, mode=mode, dynamic=False)

    def maybe_graph(self, compute_gradients: Callable, parameters: Sequence) -> Callable:
        """Return what computes gradients as a StepGraph, if that is wanted."""
        return StepGraph(compute_gradients, parameters) if self.cuda_graph else compute_gradients

    def describe(self) -> dict:
        """Return plain values for people."""
        gpu = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else None
        return {
            "device": gpu or self.device.type,
            "precision": str(self.precision).removeprefix("torch."),
            "compile": self.compile,
            "fast_layers": list(self.fast_layers),
            "channels_last": "auto" if self.channels_last is None else self.channels_last,
            "tf32": torch.backends.cudnn.allow_tf32,
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # bytes
            "peak_memory_gpu": torch.cuda.max_memory_allocated(self.device) if gpu else None,
        }


def setup_compute(settings: dict | None = None, threads: int | None = None) -> ComputeSettings:
    """Set PyTorch up for this process; call it before the first tensor is made.

    Args:
        settings: the section `compute` of a configuration; what is left out has COMPUTE_DEFAULTS.
        threads: of the CPU, if others than in `settings`.

    Raises:
        InputError: the wanted device or precision is not available.
    """
    chosen = COMPUTE_DEFAULTS | (settings or {})
    keep_freed_memory()
    torch.set_num_threads(threads or chosen["threads"])
    device = _choose_device(chosen["device"], chosen["jobs_per_gpu"])
    deterministic = chosen["deterministic"]
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if deterministic or torch.are_deterministic_algorithms_enabled():  # imports the compiler: 1.4 s
        torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = chosen["tf32"]
    if chosen["cuda_graph"] and device.type != "cuda":
        raise InputError(f"compute.cuda_graph: true needs a GPU of NVIDIA, not {device.type}")
    if "fused" in chosen["fast_layers"] and device.type != "cuda":
        raise InputError(f"compute.fast_layers: fused needs a GPU of NVIDIA, not {device.type}")
    as_chosen = ("compile", "cuda_graph", "data_location", "micro_batch", "checkpoint_minutes")
    return ComputeSettings(
        device=device,
        precision=_choose_precision(chosen["precision"], device),
        channels_last=None if chosen["channels_last"] == "auto" else chosen["channels_last"],
        fast_layers=tuple(chosen["fast_layers"]),
        **{name: chosen[name] for name in as_chosen},
    )


def _choose_device(wanted: str, jobs_per_gpu: int) -> torch.device:
    if wanted == "cpu":
        return torch.device("cpu")
    version = f"PyTorch {torch.__version__}"
    gpu = acquire_gpu(jobs_per_gpu)  # before PyTorch looks for GPUs
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    if gpu and device.type == "cpu" and wanted == "auto":
        logger.warning(f"{gpu} is a GPU, but {version} cannot use it: training on the CPU")
    if wanted in ("auto", device.type):
        return device
    raise InputError(
        f"compute.device: {wanted}, but {version} finds none here (it finds {device.type}): "
        "check the driver and CUDA_VISIBLE_DEVICES, or set it to auto"
    )


def _choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if wanted == "bfloat16" and device.type == "cuda" and not has_bfloat16:
        raise InputError(
            f"compute.precision: bfloat16, which {torch.cuda.get_device_name(device)} does not "
            "have: set it to auto"
        )
    uses_bfloat16 = has_bfloat16 if wanted == "auto" else wanted == "bfloat16"
    return torch.bfloat16 if uses_bfloat16 else torch.float32


def keep_freed_memory() -> bool:
    """Have glibc keep freed memory for the next step, rather than return it and ask again.

    Its page faults are up to half of an autoencoder's step on a CPU (benchmarks/README.md). The
    same bits; at most 18 % more memory at the peak. Return whether this C library can do that.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # malloc.h
    return all((mallopt(mmap_max, 0), mallopt(trim_threshold, 2**31 - 1), mallopt(top_pad, 2**29)))
