"""Methods of a folder of plugins: found without running them, known to the schema, exact reruns."""

import subprocess
import sys
from copy import deepcopy

import pytest

from motilens.core.plugin_files import find_plugins
from motilens.core.records import deep_merge
from motilens.pipeline.code_digest import plugin_versions
from motilens.pipeline.config import check_config
from motilens.pipeline.consistency import find_contradictions, find_misplaced_paths
from support.configs import ROOT, SCHEMA, load_config, set_key
from support.documented_plugins import ADDITIONS, METHODS, write_plugins
from support.errors import assert_refused
from support.own_plugins import write_files
from support.planning import REQUIREMENTS, SCRIPTS, plan, stale_jobs, write_clip_records

NETWORK = 'register("backbone", "{}")(print)\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine"


def configure(**changes):
    config = load_config("tests/support/tiny.yaml") | {"plugins": "mine"}
    for key, value in changes.items():
        set_key(config, key, value)
    return config


@pytest.mark.parametrize("key, value, misspelled, message", [
    ("regressor.backbone", "conv3d", "conv", "regressor.backbone: 'conv' is not one .*'conv3d'"),
    ("inputs.I1.regressor.backbone", "conv3d", "conv", "'conv' is not one of .*'conv3d'"),
    ("autoencoder.variant", "wide", "wild", "autoencoder.variant: 'wild' is not one of .*'wide'"),
    ("autoencoder.loss", {"huber": 1}, {"hubert": 1}, "loss.hubert: .* did you mean huber?"),
    ("inputs.I1.autoencoder.loss", {"huber": 1}, {"hubert": 1}, "did you mean huber?"),
    ("inputs.I1.encoder", "extremes", "extreme", "'extreme' is not one of .*'extremes'"),
    ("baselines", ["crowd"], ["crowds"], "'crowds' is not one of .*'crowd'"),
])  # fmt: skip
def test_the_schema_knows_methods_and_names_them_after_a_misspelling(
    folder, key, value, misspelled, message
):
    write_plugins(folder.parent).rename(folder)
    before = deepcopy(SCHEMA)
    config = check_config(configure(**{key: value}), SCHEMA)
    assert "huber" not in config["autoencoder"]["loss"] or "loss" in key
    assert_refused(message, check_config, configure(**{key: misspelled}), SCHEMA)
    without = {name: part for name, part in configure(**{key: value}).items() if name != "plugins"}
    assert_refused("the configuration cannot be used", check_config, without, SCHEMA)
    assert before == SCHEMA


@pytest.mark.parametrize("text", [
    'register("backbone", "x")(print)', '@register(kind="backbone", name="x")\ndef f(): pass',
    'from motilens.core import plugins\nplugins.register("backbone", "x")(print)',
    'import motilens.core.plugins as p\n@p.register("backbone", name="x")\nclass A: pass',
    'import motilens.core.plugins\nmotilens.core.plugins.register("backbone", "x")(print)',
    'from motilens.core.plugins import register as r\nr("backbone", "x")(print)',
])  # fmt: skip
def test_every_way_to_write_it_is_found(folder, text):
    assert find_plugins(write_files(folder, a=text)).methods == {("backbone", "x"): "a.py"}


@pytest.mark.parametrize("text, message", [
    ("def f(:\n", "mine/a.py, line 2: "),
    ("x = '\0'\n", "mine/a.py.*null bytes"),
    ('name = "x"\nregister("backbone", name)(print)\n',
     "mine/a.py, line 3: kind and name must be texts in quotes"),
    ('register("backbone", f"x{1}")(print)\n', "line 2: kind and name must be texts in quotes"),
    ("register()(print)\n", "line 2: kind and name must be texts in quotes"),
    ('register("backbon", "x")(print)\n', r"backbon is no kind of method \(is it 'backbone'\?\)"),
    ('register("backbone", "my net")(print)\n', "line 2: 'my net' is no usable name"),
    ("METHODS = {}\n", "mine/a.py: calls no `register` of motilens.core.plugins"),
])  # fmt: skip
def test_mistakes_in_a_file_are_named(folder, text, message):
    write_files(folder, a=text, b=NETWORK.format("good"))
    assert_refused(message, find_plugins, folder)


