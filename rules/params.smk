"""Params: plain dicts of exactly what a step depends on."""

import functools

from motilens.clips import records as clips
from motilens.core.labels import VIDEO_FACTS
from motilens.core.records import to_plain as plain
from motilens.core.text import shorten_list
from motilens.pipeline import params
from motilens.pipeline.code_digest import code_versions


def settings_of(*keys, **others):
    return params.select_settings(config, *keys, **others)


def video_identity(wildcards):
    """A user's video is told apart by its content, a simulated one by how it was drawn.

    One in an object store by its size and time there: nobody fetches it to look.
    """
    if SIMULATED:
        drawn = settings_of("dataset.simulated.seconds", "dataset.simulated.seed")
        return drawn | params.upstream_digest(code_of("simulate_video.py"))
    try:
        video = SAMPLES["video"][wildcards.sample]
        seen = video_files.fingerprint_file(video) if STORED is None else in_store(wildcards.sample)
    except InputError:
        return {"video": "gone since the run began"}  # its own job will say so; others go on
    identity = {"video": seen}
    # Only where it makes a difference: to allow what an earlier run left out, or no more.
    allowed = config["dataset"]["unreadable"] == "leave_out"
    if not allowed and record_of(clips.exclusion_reason, wildcards.sample):
        identity["dataset.unreadable"] = "stop"
    return identity


def record_of(question, *arguments):
    """What the records of clips answer; a damaged one ends the plan, or the run."""
    try:
        return question(config["results"], *arguments)
    except InputError as error:
        raise WorkflowError(str(error)) from error  # jobs may be running: no `stop`


def facts_of(wildcards):
    """What the user says of a video, recorded with its clips."""
    row, scale = ROWS[wildcards.sample], config["dataset"].get("microns_per_pixel")
    facts = {"participant": row["participant"]} | ({"microns_per_pixel": scale} if scale else {})
    return plain(facts | {name: row[name] for name in VIDEO_FACTS if name in row})


def left_out():
    """Samples without clips, if dataset.unreadable allows it."""
    return [sample for sample in SAMPLES.index if record_of(clips.exclusion_reason, sample)]


def tell_of_videos():
    """At the end of a run: samples that are missing, and frame rates that somebody should see."""
    records = {sample: record_of(clips.read_clips_record, sample) for sample in SAMPLES.index}
    rates = clips.frame_rate_range(records) if BASELINES else []
    if rates and rates[1] > 1.02 * rates[0]:
        print(
            f"\nVideos have {rates[0]:g} to {rates[1]:g} frames a second: baselines follow cells at "
            "each video's own rate, and the speed along a path depends on it."
        )
    if those := clips.overridden_frame_rates(records):
        print(
            f"\nThe table says another frame rate than the file, and counts: {shorten_list(those)}."
        )
    if lines := clips.describe_missing_videos(config["results"], records):
        print(f"\n{len(lines)} of {len(SAMPLES)} videos could not be used:", *lines, sep="\n  ")
        if config["dataset"]["unreadable"] == "stop":
            print(
                "Mend or remove them, or go on without them (dataset.unreadable: leave_out). "
                "`snakemake --keep-going frames` finds all such videos."
            )


def content_of(label, chosen, columns=()):
    return read_content_of(label, tuple(chosen), tuple(columns), frames_changed_at())


@functools.cache
def read_content_of(label, chosen, columns, changed_at):
    """Read again only when a file has come into the folder of frames: many steps ask."""
    return record_of(params.clips_content, label, chosen, ROWS, columns)


def stack_of(wildcards):
    """What the models of an input type see of a clip."""
    kind = config["inputs"][wildcards["input"]]
    return {name: kind[name] for name in ("frames", "copies")}


def autoencoder_params(wildcards):
    return {
        "settings": plain(
            {
                "autoencoder": section("autoencoder", wildcards),
                f"inputs.{wildcards['input']}": stack_of(wildcards),
            }
        ),
        "training": content_of("training", training(wildcards["fold"])),
        "code": code_of("train_autoencoder.py"),
    }


