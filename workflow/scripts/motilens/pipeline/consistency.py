"""Settings that are valid by themselves and not together, and paths that would do harm."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from motilens.core.plugin_files import Plugins, find_plugins
from motilens.core.records import deep_merge
from motilens.core.suggestions import ask_whether, suggest_names
from motilens.core.text import shorten_list
from motilens.dataset.issues import Issues
from motilens.dataset.splits import read_folds_table
from motilens.dataset.video_files import describe_future_mtime, is_storage_url
from motilens.evaluation.metrics import CONSTANT_RULES, ZERO_R
from motilens.evaluation.paper import AVERAGE

# Folders of the pipeline, where results would mix with it; hidden ones are refused, too.
OWN_FOLDERS = ("benchmarks", "config", "docs", "envs", "models", "profiles", "rules", "site",
               "slurm", "tests", "workflow")  # fmt: skip


def find_misplaced_paths(config: dict, clone: Path) -> list[str]:
    """Return a line for each path where a run would overwrite or remove what is not its own.

    `clone` is the folder of this pipeline.
    """
    named = config["results"]
    if is_storage_url(named):
        return ["results: cannot be in an object store: name a folder"]
    results, clone = Path(named).resolve(), clone.resolve()
    if clone.is_relative_to(results):
        return [f"results: {named} holds the pipeline itself: name a folder of its own"]
    if results.is_relative_to(clone):
        first = results.relative_to(clone).parts[0]
        if first in OWN_FOLDERS or first.startswith("."):
            return [f"results: {named} is a part of the pipeline: name a folder of its own"]
    if file := next((path for path in (results, *results.parents) if path.is_file()), None):
        return [f"results: {file} is a file: name a folder"]
    inputs = _user_tables(config) | {"dataset.videos": config["dataset"].get("videos")}
    inputs |= {f"external.{name}": path for name, path in config.get("external", {}).items()}
    inputs["plugins"] = config.get("plugins")
    return [
        f"{key}: {path} is in the folder of results ({named}), where files are overwritten and "
        "removed: move it, or name another folder for results"
        for key, path in sorted(inputs.items())
        if path and not is_storage_url(path) and Path(path).resolve().is_relative_to(results)
    ]


def find_misplaced_videos(videos: Iterable[Path], results: Path) -> list[str]:
    """Return a line if some of the user's videos (paths) are in the folder of results."""
    inside = [path for path in videos if path.resolve().is_relative_to(results.resolve())]
    if not inside:
        return []
    return [
        f"results: {results} holds {shorten_list(map(str, inside))}: name another folder, as files "
        "are overwritten and removed there"
    ]


def describe_unused_folds(config: dict) -> list[str]:
    """Return a line if the table of labels has folds while others are drawn."""
    dataset, n_folds = config["dataset"], config["folds"]["number"]
    path, columns = dataset.get("labels"), dataset.get("columns")
    if not path or not read_folds_table(path, [], n_folds, Issues(), columns):
        return []
    return [
        f"{path}: its folds are not used, as folds.seed draws others: to use them, name the table "
        "in folds.file and remove folds.seed"
    ]


def find_future_tables(config: dict) -> list[str]:
    """Return a line for each of the user's tables whose modification time is in the future."""
    return [
        f"{key}: {path} {issue}"
        for key, path in _user_tables(config).items()
        if path and Path(path).is_file() and (issue := describe_future_mtime(path))
    ]


def _user_tables(config: dict) -> dict[str, str | None]:
    """Return the paths of the user's tables by the keys that name them."""
    dataset, folds = config["dataset"], config["folds"]
    tables = {f"dataset.{name}": dataset.get(name) for name in ("labels", "video_list")}
    return tables | {"folds.file": folds.get("file")}


def find_contradictions(config: dict) -> list[str]:
    """Return a line for each setting of a checked configuration that does not fit to others."""
    lines = [*_check_method_names(config), *_check_reference(config), *_check_tracking(config)]
    plugins = find_plugins(config.get("plugins"))
    for name in config["inputs"]:
        lines += _check_input(name, config, plugins)
    return lines


def _check_method_names(config: dict) -> Iterator[str]:
    inputs, baselines = config["inputs"], config["baselines"]
    reserved = {*baselines, *CONSTANT_RULES, AVERAGE}
    for name in sorted(reserved & set(inputs)):
        yield f"inputs: {name} is the name of another method in the tables: rename the input"
    for name in sorted({*CONSTANT_RULES, AVERAGE} & set(baselines)):  # of plugins
        yield f"baselines: {name} is the name of another method in the tables: rename it"
    known = [*inputs, *baselines, *config["external"]]
    for name in sorted(config["external"].keys() & {*reserved, *inputs, *config["ensembles"]}):
        yield f"external: {name} is the name of another method in the tables: rename it"
    for name, members in config["ensembles"].items():
        if name in reserved | set(inputs):
            yield f"ensembles: {name} is the name of another method in the tables: rename it"
        for member in (member for member in members if member not in known):
            start = f"ensembles.{name}: {member} is not among inputs, baselines or external"
            yield f"{start}; known here: {', '.join(known)}"