def test_mistakes_of_all_files_are_named_at_once(folder):
    write_files(folder, a=NETWORK.format("x"), b=NETWORK.format("x"), c="(\n")
    message = "mine/b.py, line 2: backbone x is in .*mine/a.py, line 2, too\n.*mine/c.py, line 2"
    assert_refused(message, find_plugins, folder)


@pytest.mark.parametrize("kind, name", [
    ("backbone", "resnet18"), ("autoencoder", "paper"), ("loss", "kl"), ("loss", "mse"),
    ("encoder", "autoencoder"), ("encoder", "pca"), ("baseline", "casa"),
])  # fmt: skip
def test_a_name_of_ours_is_refused(folder, kind, name):
    write_files(folder, a=f'register("{kind}", "{name}")(print)\n')
    message = f"mine/a.py: there is a {kind} {name} already: rename this one"
    assert_refused(message, check_config, configure(), SCHEMA)


@pytest.mark.parametrize("name", ["ZeroR", "median", "average"])
def test_a_name_of_the_tables_is_refused(folder, name):
    write_files(folder, a=f'register("baseline", "{name}")(print)\n')
    lines = find_contradictions(check_config(configure(baselines=[name]), SCHEMA))
    assert lines == [f"baselines: {name} is the name of another method in the tables: rename it"]


@pytest.mark.parametrize("target", ["nowhere.py", "a.py", "."])
def test_what_is_no_file_is_refused(folder, target):
    """A broken link, a link to itself, a folder."""
    folder.mkdir()
    (folder / "a.py").symlink_to(target)
    assert_refused(r"a.py: cannot be read \(.*\): correct or remove it", find_plugins, folder)


def test_a_folder_that_is_no_folder_is_refused(folder):
    assert_refused("plugins: mine: no such folder", check_config, configure(), SCHEMA)
    folder.touch()
    assert_refused("plugins: mine: is a file", check_config, configure(), SCHEMA)


def test_there_need_be_no_folder(folder):
    config = check_config(configure() | {"plugins": None}, SCHEMA)
    assert find_contradictions(config) == []


def test_hidden_files_are_no_plugins(folder):
    write_files(folder, **{".#a": "(\n", "._b": "\0"})
    assert_refused("mine: no file in it registers a method", find_plugins, folder)
    write_files(folder, net=NETWORK.format("net"))
    assert len(find_plugins(folder).methods) == 1


def test_planning_does_not_import_torch(folder):
    write_plugins(folder.parent)
    program = (
        "import sys; from motilens.core.plugin_files import find_plugins\n"
        "assert len(find_plugins('my_methods').methods) == 5\n"
        "assert not {'torch', 'sklearn', 'motilens_plugins'} & sys.modules.keys()"
    )
    options = {"env": {"PYTHONPATH": str(SCRIPTS)}, "cwd": folder.parent, "check": True}
    subprocess.run([sys.executable, "-c", program], **options)


@pytest.mark.parametrize("regressor, encoder, key", [
    ({"weights": "IMAGENET1K_V1"}, "none", "weights"), ({"recurrent": True}, "none", "recurrent"),
    ({"fine_tune_encoder": True}, "none", "fine_tune_encoder"),
])  # fmt: skip
def test_settings_that_do_not_apply_to_a_network_of_ones_own(folder, regressor, encoder, key):
    write_files(folder, net=NETWORK.format("net"))
    own = {"frames": 2, "encoder": encoder, "regressor": {"backbone": "net", **regressor}}
    config = check_config(configure(inputs={"video": own}), SCHEMA)
    [line] = find_contradictions(config)
    assert line.startswith(f"regressor.{key}: ") and f"set inputs.video.regressor.{key}: " in line


def test_plugins_cannot_be_in_the_results(folder):
    config = configure(plugins="results/mine")
    [line] = find_misplaced_paths(config, ROOT)
    assert line.startswith("plugins: results/mine is in the folder of results")


