"""`snakemake --profile slurm` on a real SLURM of one node, undisturbed and with faults."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from cluster import Cluster, missing

from motilens.pipeline.slurm import list_leftover_jobs
from support.project import copy_project, small

FOLDER = Path("results/autoencoders/I1/fold1/seed0")
TARGET = str(FOLDER / "model.pt")
LOG = Path("results/logs/train_autoencoder/I1/fold1/seed0.log")
# The profile as it is, but asking sooner.
PROFILE = (
    "--profile", "slurm", "--latency-wait", "10", "--slurm-init-seconds-before-status-checks", "2",
)  # fmt: skip


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    if reason := missing():
        pytest.skip(reason)
    made = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """One input type and one target, run without a cluster; and a longer training, alone."""
    made = small(copy_project(tmp_path_factory.mktemp("local") / "a copy"))
    made.snakemake("--cores", "2", config="small.yaml")
    return made


@pytest.fixture(scope="module")
def undisturbed(local, tmp_path_factory):
    """Files of a longer training that nothing has happened to."""
    made = longer(local, tmp_path_factory.mktemp("undisturbed"))
    made.snakemake("--cores", "1", "--", TARGET, config="long.yaml")
    return trained(made)


@pytest.fixture
def project(cluster, local, tmp_path):
    """Frames are made; an autoencoder is to be trained."""
    made = longer(local, tmp_path)
    made.runs = []
    yield made
    for run in made.runs:  # of a test that failed
        run.process.kill()
        run.process.wait()
    cluster("scancel", "--user", "root")
    cluster.wait(lambda: not list_leftover_jobs(str(made.folder)), "jobs do not end")


def longer(local, folder):
    made = local.copy(folder / "a copy")
    config = yaml.safe_load((made.folder / "small.yaml").read_text())
    config["autoencoder"]["epochs"] = 1500
    config["performance"] = {"save_minutes": 0.02}
    (made.folder / "long.yaml").write_text(yaml.safe_dump(config))
    (made.folder / LOG).unlink()
    return made


def trained(project):
    return {
        name: (project.folder / FOLDER / name).read_bytes()
        for name in ("model.pt", "model.json", "history.csv")
    }


class Run:
    """Snakemake on the cluster, training in the background."""

    def __init__(self, project, cluster, *arguments):
        self.project, self.cluster, self.log = project, cluster, project.folder / LOG
        self.told = project.folder / "told"
        project.runs.append(self)
        with open(self.told, "w") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *PROFILE, "--configfile", "long.yaml",
                 *arguments, "--", TARGET],
                cwd=project.folder, stdout=told, stderr=told, start_new_session=True,
            )  # fmt: skip

    def reaches(self, text):
        """Wait until the training's log or Snakemake says so."""

        def said():
            logs = [path.read_text() for path in (self.log, self.told) if path.exists()]
            return any(text in log for log in logs)

        self.cluster.wait(said, f"no {text!r}:\n{self.told.read_text()}", 240)

    def job(self):
        """Number of the job that runs."""
        self.cluster.wait(lambda: self.cluster.jobs("running"), "no job runs", 120)
        return self.cluster.jobs("running")[0]

    def step(self):
        """Process of the training."""
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it may have ended meanwhile
                here = (path / "cwd").resolve() == self.project.folder.resolve()
                if here and b"train_autoencoder.py" in (path / "cmdline").read_bytes():
                    return int(path.name)
        raise AssertionError("no training")

    def ends_well(self):
        assert self.process.wait(400) == 0, self.told.read_text()[-5000:]
        return self.told.read_text()

    def resumed(self):
        run = json.loads((self.project.folder / FOLDER / "run.json").read_text())
        return run["resumed_at_steps"]


def test_tables_are_those_of_a_local_run(cluster, local, tmp_path):
    made = copy_project(tmp_path / "a copy")
    shutil.copy(local.folder / "small.yaml", made.folder)
    told = made.snakemake(*PROFILE, config="small.yaml").stdout
    assert made.digests() == local.digests()
    numbers = re.findall(r"SLURM jobid (\d+)", told)
    asked = {number: cluster("scontrol", "show", "job", number) for number in numbers}
    gpus = [
        re.search("Comment=rule_(.*)", text)[1] for text in asked.values() if "gres:gpu" in text
    ]
    assert len(gpus) == 4 and all(name.startswith("train_") for name in gpus)
    # Four videos drawn in one job, decoded in four, their sheets in one; 4 trainings, 3 figures.
    assert len(numbers) <= 13, "small steps share a job"


def test_a_site_with_accounting_and_names_of_its_own(local, cluster, tmp_path, tmp_path_factory):
    """Its names are in the profile here; in the configuration they mean the same."""
    cluster.stop()
    other = Cluster(tmp_path_factory.mktemp("slurmdbd"), accounting=True)
    try:
        other.start()
        other("sacctmgr", "-i", "add", "account", "lab")
        other("sacctmgr", "-i", "add", "user", "root", "account=lab")
        made = longer(local, tmp_path)
        with open(made.folder / "slurm/profile.yaml", "a") as profile:
            profile.write(
                "config:\n  slurm: {account: lab, partition: normal, gpu_partition: urgent,"
                " gpu_model: pretend, qos: normal, extra: --nice=5}\n"
            )
        sacct = ("--slurm-status-command", "sacct")
        told = made.snakemake(*PROFILE, *sacct, "--", TARGET, config="long.yaml").stdout
        [number] = re.findall(r"SLURM jobid (\d+)", told)
        asked = other("scontrol", "show", "job", number)
        for wanted in ("Account=lab", "Partition=urgent", "QOS=normal", "Nice=5", "gpu:pretend:1"):
            assert wanted in asked, asked
        assert "COMPLETED" in other("sacct", "-X", "--format=State%20")
    finally:
        other.stop()
        cluster.start()


