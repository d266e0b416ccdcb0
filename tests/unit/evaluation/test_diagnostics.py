"""Diagnostics of trained models, in words."""

from motilens.evaluation.diagnostics import format_diagnostics, list_issues
from support.learning import SOUND


def test_diagnostics_in_one_line():
    diagnostics = {"loss": 0.0125, "feature_spread": [0.5, 1.25], "failure": None}
    line = format_diagnostics(diagnostics | {"warning": "poor"})
    assert line == "loss 0.0125; feature spread 0.5 1.25; poor"


def test_failures_and_warnings_are_issues():
    assert list_issues({"loss": 1, "failure": "dead", "warning": "poor"}) == ["dead", "poor"]
    assert list_issues(SOUND | {"warning": "unsettled"}) == ["unsettled"]
    assert not list_issues(SOUND)
