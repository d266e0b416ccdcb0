"""Spares each job of a test the import of PyTorch's compiler: 1.4 s, and no test's job compiles.

Optimizers and torchvision import it only to be left alone by it. Python imports this module by
itself when its folder is on PYTHONPATH. Unit tests run with the compiler, and compile.
"""

import sys
import types

utils = types.ModuleType("torch._dynamo.utils")
utils.is_compile_supported = lambda device: False
dynamo = types.ModuleType("torch._dynamo")
dynamo.utils = utils
dynamo.disable = lambda function, *args, **kwargs: function
dynamo.graph_break = lambda: None
sys.modules |= {"torch._dynamo": dynamo, "torch._dynamo.utils": utils}
