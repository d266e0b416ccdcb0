"""What jobs need of a machine: schedulers read it, a workstation only counts its GPUs."""

# A scheduler takes the jobs: only then is their number limited (jobs: in its profile).
ON_CLUSTER = workflow.resource_settings.nodes is not None
GPUS = count_gpus(config["compute"]["device"], ON_CLUSTER and IS_MAIN)


# Limits of what runs on one machine, or in one job, not of all jobs of a cluster.
resource_scopes:
    gpu="local",
    in_turn="local",


if GPUS and not ON_CLUSTER and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", GPUS * config["compute"]["jobs_per_gpu"])


if ON_CLUSTER and "in_turn" not in workflow.global_resources:
    # The plugin does the steps of a group one after the other: so a job asks for what one of
    # them needs, and for the time of all.
    workflow.register_resource("in_turn", 1)


def training_resources(step, samples):
    """Return the resources of a training on the stacks of `samples`, a function of wildcards."""

    def memory_mb(wildcards):
        return training_memory_mb(
            config["frames"]["clips_per_video"] * len(samples(wildcards)),
            config["inputs"][wildcards.input]["frames"],
            config["frames"]["size"],
            EXPERIMENT.step_settings(step, wildcards.input)["batch_size"],
        )

    return job_resources(memory_mb, 720, gpu=bool(GPUS))
