"""Makes runs of tests faster; Python imports this module where its folder is on PYTHONPATH.

It spares each job the import of PyTorch's compiler: 1.4 s, and no test's job compiles. Optimizers
and torchvision import it only to be left alone by it. Unit tests do without this module.

With QUICK_STATUS, Snakemake asks every two seconds what has become of SLURM's jobs, not ever less
often.
"""

import os
import sys
import types

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
