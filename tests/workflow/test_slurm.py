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

from motilens.compute.slurm import list_leftover_jobs
from support.project import ENV, copy_project, start_fork_server
from support.slurm_cluster import Cluster, explain_no_cluster

TARGET = "autoencoders/I1/fold1/seed0/model.pt"
FOLDER = Path("results", TARGET).parent
LOG = Path("results/logs/train_autoencoder/I1/fold1/seed0.log")
PROFILE = ("--profile", "slurm", "--latency-wait", "10")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    if reason := explain_no_cluster():
        pytest.skip(reason)
    os.environ["QUICK_STATUS"] = "1"
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        del os.environ["QUICK_STATUS"]
        cluster.stop()


@pytest.fixture(scope="module")
def undisturbed(finished_small, tmp_path_factory):
    """Files of a longer training that nothing has happened to."""
    project = copy_with_long_training(finished_small, tmp_path_factory.mktemp("undisturbed"))
    project.snakemake("--cores", "1", "--", TARGET, config="long.yaml")
    return read_trained(project)


@pytest.fixture
def project(cluster, finished_small, tmp_path):
    """Clips are made; an autoencoder is to be trained."""
    project = copy_with_long_training(finished_small, tmp_path)
    project.runs = []
    yield project
    for run in project.runs:  # of a test that failed
        run.process.kill()
        run.process.wait()
    cluster("scancel", "--user", "root")
    cluster.wait(lambda: not list_leftover_jobs(project.folder), "jobs do not end")


def copy_with_long_training(finished, folder, epochs=1200):
    project = finished.copy(folder / "a copy")
    config = yaml.safe_load((project.folder / "small.yaml").read_text())
    config["autoencoder"]["epochs"] = epochs
    config["compute"] = {"checkpoint_minutes": 0.02}
    (project.folder / "long.yaml").write_text(yaml.safe_dump(config))
    (project.folder / LOG).unlink()
    return project


def read_trained(project):
    return {
        name: (project.folder / FOLDER / name).read_bytes()
        for name in ("model.pt", "model.json", "history.csv")
    }


class Run:
    """Snakemake on the cluster, training in the background."""

    def __init__(self, project, cluster, *arguments):
        self.project, self.cluster, self.log = project, cluster, project.folder / LOG
        self.output = project.folder / "output"
        project.runs.append(self)
        with open(self.output, "w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *PROFILE, "--configfile", "long.yaml",
                 *arguments, "--", TARGET],
                cwd=project.folder, stdout=output, stderr=output, start_new_session=True,
                env=os.environ | ENV,
            )  # fmt: skip

    def wait_for(self, text):
        """Wait until the log of the training or the output of Snakemake holds a text."""

        def is_logged():
            logs = [path.read_text() for path in (self.log, self.output) if path.exists()]
            return any(text in log for log in logs)

        self.cluster.wait(is_logged, f"no {text!r}:\n{self.output.read_text()}", 240)

    def job(self):
        """Return the number of the job that runs."""
        self.cluster.wait(lambda: self.cluster.jobs("running"), "no job runs", 120)
        return self.cluster.jobs("running")[0]

    def find_process(self):
        """Return the process of the training."""
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it may have ended meanwhile
                here = (path / "cwd").resolve() == (self.project.folder / "results").resolve()
                if here and b"train_autoencoder.py" in (path / "cmdline").read_bytes():
                    return int(path.name)
        raise AssertionError("no training")

    def wait_for_success(self):
        assert self.process.wait(400) == 0, self.output.read_text()[-5000:]
        return self.output.read_text()

    def resumed_at_steps(self):
        run = json.loads((self.project.folder / FOLDER / "run.json").read_text())
        return run["resumed_at_steps"]


def test_tables_are_those_of_a_local_run(cluster, finished_small, tmp_path):
    project = copy_project(tmp_path / "a copy")
    shutil.copy(finished_small.folder / "small.yaml", project.folder)
    quick = {"FORK_SERVER": start_fork_server()}  # no job is stopped here
    output = project.snakemake(*PROFILE, config="small.yaml", **quick).stdout
    assert project.digests() == finished_small.digests()
    numbers = re.findall(r"SLURM jobid (\d+)", output)
    jobs = {number: cluster("scontrol", "show", "job", number) for number in numbers}
    gpus = [re.search("Comment=rule_(.*)", job)[1] for job in jobs.values() if "gres:gpu" in job]
    assert len(gpus) == 4 and all(name.startswith("train_") for name in gpus)
    # Four videos drawn in one job, decoded in four, their sheets in one; 4 trainings, 3 figures.
    assert len(numbers) <= 13, "small steps share a job"


def add_to_profile(project, **sections):
    with open(project.folder / "slurm/profile.yaml", "a", encoding="utf-8") as profile:
        yaml.safe_dump(sections, profile)