def regressor_params(wildcards):
    target, fold = wildcards["target"], wildcards["fold"]
    values = config["targets"][target]
    own = section("regressor", wildcards)
    settings = {
        "regressor": own | {"weights": weights_name(own), "answer": answer_name(own, values)},
        f"targets.{target}": values,
    }
    if wildcards["input"] in AUTOENCODED:
        behind = autoencoder_params(wildcards)
    else:
        behind = None
        kind = config["inputs"][wildcards["input"]]["encoder"]
        settings[f"inputs.{wildcards['input']}"] = stack_of(wildcards) | {"encoder": kind}
    return {
        "settings": plain(settings),
        "training": content_of("training", training(fold), values),
        "held_out": content_of("held_out", held_out(fold), values),
        "code": code_of("train_regressor.py"),
        "rests_on": params.upstream_digest(behind),
    }


def scale_of(sample):
    """Micrometres per pixel of a sample's video; None if nobody has said."""
    if SIMULATED:
        from motilens.simulation.cells import MICRONS_PER_PIXEL

        return MICRONS_PER_PIXEL
    return ROWS[sample].get("microns_per_pixel") or config["dataset"].get("microns_per_pixel")


def rate_of(sample):
    """The frame rate (1/s) that the user says of a video, if any."""
    return {"frame_rate": ROWS[sample].get("frame_rate")}


def baseline_params(wildcards):
    name, target, fold = (wildcards[key] for key in ("baseline", "target", "fold"))
    values = config["targets"][target]
    settings = {"baseline": name, f"targets.{target}": values}
    if name == "casa":
        settings["microns_per_pixel"] = {sample: scale_of(sample) for sample in SAMPLES.index}
    return {
        "settings": plain(settings),
        "training": content_of("training", training(fold), values),
        "held_out": content_of("held_out", held_out(fold), values),
        "code": code_of("count_cells.py"),
        "rests_on": params.upstream_digest(
            settings_of("tracks"),
            code_of("track_cells.py"),
            [rate_of(sample) for sample in (*training(fold), *held_out(fold))],
        ),
    }


if useless := ENSEMBLES.keys() - {name for name, _ in AVERAGED}:
    stop(
        f"ensembles: there is no target that all members of {shorten_list(sorted(useless))} predict (casa predicts motility "
        "alone)"
    )


if "casa" in config["baselines"] and not FETCH:
    if unknown := [sample for sample in SAMPLES.index if not scale_of(sample)]:
        stop(
            f"baselines: casa counts by speed in µm/s, and nobody has said how large a pixel is in "
            f"samples {shorten_list(unknown)}: set dataset.microns_per_pixel, or leave casa out"
        )


def ensemble_params(wildcards):
    name, target, fold = (wildcards[key] for key in ("ensemble", "target", "fold"))
    members, values = ENSEMBLES[name], config["targets"][target]
    return {
        "settings": plain({"ensemble": name, "members": members, f"targets.{target}": values}),
        "training": content_of("training", training(fold), values),
        "held_out": content_of("held_out", held_out(fold), values),
        "code": code_of("average_predictions.py"),
        "rests_on": params.upstream_digest([row_params(member, target, fold) for member in members]),
    }


def row_params(name, target, fold):
    """Params of the step that makes the models of a row of the tables."""
    of_step, key = baseline_params, "baseline"
    if name in INPUTS:
        of_step, key = regressor_params, "input"
    elif name in ENSEMBLES:
        of_step, key = ensemble_params, "ensemble"
    return of_step({key: name, "target": target, "fold": fold})


def all_models_rest_on(*scripts, rows=ALL_ROWS):
    """What all models, and the `scripts` between them and a step, depend on."""
    parts = [row_params(name, target, fold) for name, target in rows for fold in FOLDS]
    return params.upstream_digest(parts, SEEDS, *map(code_of, scripts))


@functools.cache
def code_of(script):
    """Our modules and the libraries that a script uses."""
    return code_versions(SCRIPTS / script, BASE / "requirements.in")
