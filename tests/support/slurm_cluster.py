"""A real SLURM of one node with two pretend GPUs, for tests; as root, from Debian's packages."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ETC = Path("/etc/slurm")
HEADER = "# Motilens' tests made this file.\n"
PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue")
SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"

CONF = """
ClusterName=motilens
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
KillWait=15
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
OverTimeLimit=0
StateSaveLocation={state}/ctld
SlurmdSpoolDir={state}/d
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
SchedulerParameters=batch_sched_delay=1,sched_interval=1,bf_interval=1
AccountingStorageType=accounting_storage/{accounting}
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=16000 Gres=gpu:pretend:2
PartitionName=normal Nodes={host} Default=YES PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes={host} PriorityTier=10
"""


def explain_no_cluster() -> str:
    """Return why no cluster can be started here; empty if one can."""
    if os.geteuid() != 0:
        return "a cluster of our own needs root"
    if missing := [name for name in PROGRAMS if not shutil.which(name, path=SBIN)]:
        return f"no {', '.join(missing)}: install slurm-wlm and munge"
    conf = ETC / "slurm.conf"
    if conf.exists() and not conf.read_text(encoding="utf-8").startswith(HEADER):
        return f"{conf} belongs to another cluster"
    return ""


class Cluster:
    """Daemons, started by `start` and ended by `stop`; their files lie in `state`.

    Args:
        state: a folder.
        accounting: with slurmdbd and MariaDB, so that sacct knows of jobs.
    """

    def __init__(self, state: Path, accounting: bool = False):
        self.state, self.accounting, self.daemons, self.munge = state, accounting, {}, None
        self.host = socket.gethostname().split(".")[0]

    def start(self) -> None:
        for folder in ("ctld", "d", "db"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        self._configure()
        self._start_munge()
        if self.accounting:
            self._start_accounting()
        self.start_daemon("slurmctld", "slurmctld", "-D", "-i")
        self.start_daemon("slurmd", "slurmd", "-D")
        ready = {"idle", "gpu:pretend:2"}  # `idle*` has not answered yet
        self.wait(lambda: set(self("sinfo", "-h", "-o", "%t %G").split()) == ready, "no node")

    def stop(self) -> None:
        for name in list(reversed(self.daemons)):
            self.stop_daemon(name)
        for name in ("slurm.conf", "gres.conf", "slurmdbd.conf"):
            (ETC / name).unlink(missing_ok=True)
        if self.munge:
            shutil.rmtree(self.munge, ignore_errors=True)

    def start_daemon(self, name: str, *command: str, **options) -> None:
        with open(self.state / f"{name}.out", "ab") as out:
            self.daemons[name] = subprocess.Popen(
                command, stdout=out, stderr=out, env={**os.environ, "PATH": SBIN}, **options
            )

    def stop_daemon(self, name: str) -> None:
        process = self.daemons.pop(name)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __call__(self, *command: str) -> str:
        """Return what a command of SLURM prints."""
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout + done.stderr

    def jobs(self, state: str) -> list[str]:
        """Return the numbers of the jobs in a state such as running."""
        return self("squeue", "-h", "-t", state, "-o", "%i").split()

    def wait(self, until, what: str, seconds: float = 60) -> None:
        """Wait until something is true."""
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                logs = [path.read_text() for path in sorted(self.state.glob("*.out"))]
                raise AssertionError("\n".join([f"after {seconds} s: {what}", *logs]))
            time.sleep(0.3)

    def _configure(self) -> None:
        gpus = [self.state / f"gpu{number}" for number in (0, 1)]
        for gpu in gpus:
            if not gpu.exists():
                os.mknod(gpu, 0o666 | 0o020000, os.makedev(1, 3))
        conf = CONF.format(
            host=self.host,
            state=self.state,
            cpus=os.cpu_count(),
            accounting="slurmdbd" if self.accounting else "none",
        )
        ETC.mkdir(exist_ok=True)
        (ETC / "slurm.conf").write_text(HEADER + conf)
        (ETC / "gres.conf").write_text(
            f"{HEADER}NodeName={self.host} Name=gpu Type=pretend File={self.state}/gpu[0-1]\n"
        )

    def _start_munge(self) -> None:
        # pytest's own folders are root's alone.
        folder = self.munge = Path(tempfile.mkdtemp(prefix="motilens-munge-"))
        folder.chmod(0o755)
        shutil.chown(folder, "munge", "munge")
        key = folder / "munge.key"
        subprocess.run(["mungekey", "-c", "-k", key], check=True, env={"PATH": SBIN})
        shutil.chown(key, "munge", "munge")
        run = Path("/run/munge")
        run.mkdir(mode=0o755, exist_ok=True)
        shutil.chown(run, "munge", "munge")
        self.start_daemon(
            "munged", "munged", "-F", "-f", "--key-file", str(key), "--log-file",
            str(folder / "log"), "--seed-file", str(folder / "seed"), "--pid-file",
            str(folder / "pid"), user="munge", group="munge", extra_groups=[],
        )  # fmt: skip
        self.wait(lambda: "STATUS:" in self("sh", "-c", "munge -n | unmunge"), "munge is not there")

    def _start_accounting(self) -> None:
        data, port = self.state / "db", "13306"
        command = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}"]
        subprocess.run(command, check=True, capture_output=True)
        self.start_daemon(
            "mariadbd", "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}",
            f"--socket={self.state}/sock", f"--port={port}", "--bind-address=127.0.0.1",
            "--skip-grant-tables",
        )  # fmt: skip
        self.wait(lambda: (self.state / "sock").exists(), "MariaDB is not there")
        conf = ETC / "slurmdbd.conf"
        conf.write_text(
            f"{HEADER}DbdHost={self.host}\nDbdAddr=127.0.0.1\nSlurmUser=root\nAuthType=auth/munge\n"
            f"StorageType=accounting_storage/mysql\nStorageHost=127.0.0.1\nStoragePort={port}\n"
            f"StorageUser=slurm\nLogFile={self.state}/slurmdbd.log\nPidFile={self.state}/dbd.pid\n"
        )
        conf.chmod(0o600)
        self.start_daemon("slurmdbd", "slurmdbd", "-D")
        self.wait(
            lambda: "error" not in self("sacctmgr", "-i", "add", "cluster", "motilens"),
            "slurmdbd is not there",
        )