def _check_reference(config: dict) -> Iterator[str]:
    sections = ("inputs", "baselines", "external", "ensembles")
    methods = [*CONSTANT_RULES, *(name for section in sections for name in config[section])]
    name = config.get("reference", ZERO_R)
    if name not in methods:
        yield (
            f"reference: {name} is no method of this configuration"
            f"{ask_whether(suggest_names(name, methods))}; its methods: {', '.join(methods)}"
        )


def _check_tracking(config: dict) -> Iterator[str]:
    tracking, rate = config["tracking"], config["frames"]["frame_rate"]
    shortest, duration = tracking["min_track_duration"], tracking["duration"]
    if config["baselines"] and round(duration * rate) < round(shortest * rate):
        yield (
            f"tracking.min_track_duration: no track of {shortest:g} s fits into the first "
            f"{duration:g} s (tracking.duration): lower it, or raise the duration"
        )


def _check_input(name: str, config: dict, plugins: Plugins) -> Iterator[str]:
    kind = config["inputs"][name]
    if kind["encoder"] == "autoencoder":
        settings = deep_merge(config["autoencoder"], kind.get("autoencoder", {}))
        yield from _check_autoencoder(name, kind, settings)
    settings = deep_merge(config["regressor"], kind.get("regressor", {}))
    if settings["recurrent"] and kind["encoder"] != "none":
        yield (
            f"regressor.recurrent: {name} has no single frames for the network to see one after "
            f"the other; they are there with inputs.{name}.encoder: none only"
        )
    if ("backbone", settings["backbone"]) in plugins.methods:
        yield from _check_own_backbone(name, kind, settings)
    is_rgb = kind["encoder"] != "none" or kind["frames"] * kind["repeats"] == 3
    if settings["input_normalization"] == "imagenet" and not is_rgb:
        yield (
            f"regressor.input_normalization: imagenet is for three channels, and {name} has others "
            f"with encoder: none: set inputs.{name}.regressor.input_normalization: none"
        )
    clips, bag_size = config["frames"]["clips_per_video"], settings["bag_size"]
    if clips % bag_size:
        yield (
            f"regressor.bag_size: {clips} (frames.clips_per_video) cannot be divided by "
            f"{bag_size} ({name})"
        )


def _check_own_backbone(name: str, kind: dict, settings: dict) -> Iterator[str]:
    start = f"is not for {settings['backbone']}, a backbone of plugins"
    own = f"set inputs.{name}.regressor"
    if settings["weights"] != "none":
        yield f"regressor.weights: {start}, which loads its own: {own}.weights: none"
    if settings["recurrent"]:
        yield f"regressor.recurrent: {start}, which sees whole stacks: {own}.recurrent: false"
    if settings["fine_tune_encoder"] and kind["encoder"] == "none":
        yield (
            f"regressor.fine_tune_encoder: {name} has no encoder to train: {own}."
            "fine_tune_encoder: false"
        )


def _check_autoencoder(name: str, kind: dict, settings: dict) -> Iterator[str]:
    loss, variant = settings["loss"], settings["variant"]
    for term, needed in (("kl", "variational"), ("adversarial", "adversarial")):
        if variant == needed and not loss[term]:
            yield (
                f"autoencoder.loss.{term}: variant {variant} needs it, above 0 ({name}; "
                "config/README.md has a value to begin with)"
            )
        if variant != needed and loss[term]:
            yield f"autoencoder.loss.{term}: only variant {needed} has it, not {variant} ({name})"
    if not any(loss[term] for term in loss.keys() - {"kl", "adversarial"}):
        yield f"autoencoder.loss: all terms of {name} are 0, there is nothing to learn"
    if loss["frame_difference"] and kind["frames"] == 1:
        yield (
            f"autoencoder.loss.frame_difference: {name} has one frame, and nothing changes: set it "
            "for the others alone (inputs.NAME.autoencoder.loss.frame_difference)"
        )


def find_useless_methods(
    config: dict, predicting: set[str], samples_without_scale: list[str]
) -> list[str]:
    """Return a line for each method that cannot predict; `predicting` are those that do."""
    lines, unknown = [], shorten_list(samples_without_scale)
    reference = config.get("reference", ZERO_R)
    if reference not in predicting | CONSTANT_RULES.keys():
        lines.append(f"reference: {reference} predicts no target of this run: name another method")
    if useless := sorted(config["ensembles"].keys() - predicting):
        lines.append(
            f"ensembles: no target is predicted by all members of {shorten_list(useless)} (casa "
            "predicts motility alone, speed its three percentages together)"
        )
    if "casa" in config["baselines"] and samples_without_scale:
        lines.append(
            "baselines: casa measures speed in µm/s, and the size of a pixel is not known of "
            f"samples {unknown}: set dataset.microns_per_pixel, or leave casa out"
        )
    uses_blobs = config["tracking"]["detector"] == "blobs"
    if "speed" in config["baselines"] and samples_without_scale and uses_blobs:
        lines.append(
            f"baselines: speed needs the size of a pixel, which is not known of samples {unknown}, "
            "or of heads, which tracking.detector: blobs does not measure: set "
            "dataset.microns_per_pixel, or tracking.detector: network"
        )
    return lines
