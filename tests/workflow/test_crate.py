"""A finished run as a Workflow Run RO-Crate."""

import subprocess
import sys

from rocrate.rocrate import ROCrate


def crate(project, *arguments, config="tiny.yaml"):
    command = [sys.executable, "workflow/crate.py", "--configfile", config]
    return subprocess.run(
        [*command, *map(str, arguments)], cwd=project.folder, capture_output=True, text=True
    )


def test_it_says_which_workflow_made_what_of_what(finished, tmp_path):
    done = crate(finished, "--out", tmp_path / "run.zip")
    assert done.returncode == 0, done.stderr
    made = ROCrate(tmp_path / "run.zip")
    (action,) = (one for one in made.get_entities() if one.type == "CreateAction")
    assert action["instrument"] is made.mainEntity and made.mainEntity.id == "Snakefile"
    assert [one.id for one in action["object"]] == ["config/tiny.yaml"]
    results = {one.id.removeprefix("results/") for one in action["result"]}
    assert {"tables/table1.csv", "tables/mae.json", "figures/errors.png", "folds.csv"} <= results
    assert action["startTime"] < action["endTime"]
    held = {one.id for one in made.data_entities}
    assert {"rules/common.smk", "workflow/scripts/motilens/models/regressor.py"} <= held
    assert not any(name.endswith((".avi", ".h5", ".pt", ".pyc")) for name in held)
    assert not any("contact_sheets" in name for name in held), "pictures of everybody's videos"


def test_a_run_that_is_not_finished_is_refused(project):
    done = crate(project)
    assert done.returncode == 1 and "ERROR: the run is not finished" in done.stderr
    assert not list(project.folder.rglob("*.zip"))


def test_mistakes_are_told_in_a_line(project):
    (project.folder / "broken.yaml").write_text("results: [")
    (project.folder / "number.yaml").write_text("results: 5")
    for config, told in (
        ("nothing.yaml", "nothing.yaml: No such file"),
        ("broken.yaml", "cannot be read"),
        ("number.yaml", "names no folder of `results`"),
    ):
        done = crate(project, config=config)
        assert done.returncode == 1 and done.stderr.startswith("ERROR: "), done.stderr
        assert told in done.stderr
