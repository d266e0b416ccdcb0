"""Why steps rerun, told in the words of the configuration."""

import pytest

from motilens.pipeline.explain import PlannedJob, count_jobs, explain_reruns


def chain(*jobs):
    """Each job needs the one before it."""
    for job, follower in zip(jobs, jobs[1:], strict=False):
        job.behind.append(follower)
    return jobs


def test_a_changed_value_is_followed_to_the_end():
    frames = [
        PlannedJob("extract_frames", {"frames": {"size": 64}}, {"frames": {"size": 96}})
        for _ in range(2)
    ]
    model, table = chain(PlannedJob("train_autoencoder", {}, {}), PlannedJob("make_table1", {}, {}))
    for job in frames:
        job.behind.append(model)
    assert explain_reruns([*frames, model, table]) == [
        "frames.size changed 64 -> 96: 2 frames, 1 autoencoder, 1 Table 1"
    ]


@pytest.mark.parametrize(
    "then, now, line",
    [
        ({"seeds": [0]}, {"seeds": [0, 1]}, "seeds: 1 added"),
        ({"inputs": ["I1", "I2"]}, {"inputs": ["I2"]}, "inputs: I1 removed"),
        ({"targets.m": ["a", "b"]}, {"targets.m": ["b", "a"]}, "targets.m changed a, b -> b, a"),
        ({"motilens/a.py": "1"}, {"motilens/a.py": "2"}, "code of motilens/a.py changed"),
        ({"torch": "2.15.0"}, {"torch": "2.16.0"}, "torch changed 2.15.0 -> 2.16.0"),
        ({"video": "1"}, {"video": "2"}, "the content of the videos of samples 7 changed"),
        ({"r": {"lr": 0.1}}, {"r": {"lr": 0.1, "new": 2}}, "r.new changed nothing -> 2"),
        (
            {"training": {"7": {"frames": "a", "head": 90.0}}},
            {"training": {"7": {"frames": "b", "head": 91.0}}},
            ["head of samples 7 changed 90.0 -> 91.0", "other frames of samples 7"],
        ),
        ({"training": {"1": {}}}, {"training": {"1": {}, "2": {}}}, "samples 2 are new"),
        ({"training": {"1": {}, "2": {}}}, {"training": {"1": {}}}, "samples 2 are gone"),
        (
            {"training": {"1": {}}, "held_out": {"2": {}}},
            {"training": {"2": {}}, "held_out": {"1": {}}},
            "samples 1, 2 changed folds",
        ),
    ],
)
def test_every_kind_of_change_has_its_words(then, now, line):
    lines = [line] if isinstance(line, str) else line
    made = explain_reruns([PlannedJob("train_regressor", then, now, sample="7")])
    assert made == [f"{x}: 1 regressor" for x in lines]


def test_what_was_never_made_and_other_reasons():
    jobs = [
        PlannedJob("train_regressor", None, {"seeds": [0]}),
        PlannedJob("plot_gallery", {}, {}, ["missing: gallery.png"]),
    ]
    assert explain_reruns(jobs) == ["missing: gallery.png: 1 gallery", "not made yet: 1 regressor"]


def test_lists_of_lists_are_told_as_what_came_and_went():
    then, now = {"counted": []}, {"counted": [["cells", "motility"]]}
    [line] = explain_reruns([PlannedJob("make_table1", then, now)])
    assert line == "counted: cells, motility added: 1 Table 1"
    [line] = explain_reruns([PlannedJob("make_table1", now, then)])
    assert line.startswith("counted: cells, motility removed")


def test_many_participants_are_counted_not_listed():
    then = {"training": {str(k): {"frames": "a"} for k in range(30)}}
    now = {"training": {str(k): {"frames": "b"} for k in range(30)}}
    [line] = explain_reruns([PlannedJob("train_autoencoder", then, now)])
    assert line.startswith("other frames of samples 0, 1, 2, 3, 4, 5, 6, 7 and 22 more: 1")


def test_every_rule_has_its_words():
    from pathlib import Path

    scripts = Path(__file__).parents[2] / "workflow/scripts"
    for script in scripts.glob("*.py"):
        assert count_jobs([PlannedJob(script.stem, {}, {})]).startswith("1 ")
