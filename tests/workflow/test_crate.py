"""A finished run as a Workflow Run RO-Crate."""

import zipfile

from rocrate.rocrate import ROCrate

from support.documented_plugins import write_plugins


def crate(project, *arguments, config="tiny.yaml"):
    return project.run_program("crate.py", "--configfile", config, *arguments)


def test_it_says_which_workflow_made_which_results_from_what(finished, tmp_path):
    done = crate(finished, "--out", tmp_path / "run.zip")
    assert done.returncode == 0, done.stderr
    content = ROCrate(tmp_path / "run.zip")
    [action] = (entity for entity in content.get_entities() if entity.type == "CreateAction")
    assert action["instrument"] is content.mainEntity and content.mainEntity.id == "Snakefile"
    assert [entity.id for entity in action["object"]] == ["config/tiny.yaml"]
    results = {entity.id.removeprefix("results/") for entity in action["result"]}
    expected = {"tables/table1.csv", "tables/mae.json", "folds.csv"}
    assert expected | {"figures/errors.png", "figures/errors.pdf"} <= results
    assert action["startTime"] < action["endTime"]
    names = {entity.id for entity in content.data_entities}
    assert {"rules/common.smk", "workflow/scripts/motilens/models/regressor.py"} <= names
    large = {name for name in names if name.endswith((".avi", ".h5", ".pt", ".pyc"))}
    assert large == {"workflow/scripts/motilens/tracking/head_detector.pt"}, "a part of the code"
    assert not any("contact_sheets" in name for name in names), "pictures of everybody's videos"


def test_what_others_leave_there_is_not_packed_and_edited_tables_are_refused(
    finished_small, tmp_path
):
    run = finished_small.copy(tmp_path / "copy")
    for name in ("rules/.snakemake/cache", "results/tables/.~lock.mae.csv#"):
        (run.folder / name).parent.mkdir(exist_ok=True)
        (run.folder / name).touch()
    done = crate(run, "--out", tmp_path / "run.zip", config="small.yaml")
    assert done.returncode == 0, done.stderr
    names = [entity.id for entity in ROCrate(tmp_path / "run.zip").data_entities]
    assert "rules/common.smk" in names and not any("/." in name for name in names)
    table = run.folder / "results/tables/table1.md"
    table.write_text(table.read_text().replace("ZeroR", "Zero"))
    done = crate(run, config="small.yaml")
    assert done.returncode == 1 and "since they were made: tables/table1.md. Delete" in done.stderr


def test_a_run_that_is_not_finished_is_refused(project):
    done = crate(project)
    assert done.returncode == 1 and "ERROR: the run is not finished" in done.stderr
    assert not list(project.folder.rglob("*.zip"))


def test_mistakes_are_reported_without_a_traceback(project):
    (project.folder / "broken.yaml").write_text("results: [")
    (project.folder / "number.yaml").write_text("results: 5")
    for config, message in (
        ("nothing.yaml", "nothing.yaml: No such file"),
        ("broken.yaml", "is not YAML"),
        ("number.yaml", "names no folder of `results`"),
    ):
        done = crate(project, config=config)
        assert done.returncode == 1 and message in done.stderr
        assert done.stderr.startswith("ERROR: "), done.stderr


def test_it_holds_methods_of_the_users_own(finished_small, tmp_path):
    run = finished_small.copy(tmp_path / "copy")
    write_plugins(run.folder)
    with open(run.folder / "small.yaml", "a") as file:
        file.write("plugins: my_methods\n")
    assert crate(run, config="small.yaml").returncode == 0
    names = zipfile.ZipFile(run.folder / "results/crate.zip").namelist()
    assert {"plugins/losses.py", "plugins/crowd.py"} <= {*names}