def test_a_site_with_accounting_and_names_of_its_own(
    finished_small, cluster, tmp_path, tmp_path_factory
):
    cluster.stop()
    site = Cluster(tmp_path_factory.mktemp("slurmdbd"), accounting=True)
    try:
        site.start()
        site("sacctmgr", "-i", "add", "account", "lab")
        site("sacctmgr", "-i", "add", "user", "root", "account=lab")
        project = copy_with_long_training(finished_small, tmp_path, epochs=3)
        names = {"slurm_account": "lab", "slurm_partition": "normal", "qos": "normal"}
        gpu = {"slurm_partition": "urgent", "gpu_model": "pretend", "slurm_extra": "--nice=5"}
        training = {"set-resources": {"train_autoencoder": gpu}}
        add_to_profile(project, **{"default-resources": names}, **training)
        sacct = ("--slurm-status-command", "sacct")
        output = project.snakemake(*PROFILE, *sacct, "--", TARGET, config="long.yaml").stdout
        [number] = re.findall(r"SLURM jobid (\d+)", output)
        job = site("scontrol", "show", "job", number)
        for wanted in ("Account=lab", "Partition=urgent", "QOS=normal", "Nice=5", "gpu:pretend:1"):
            assert wanted in job, job
        assert "COMPLETED" in site("sacct", "-X", "--format=State%20")
    finally:
        site.stop()
        cluster.start()


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({"slurm_partition": "nowhere"}, "nvalid partition"),
        ({"gpu_model": "h100"}, "Requested node configuration is not available"),
    ],
)
def test_slurms_own_message_on_a_wrong_name_is_shown(cluster, project, resource, message):
    add_to_profile(project, **{"set-resources": {"train_autoencoder": resource}})
    done = project.snakemake(*PROFILE, "--", TARGET, config="long.yaml", check=False)
    assert done.returncode == 1 and message in done.stdout, done.stdout
    assert "has been submitted" not in done.stdout


def test_killed_jobs_come_back_and_go_on(cluster, project, undisturbed):
    run = Run(project, cluster)
    run.wait_for("epoch 120 of 1200")
    cluster("scancel", first := run.job())
    run.wait_for("the checkpoint is saved")
    run.wait_for("resuming at step")
    second = run.job()
    os.kill(run.find_process(), signal.SIGKILL)
    output = run.wait_for_success()
    assert read_trained(project) == undisturbed
    assert first != second and output.count("has been submitted with SLURM jobid") == 3


def test_a_job_over_its_memory_comes_back_with_more(cluster, project, undisturbed):
    run = Run(project, cluster, "--set-resources", "train_autoencoder:mem_mb=attempt*450")
    output = run.wait_for_success()
    assert read_trained(project) == undisturbed
    assert "OUT_OF_MEMORY" in output or "FAILED" in output
    numbers = re.findall(r"SLURM jobid (\d+)", output)
    asked = [
        re.search(r"MinMemoryNode=(\d+)M", cluster("scontrol", "show", "job", number))[1]
        for number in numbers
    ]
    assert asked[:2] == ["450", "900"]


def test_a_job_over_its_time_goes_on_where_it_was(cluster, project, undisturbed):
    run = Run(project, cluster)
    run.wait_for("epoch 120 of 1200")
    step, number = run.find_process(), run.job()
    os.kill(step, signal.SIGSTOP)  # SLURM looks at times every half minute only
    cluster("scontrol", "update", f"JobId={number}", "TimeLimit=00:00:01")
    cluster.wait(lambda: not cluster.jobs("running"), "no time limit", 90)
    with contextlib.suppress(ProcessLookupError):
        os.kill(step, signal.SIGCONT)
    output = run.wait_for_success()
    assert (
        "TIMEOUT" in output and len(run.resumed_at_steps()) == 1 and run.resumed_at_steps()[0] > 100
    )
    assert read_trained(project) == undisturbed, "its history, too, is as if nothing had been"


def test_a_drained_node_a_preempted_job_and_a_new_slurmctld(cluster, project, undisturbed):
    node = f"NodeName={cluster.host}"
    cluster("scontrol", "update", node, "State=DRAIN", "Reason=test")
    run = Run(project, cluster)
    cluster.wait(lambda: cluster.jobs("pending"), "no job waits")
    cluster("scontrol", "update", node, "State=RESUME")
    run.wait_for("epoch 120 of 1200")
    number = run.job()
    cluster("sbatch", "-p", "urgent", "-n", "2", "--mem=100", "-o", "/dev/null", "--wrap=sleep 1")
    cluster.wait(lambda: number in cluster.jobs("pending"), "not queued")
    cluster("scontrol", "update", f"JobId={number}", "StartTime=now")  # SLURM waits two minutes
    run.wait_for("resuming at step")
    cluster.stop_daemon("slurmctld")
    time.sleep(5)  # meanwhile nobody answers Snakemake
    cluster.start_daemon("slurmctld", "slurmctld", "-D")
    output = run.wait_for_success()
    assert output.count("has been submitted with SLURM jobid") == 1, "SLURM itself queued it again"
    assert len(run.resumed_at_steps()) == 1 and read_trained(project) == undisturbed


def test_jobs_of_a_killed_snakemake_are_not_run_twice(cluster, project, undisturbed):
    run = Run(project, cluster)
    run.wait_for("epoch 120 of 1200")
    number, training = run.job(), run.find_process()
    os.kill(training, signal.SIGSTOP)  # it shall not end before the next call
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    project.snakemake("--unlock", config="long.yaml")
    command = (*PROFILE, "--", TARGET)
    done = project.snakemake(*command, config="long.yaml", check=False)
    assert done.returncode == 1 and f"wait for them, or scancel {number}, then" in done.stdout
    os.kill(training, signal.SIGCONT)
    cluster.wait(lambda: not cluster.jobs("running"), "the job does not end", 120)
    done = project.snakemake(*command, config="long.yaml")
    assert "Nothing to be done" in done.stdout and "has been submitted" not in done.stdout
    assert run.resumed_at_steps() == [] and read_trained(project) == undisturbed
