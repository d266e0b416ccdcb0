"""Convolution, pooling and ReLU by Triton: without a GPU, in the interpreter and the compiler."""

import os
import subprocess
import sys

import pytest

from support.configs import ROOT

triton = pytest.importorskip("triton")


@pytest.mark.slow
def test_kernels_compute_what_the_plain_layers_do():
    """In another process: Triton decides when it is imported whether it interprets kernels."""
    file = ROOT / "tests/unit/compute/interpreted_kernels.py"
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", *options, file]
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout and "skipped" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forward", "input_gradient", "weight_gradient"])
def test_kernels_compile_for_a_gpu_that_is_not_there(monkeypatch, name, tmp_path):
    """For compute capability 9.0, which an H100 has."""
    from triton.backends.compiler import GPUTarget

    from motilens.compute import fused_conv

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel = getattr(fused_conv, f"{name}_kernel")
    constants = {
        "HEIGHT": 128, "WIDTH": 128, "CIN": 16, "COUT": 32, "PADDED": 16, "BLOCK": fused_conv.BLOCK,
        "WIDE": triton.language.float32,
    }  # fmt: skip
    others = {"winner": "*u8", "of_taps": "*fp32", "of_bias": "*fp32"}
    signature = {
        argument: "constexpr" if argument in constants else others.get(argument, "*bf16")
        for argument in kernel.arg_names
    }
    source = triton.compiler.ASTSource(kernel, signature, constexprs=constants)
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32))
    assert "mma" in compiled.asm["ptx"] and len(compiled.asm["cubin"]) > 1000
    assert compiled.metadata.shared < 227 * 1024
