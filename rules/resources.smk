"""What jobs need of a machine: schedulers read it, a workstation only counts its GPUs."""

from motilens.compute import gpu_lease
from motilens.pipeline import resources as needs

SITE = config["slurm"]


# Limits of what runs on one machine, or in one job, not of all jobs of a cluster.
resource_scopes:
    gpu="local",
    in_turn="local",


def cluster_has_gpus():
    key = slurm.gpu_partition_key(SITE)
    try:
        return slurm.partition_has_gpus(SITE.get(key))
    except InputError as error:
        stop(f"slurm.{key}: {error}")


def count_gpus():
    """How many GPUs there are for trainings: here, or on a cluster at least one."""
    device = config["performance"]["device"]
    if device == "cpu":
        return 0
    if ON_CLUSTER and workflow.is_main_process:
        return int(device != "auto" or cluster_has_gpus())
    if not (found := gpu_lease.list_visible_gpus()) and device == "cuda" and not ONLY_PLANNED:
        stop(
            "performance.device: cuda, but there is no GPU here (nvidia-smi lists none, or "
            "CUDA_VISIBLE_DEVICES hides it): look at the driver, or set it to auto or cpu"
        )
    return len(found) or int(device != "auto")


GPUS = count_gpus()


if ON_CLUSTER and workflow.is_main_process and not ONLY_PLANNED:
    try:
        slurm.check_site_names(SITE, bool(GPUS), logger.warning)
    except InputError as error:
        stop(error)
if GPUS and not ON_CLUSTER and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", GPUS * config["performance"]["trainings_per_gpu"])


if ON_CLUSTER and "in_turn" not in workflow.global_resources:
    # The plugin does the steps of a group one after the other: so a job asks for what one of
    # them needs, and for the time of all.
    workflow.register_resource("in_turn", 1)


def needed(memory, minutes, gpu=False):
    """Resources of a rule. An attempt that follows a failed one gets as much more of them.

    Args:
        memory: megabytes, or a function of the wildcards.
        minutes: a job that is ended because of them costs nothing if it is a training's.
    """
    named = {
        "slurm_account": SITE.get("account"),
        "slurm_partition": gpu and SITE.get("gpu_partition") or SITE.get("partition"),
        "qos": SITE.get("qos"),
        "constraint": SITE.get("constraint"),
        "gpu_model": SITE.get("gpu_model") if gpu else None,
        "slurm_extra": SITE.get("extra"),
    }

    def mem_mb(wildcards, attempt):
        return attempt * (memory(wildcards) if callable(memory) else memory)

    def runtime(wildcards, attempt):
        return min(attempt * minutes, SITE["longest"])

    given = {name: value for name, value in named.items() if value} | ({"gpu": 1} if gpu else {})
    return given | {"mem_mb": mem_mb, "runtime": runtime, "in_turn": 1}


def training_needs(step, samples):
    """Resources of a training on the stacks of `samples`, a function of the wildcards."""

    def memory(wildcards):
        return needs.training_memory_mb(
            config["frames"]["clips_per_video"] * len(samples(wildcards)),
            config["inputs"][wildcards.input]["frames"],
            config["frames"]["size"],
            section(step, wildcards)["batch_size"],
        )

    return needed(memory, 720, gpu=bool(GPUS))
