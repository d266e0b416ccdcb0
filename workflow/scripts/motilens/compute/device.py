"""How the arithmetic is done, not what is learned: device, precision, memory layout.

Nothing here is a reason to train again: it changes results by rounding (a test bounds by how much;
bfloat16 rounds most), or what batch normalization sees at a time (micro_batch). run.json beside
each model says what was in force.
"""

import ctypes
import os
import platform
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from motilens.compute.gpu_lease import acquire_gpu
from motilens.compute.torch_startup import with_compiler, without_compiler
from motilens.core.errors import InputError
from motilens.pipeline.job import tell, warn

COMPUTE_DEFAULTS = {
    "device": "auto", "threads": 1, "precision": "auto", "tf32": True, "deterministic": False,
    "channels_last": "auto", "compile": False, "data": "auto", "micro_batch": None,
    "save_minutes": 2, "trainings_per_gpu": 1,
}  # fmt: skip


class ChannelsLastPreference(NamedTuple):
    """Whether a kind of network gains by channels_last, on the CPU and elsewhere (measured)."""

    cpu: bool
    gpu: bool


@dataclass(frozen=True)
class ComputeSettings:
    """What `prepare` has decided."""

    device: torch.device
    precision: torch.dtype
    channels_last: bool | None  # None: where it gains
    compile: bool
    data: str
    micro_batch: int | None
    save_minutes: float
    threads: int

    @property
    def on_cpu(self) -> bool:
        return self.device.type == "cpu"

    def autocast(self) -> torch.autocast:
        """Half precision where it is wanted, for the forward pass and the loss of training."""
        enabled = self.precision != torch.float32
        return torch.autocast(self.device.type, self.precision, enabled=enabled)

    def place(self, model: nn.Module, layout: ChannelsLastPreference) -> nn.Module:
        """`model` on the device, in the layout that is fastest there."""
        last = self.channels_last
        if last is None:
            last = layout.cpu if self.on_cpu else layout.gpu
        form = torch.channels_last if last else torch.contiguous_format
        return model.to(self.device, memory_format=form)

    def compiled(self, model: nn.Module) -> nn.Module:
        """`model` as the training loop calls it; its parameters are the same tensors."""
        if not self.compile:
            return model
        # Whole steps of the autoencoder are some 43 small operations: on a GPU their launches
        # are what is saved, by CUDA graphs.
        return torch.compile(model, mode="default" if self.on_cpu else "reduce-overhead")

    def adam(self, parameters: Sequence[nn.Parameter], rate: float, decay: float):
        # Fused: on the CPU 1.1 to 1.2 times as fast a step for 21 million parameters.
        fused = self.device.type in ("cpu", "cuda", "mps")
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, fused=fused)

    def described(self) -> dict:
        """Plain values for people."""
        gpu = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else None
        return {
            "device": gpu or self.device.type,
            "precision": str(self.precision).removeprefix("torch."),
            "compile": self.compile,
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
        settings: the section `performance` of a configuration; what is left out has DEFAULTS.
        threads: of the CPU, if others than in `settings`.

    Raises:
        InputError: a device or a precision is wanted that is not here.
    """
    chosen = COMPUTE_DEFAULTS | (settings or {})
    keep_freed_memory()
    torch.set_num_threads(threads or chosen["threads"])
    device = _choose_device(chosen["device"], chosen["trainings_per_gpu"])
    deterministic = chosen["deterministic"]
    if chosen["compile"] or deterministic:
        with_compiler()
    else:
        without_compiler()
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if deterministic != torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(deterministic)  # this, too, imports the compiler
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = chosen["tf32"]
    last = chosen["channels_last"]
    return ComputeSettings(
        device=device,
        precision=_choose_precision(chosen["precision"], device),
        channels_last=None if last == "auto" else last,
        compile=chosen["compile"],
        data=chosen["data"],
        micro_batch=chosen["micro_batch"],
        save_minutes=chosen["save_minutes"],
        threads=torch.get_num_threads(),
    )


def _choose_device(wanted: str, share: int) -> torch.device:
    if wanted == "cpu":
        return torch.device("cpu")
    leased = acquire_gpu(share, tell)  # before PyTorch looks for GPUs
    here = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    if leased and here.type == "cpu" and wanted == "auto":
        warn(
            f"{leased} is a GPU, but PyTorch {torch.__version__} cannot use it: training on the CPU"
        )
    if wanted in ("auto", here.type):
        return here
    raise InputError(
        f"performance.device: {wanted}, but PyTorch {torch.__version__} finds none here "
        f"(it finds {here.type}): look at the driver and CUDA_VISIBLE_DEVICES, or set it to auto"
    )


def _choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if wanted == "auto":
        return torch.bfloat16 if has_bfloat16 else torch.float32
    if wanted == "bfloat16" and device.type == "cuda" and not has_bfloat16:
        raise InputError(
            f"performance.precision: bfloat16, which {torch.cuda.get_device_name(device)} does not "
            "have: set it to auto"
        )
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32


def keep_freed_memory() -> bool:
    """Have glibc keep freed memory for the next step, rather than give it back and ask again.

    The page faults of that are up to half of an autoencoder's step on the CPU
    (benchmarks/README.md). The same bits; at most 18 % more memory at the peak.

    Returns:
        Whether there is such a thing here.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # malloc.h
    return all((mallopt(mmap_max, 0), mallopt(trim_threshold, 2**31 - 1), mallopt(top_pad, 2**29)))
