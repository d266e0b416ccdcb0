"""Start programs by forking a process that has imported their libraries: it spares seconds each.

    python fork_server.py SOCKET

Programs are sent by `support/faster_jobs/sitecustomize.py`: command line, folder, environment, and
the streams. A program is killed when whoever sent it dies.
"""

import importlib.abc
import json
import os
import runpy
import select
import shutil
import signal
import socket
import sys
from importlib.machinery import PathFinder
from pathlib import Path

IMPORTED = (
    "h5py", "jsonschema", "matplotlib.pyplot", "openpyxl", "pandas", "scipy.stats",
    "sklearn.linear_model", "snakemake.cli", "snakemake.report.html_reporter",
    "snakemake_executor_plugin_slurm", "snakemake_storage_plugin_s3", "torch", "torchvision",
)  # fmt: skip
LIBRARY = Path(__file__).parents[2] / "workflow/scripts"


class ParsedSources(importlib.abc.MetaPathFinder):
    """Gives the module that digests code what it would find out of the library here."""

    name = "motilens.pipeline.code_digest"

    def __init__(self):
        sys.path.insert(0, str(LIBRARY))
        from motilens.pipeline.code_digest import _parse_source

        self.parse_source = _parse_source
        for source in LIBRARY.rglob("*.py"):
            _parse_source(source.read_bytes())
        del sys.path[0]
        for name in [name for name in sys.modules if name.partition(".")[0] == "motilens"]:
            del sys.modules[name]  # programs have copies of their own

    def find_spec(self, name, path, target=None):
        if name != self.name:
            return None
        spec = PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            module._parse_source = self.parse_source

        spec.loader.exec_module = exec_module
        return spec


def serve(path: str) -> None:
    """Take programs until the process that started this one is gone."""
    for name in IMPORTED:
        __import__(name)
    sys.meta_path.insert(0, ParsedSources())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{path}.new")
        server.listen(64)
        os.rename(f"{path}.new", path)
        parent = os.getppid()
        while os.getppid() == parent:
            if select.select([server], [], [], 1)[0]:
                connection, _ = server.accept()
                if os.fork() == 0:
                    server.close()
                    supervise(connection)
                    os._exit(0)
                connection.close()
    shutil.rmtree(Path(path).parent)


def supervise(connection: socket.socket) -> None:
    """Run one program, and send its exit status back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    os.setsid()
    program = os.fork()
    if program == 0:
        run_program(json.loads(message), streams)
    for stream in streams:
        os.close(stream)
    ready, _, _ = select.select([connection, os.pidfd_open(program)], [], [])
    if connection in ready:  # whoever sent the program is dead
        os.killpg(0, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    connection.sendall(json.dumps(code).encode())


def run_program(message: dict, streams: list[int]) -> None:
    """Become the program: a file, or a module after -m."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(message["folder"])
    os.environ.clear()
    os.environ.update(message["environment"])
    first, *sys.argv = message["arguments"]
    code = 1
    try:
        if first == "-m":
            sys.path[0] = os.getcwd()
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv.insert(0, first)
            sys.path[0] = str(Path(first).parent)
            runpy.run_path(first, run_name="__main__")
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else bool(stop.code)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
