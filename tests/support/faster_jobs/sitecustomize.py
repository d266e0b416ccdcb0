"""Makes runs of tests faster; Python imports this module where its folder is on PYTHONPATH.

It spares each job the import of PyTorch's compiler: 1.4 s, and no test's job compiles. Optimizers
and torchvision import it only to be left alone by it. Unit tests do without this module.

With FORK_SERVER, a socket, `support/fork_server.py` starts Snakemake, its jobs and our programs.

With QUICK_STATUS, Snakemake asks every two seconds what has become of SLURM's jobs, not ever less
often.
"""

import json
import os
import socket
import sys
import types


def run_elsewhere(path: str, arguments: list[str]) -> None:
    """Have a program run by a fork of the server, and end as it does."""
    message = {
        "arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ),
    }  # fmt: skip
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        socket.send_fds(server, [json.dumps(message).encode()], [0, 1, 2])
        code = json.loads(server.recv(64))
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


_, *arguments = sys.orig_argv
asks_slurm = "QUICK_STATUS" in os.environ and "SLURM_JOB_ID" not in os.environ
if (
    "FORK_SERVER" in os.environ
    and arguments
    and (
        arguments[:2] == ["-m", "snakemake"]
        or "/.snakemake/scripts/" in arguments[0]
        or arguments[0].startswith("workflow/")
        or arguments[0].endswith("benchmarks/gpu_tasks.py")
    )
    and not asks_slurm
):
    run_elsewhere(os.environ["FORK_SERVER"], arguments)

utils = types.ModuleType("torch._dynamo.utils")
utils.is_compile_supported = lambda device: False
dynamo = types.ModuleType("torch._dynamo")
dynamo.utils = utils
dynamo.disable = lambda function, *args, **kwargs: function
dynamo.graph_break = lambda: None
sys.modules |= {"torch._dynamo": dynamo, "torch._dynamo.utils": utils}

if os.environ.get("QUICK_STATUS"):
    from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

    RemoteExecutor.next_seconds_between_status_checks = property(
        lambda executor: 2, lambda executor, seconds: None
    )