@pytest.mark.parametrize(
    ("site", "told"),
    [
        ({"partition": "nowhere", "gpu_partition": "urgent"}, "nvalid partition"),
        ({"constraint": "nothing"}, "nvalid feature"),
        ({"gpu_model": "h100"}, "slurm.gpu_model: no node has h100"),
        ({"extra": "--bogus"}, "unrecognized option"),
        ({"gpu_partition": "nowhere"}, "SLURM knows no partition nowhere"),
    ],
)
def test_a_wrong_name_costs_no_result(cluster, local, tmp_path, site, told):
    made = local.copy(tmp_path / "a copy")
    config = yaml.safe_load((made.folder / "small.yaml").read_text())
    config["regressor"]["learning_rate"] = 0.5
    config["slurm"] = site
    (made.folder / "small.yaml").write_text(yaml.safe_dump(config))
    done = made.snakemake(*PROFILE, config="small.yaml", check=False)
    assert done.returncode == 1 and told in done.stdout, done.stdout
    assert made.digests() == local.digests() and "has been submitted" not in done.stdout


def test_killed_jobs_come_back_and_go_on(cluster, project, undisturbed):
    run = Run(project, cluster)
    run.reaches("epoch 150 of 1500")
    cluster("scancel", first := run.job())
    run.reaches("the state of the training is kept")
    run.reaches("going on at step")
    second = run.job()
    os.kill(run.step(), signal.SIGKILL)
    told = run.ends_well()
    assert trained(project) == undisturbed
    assert first != second and told.count("has been submitted with SLURM jobid") == 3


def test_a_job_over_its_memory_comes_back_with_more(cluster, project, undisturbed):
    run = Run(project, cluster, "--set-resources", "train_autoencoder:mem_mb=attempt*450")
    told = run.ends_well()
    assert trained(project) == undisturbed
    assert "OUT_OF_MEMORY" in told or "FAILED" in told
    numbers = re.findall(r"SLURM jobid (\d+)", told)
    asked = [
        re.search(r"MinMemoryNode=(\d+)M", cluster("scontrol", "show", "job", number))[1]
        for number in numbers
    ]
    assert asked[:2] == ["450", "900"]


def test_a_job_over_its_time_goes_on_where_it_was(cluster, project, undisturbed):
    run = Run(project, cluster)
    run.reaches("epoch 150 of 1500")
    step, number = run.step(), run.job()
    os.kill(step, signal.SIGSTOP)  # SLURM looks at times every half minute only
    cluster("scontrol", "update", f"JobId={number}", "TimeLimit=00:00:01")
    cluster.wait(lambda: not cluster.jobs("running"), "no time limit", 90)
    with contextlib.suppress(ProcessLookupError):
        os.kill(step, signal.SIGCONT)
    told = run.ends_well()
    assert "TIMEOUT" in told and len(run.resumed()) == 1 and run.resumed()[0] > 100
    assert trained(project) == undisturbed, "its history, too, is as if nothing had been"


def test_preempted_and_queued_again(cluster, project, undisturbed):
    run = Run(project, cluster)
    run.reaches("epoch 150 of 1500")
    number = run.job()
    cluster("sbatch", "-p", "urgent", "-n", "2", "--mem=100", "-o", "/dev/null", "--wrap=sleep 1")
    cluster.wait(lambda: number in cluster.jobs("pending"), "not queued")
    cluster("scontrol", "update", f"JobId={number}", "StartTime=now")  # SLURM waits two minutes
    run.reaches("going on at step")
    told = run.ends_well()
    assert told.count("has been submitted with SLURM jobid") == 1, "SLURM itself queued it again"
    assert len(run.resumed()) == 1 and trained(project) == undisturbed


def test_a_drained_node_and_a_new_slurmctld(cluster, project, undisturbed):
    node = f"NodeName={cluster.host}"
    cluster("scontrol", "update", node, "State=DRAIN", "Reason=test")
    run = Run(project, cluster)
    cluster.wait(lambda: cluster.jobs("pending"), "no job waits")
    cluster("scontrol", "update", node, "State=RESUME")
    run.reaches("epoch 150 of 1500")
    cluster.end("slurmctld")
    time.sleep(5)  # meanwhile nobody answers Snakemake
    cluster.daemon("slurmctld", "slurmctld", "-D")
    run.ends_well()
    assert run.resumed() == [] and trained(project) == undisturbed


def test_a_killed_snakemake_finds_its_jobs_again(cluster, project, undisturbed):
    run = Run(project, cluster)
    run.reaches("epoch 150 of 1500")
    number = run.job()
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    told = project.snakemake(*PROFILE, "--", TARGET, config="long.yaml").stdout
    assert f"waiting for them. To have their work done anew instead: scancel {number}" in told
    assert "Nothing to be done" in told and "has been submitted" not in told
    assert run.resumed() == [] and trained(project) == undisturbed
