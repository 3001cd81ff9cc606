"""The chart holds to its own rules: lint, its unit tests, and the tests of its alerts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml
from tests.deploy.charting import CHART, VALUES, templated
from tests.deploy.conftest import Run
from tests.deploy.tools import ROOT

RULES = "PrometheusRule"
ALERT_TESTS = sorted(CHART.joinpath("tests", "alerts").glob("*.yaml"))


def test_it_is_of_the_projects_version() -> None:
    about = yaml.safe_load(CHART.joinpath("Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {about["version"], about["appVersion"]} == {project["version"]}


@pytest.mark.parametrize("name", VALUES)
def test_lint_finds_nothing(run: Run, name: str) -> None:
    done = run("helm", "lint", "--strict", CHART, f"--values={VALUES[name]}", "--namespace=kubedom")
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_unit_tests_pass(run: Run) -> None:
    done = run("helm-unittest", CHART)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Test Suites: 0 passed" not in done.stdout


def test_its_alerts_fire_when_they_have_to_and_only_then(run: Run, tmp_path: Path) -> None:
    """The tests beside the chart name the rules as `rules.yaml`: those that it renders."""
    rules = [each for name in VALUES for each in templated(run, f"--values={VALUES[name]}") if each["kind"] == RULES]
    assert rules, "no values file switches the PrometheusRule on"
    tmp_path.joinpath("rules.yaml").write_text(yaml.safe_dump({"groups": rules[0]["spec"]["groups"]}))
    checked = run("promtool", "check", "rules", "--lint-fatal", tmp_path / "rules.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for file in ALERT_TESTS:
        tmp_path.joinpath(file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
        tested = run("promtool", "test", "rules", tmp_path / file.name)
        assert tested.returncode == 0, tested.stdout + tested.stderr
    alerts = {rule["alert"] for group in rules[0]["spec"]["groups"] for rule in group["rules"] if "alert" in rule}
    tests = "".join(file.read_text(encoding="utf-8") for file in ALERT_TESTS)
    assert {name for name in alerts if f"alertname: {name}\n" not in tests} == set()
