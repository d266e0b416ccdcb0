"""Why steps would run again, in the words of the configuration."""

import pytest
from snakemake.jobs import Reason
from snakemake.persistence import ParamsChange

from motilens.reports.explain import PlannedJob, count_jobs, explain_reruns, parse_reason


def make_reason(forced=False, **files):
    """As Snakemake words it."""
    reason = Reason()
    reason.forced, reason.params_changed = forced, ParamsChange({"then"}, {"now"})
    for name, paths in files.items():
        getattr(reason, name).update(paths)
    return str(reason)


@pytest.mark.parametrize("reason, parsed", [
    (make_reason(), []), (make_reason(missing_output={"a.csv"}), ["missing: a.csv"]),
    (make_reason(updated_input={"7.avi"}), ["changed by hand: 7.avi"]),
    (make_reason(updated_input={"b"}, updated_input_run={"b"}), []),
    (make_reason(incomplete_output={"a.csv"}), ["made by a run that was killed or still runs"]),
    (make_reason(forced=True), ["made by a run that was killed or still runs"]),
])  # fmt: skip
def test_reasons_of_snakemake_are_parsed(reason, parsed):
    assert parse_reason(reason) == parsed


def test_a_changed_value_is_followed_to_the_end():
    then, now = ({"settings": {"frames": {"size": size}}} for size in (64, 96))
    jobs = [
        *(PlannedJob("extract_clips", s, ["7.avi"], [f"{s}.h5"], then, now) for s in "78"),
        PlannedJob("train_autoencoder", "", ["7.h5", "8.h5"], ["model.pt"]),
        PlannedJob("make_table1", "", ["model.pt"], ["table1.md"]),
    ]
    line = "frames.size changed 64 -> 96: 2 extract_clips, 1 make_table1, 1 train_autoencoder"
    assert explain_reruns(jobs) == [line]


@pytest.mark.parametrize("then, now, lines", [
    ({"seeds": [0]}, {"seeds": [0, 1]}, "seeds: 1 added"),
    ({"files": {"a/b.csv": "1"}}, {"files": {"a/b.csv": "2"}}, "the content of a/b.csv changed"),
    ({"inputs": ["I1", "I2"]}, {"inputs": ["I2"]}, "inputs: I1 removed"),
    ({"models": []}, {"models": [["cells", "motility"]]}, "models: cells, motility added"),
    ({"targets.m": ["a", "b"]}, {"targets.m": ["b", "a"]}, "targets.m changed a, b -> b, a"),
    ({"code": {"a/b.py": "1"}}, {"code": {"a/b.py": "2"}}, "code of a/b.py changed"),
    (
        {"code": {"plugins/b.py": "1"}},
        {"code": {"plugins/b.py": "2"}},
        "code of b.py in the folder of plugins changed",
    ),
    ({"code": {"torch": "2.1"}}, {"code": {"torch": "2.2"}}, "torch changed 2.1 -> 2.2"),
    ({"video": "1"}, {"video": "2"}, "the content of the videos of samples 7 changed"),
    ({"r": {"lr": 0.1}}, {"r": {"lr": 0.1, "new": 2}}, "r.new changed nothing -> 2"),
    ({"shown": {"1": {}}}, {"shown": {"2": {}}}, "the gallery shows another participant"),
    ({"upstream": "a"}, {"upstream": "b"}, "what it depends on was made again"),
    ({"training": {"7": {"clips": "a", "head": 90.0}}},
     {"training": {"7": {"clips": "b", "head": 91.0}}},
     "head of samples 7 changed 90.0 -> 91.0|other clips of samples 7"),
    ({"training": {"1": {}}}, {"training": {"1": {}, "2": {}}}, "samples 2 are new"),
    ({"training": {"1": {}, "2": {}}}, {"training": {"1": {}}}, "samples 2 are gone"),
    ({"training": {"1": {}}, "held_out": {"2": {}}},
     {"training": {"2": {}}, "held_out": {"1": {}}}, "samples 1, 2 changed folds"),
    ({"samples": {"7": {"fold": 1}}}, {"samples": {"7": {"fold": 2}}}, "samples 7 changed folds"),
])  # fmt: skip
def test_every_kind_of_change_has_its_words(then, now, lines):
    job = PlannedJob("train_regressor", "7", then=then, now=now)
    assert explain_reruns([job]) == [f"{line}: 1 train_regressor" for line in lines.split("|")]


def test_jobs_that_never_ran_cause_no_other_and_long_lists_are_counted():
    jobs = [
        PlannedJob("train_regressor", outputs=["model.pt"], then=None),
        PlannedJob("plot_gallery", inputs=["model.pt"], other_reasons=["missing: gallery.png"]),
    ]
    gallery, regressor = explain_reruns(jobs)
    assert gallery == "missing: gallery.png: 1 plot_gallery"
    assert regressor == "not made yet: 1 train_regressor"
    then, now = ({"training": {str(k): {"clips": c} for k in range(30)}} for c in "ab")
    [line] = explain_reruns([PlannedJob("train_autoencoder", then=then, now=now)])
    assert line.startswith("other clips of samples 0, 1, 2, 3, 4, 5, 6, 7 and 22 more: 1")
    jobs = [PlannedJob("make_table1"), *(PlannedJob("train_regressor") for _ in range(24))]
    assert count_jobs(jobs) == "24 train_regressor, 1 make_table1"