class Experiment:
    """A run of the paper's inputs, and then with documented methods beside them."""

    def __init__(self, folder):
        self.folder, self.config = folder, load_config("tests/support/tiny.yaml")
        self.before, experiment = plan(self.config, folder)
        write_clip_records(experiment, folder / "results")
        self.before, _ = plan(self.config, folder)
        write_plugins(folder)
        self.config = deep_merge(self.config, ADDITIONS)
        self.config["baselines"] = ["crowd"]

    def list_stale(self, before, config):
        """Return the steps that run again, each with the method that it is of."""
        after, experiment = plan(config, self.folder)
        stale = [(step, dict(job)) for step, job in stale_jobs(before, after, experiment)]
        return {(step, job.get("input", job.get("baseline"))) for step, job in stale}


@pytest.fixture
def experiment(folder):
    return Experiment(folder.parent)


def of_models(stale):
    return {(step, name) for step, name in stale if step.startswith(("train_", "predict_"))}


def test_added_methods_rerun_nothing_else(experiment):
    stale = experiment.list_stale(experiment.before, experiment.config)
    assert {name for step, name in stale if name} == {*METHODS}
    alone = experiment.config | {"inputs": load_config("tests/support/tiny.yaml")["inputs"]}
    assert experiment.list_stale(experiment.before, alone | {"baselines": []}) == set()


EDITS = {
    "video_network": {("train_regressor", "video")},
    "wide": {("train_autoencoder", "I4_wide"), ("train_regressor", "I4_wide")},
    "losses": {("train_autoencoder", "I4_huber"), ("train_regressor", "I4_huber")},
    "extremes": {("train_regressor", "extremes")},
    "crowd": {("predict_baseline", "crowd")},
}  # fmt: skip


@pytest.mark.parametrize("name, expected", EDITS.items())
def test_an_edit_reruns_the_methods_of_the_file(experiment, name, expected):
    before, _ = plan(experiment.config, experiment.folder)
    path = experiment.folder / f"my_methods/{name}.py"
    text = path.read_text()
    path.write_text('"""A docstring."""\n' + text + "\n# A comment\n")
    assert experiment.list_stale(before, experiment.config) == set()
    path.write_text(text + "\nADDED = 1\n")
    assert of_models(experiment.list_stale(before, experiment.config)) == expected


def test_what_reruns_nothing(experiment):
    before, _ = plan(experiment.config, experiment.folder)
    (experiment.folder / "my_methods").rename(experiment.folder / "moved")
    write_files(experiment.folder / "moved", more='register("loss", "more")(print)\n')
    config = deepcopy(experiment.config) | {"plugins": "moved"}
    assert experiment.list_stale(before, config) == set()
    config["autoencoder"]["loss"] = {"more": 0}
    assert experiment.list_stale(before, config) == set()
    config["autoencoder"]["loss"] = {"more": 1}
    config["inputs"]["I1"]["autoencoder"] = {"loss": {"more": 0}}
    stale = of_models(experiment.list_stale(before, config))
    assert {name for _, name in stale} == {"I2", "I3", "I4", "I4_wide", "I4_huber"}


def test_what_a_file_imports_counts(folder):
    texts = {"net": "from .parts.deep import x\nimport torch\nimport motilens.models.layers\n"}
    write_files(folder, **texts, other="")
    write_files(folder / "parts", deep="def f():\n    from .. import late\n", __init__="", away="")
    write_files(folder, late="from motilens_plugins.last import y\n", last="")
    versions = plugin_versions(folder, ["net.py"], SCRIPTS, REQUIREMENTS)
    ours = {name for name in versions if name.startswith("plugins/")}
    files = ("net", "late", "last", "parts/__init__", "parts/deep")
    assert ours == {f"plugins/{name}.py" for name in files}
    (folder / "__init__.py").write_text("")
    assert "plugins/__init__.py" in plugin_versions(folder, ["net.py"], SCRIPTS, REQUIREMENTS)
    assert "torch" in versions and "motilens/models/layers.py" in versions
    (folder / "last.py").write_text("(\n")
    assert_refused("mine/last.py, line 1: ", plugin_versions, folder, ["net.py"], SCRIPTS,
                   REQUIREMENTS)  # fmt: skip
