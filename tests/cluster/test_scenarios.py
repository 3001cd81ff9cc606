"""Each file of deploy/kind/scenarios does what its head says: what is applied, what arrives, and how it is mended.

The commands are run as they stand there, but for the namespace; `kubedom events --follow` tells what arrives.
"""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import Cluster
from tests.following import Following
from tests.running import wait_for

from kubedom_operator import local
from kubedom_operator.events.asked import read_until

pytestmark = pytest.mark.cluster

FOLDER = Path(__file__).parents[2] / "deploy" / "kind" / "scenarios"
FILES = sorted(FOLDER.glob("*.yaml"))
HEAD = re.compile(r"^# (Apply|Arrives|Mend|Then): +(.+)$", re.MULTILINE)


@dataclass
class Scenario:
    """What the head of a file says."""

    name: str
    apply: list[str] = field(default_factory=list)
    arrives: list[str] = field(default_factory=list)
    mend: list[str] = field(default_factory=list)
    then: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, file: Path) -> Scenario:
        made = cls(file.stem)
        for word, value in HEAD.findall(file.read_text()):
            getattr(made, word.lower()).extend([value] if word in {"Apply", "Mend"} else value.split())
        return made


class Stage:
    """All scenarios at once, each in a namespace of its own, and everything that arrives."""

    def __init__(self, cluster: Cluster, following: Following) -> None:
        self._cluster = cluster
        self._following = following
        self._namespaces: dict[str, str] = {}
        self._mended: dict[str, int] = {}

    def begin(self, scenario: Scenario) -> None:
        name = self._namespaces[scenario.name] = f"kubedom-test-{uuid.uuid4().hex[:8]}"
        self._cluster.kubectl("create", "namespace", name)
        account = ("serviceaccounts", f"--namespace={name}")
        wait_for("the namespace's account", lambda: self._cluster.get(*account)["items"])
        for command in scenario.apply:
            self._run(command, name)

    def mend(self, scenario: Scenario) -> None:
        self._mended[scenario.name] = len(self._following.lines)
        for command in scenario.mend:
            self._run(command, self._namespaces[scenario.name])

    def arrived(self, scenario: Scenario, promised: list[str]) -> bool:
        """Whether all this came, in this order, since it was mended."""
        namespace, wanted = self._namespaces[scenario.name], list(promised)
        for event in self._following.events()[self._mended.get(scenario.name, 0) :]:
            if wanted and _is(event, wanted[0], namespace):
                del wanted[0]
        return not wanted

    def shown(self, scenario: Scenario) -> list[str]:
        namespace = self._namespaces[scenario.name]
        return [f"{one['type']}/{_name(one)}" for one in self._following.events() if _within(one, namespace)]

    def end(self) -> None:
        self._cluster.kubectl("delete", "namespace", *self._namespaces.values(), "--wait=false")

    def _run(self, command: str, namespace: str) -> None:
        here = command.replace("-n scenarios", f"-n {namespace}").replace("/scenarios/", f"/{namespace}/")
        kubectl = local.find_kubectl().path
        # kubectl has no variable that chooses a context.
        called = f'kubectl() {{ "{kubectl}" --context="{self._cluster.context}" "$@"; }}; set -euo pipefail; {here}'
        done = subprocess.run(
            ["bash", "-c", called],
            cwd=FOLDER,
            env=os.environ | {"KUBECONFIG": str(self._cluster.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{here}: {done.stderr}"


def _name(event: dict[str, Any]) -> str:
    return str(event["subject"]).rpartition("/")[2]


def _within(event: dict[str, Any], namespace: str) -> bool:
    return event.get("namespace", "") in {namespace, ""}


def _is(event: dict[str, Any], promised: str, namespace: str) -> bool:
    event_type, _, name = promised.partition("/")
    return event["type"] == event_type and fnmatchcase(_name(event), name) and _within(event, namespace)


@pytest.fixture(scope="module")
def stage(cluster: Cluster) -> Iterator[Stage]:
    which = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}")
    with Following("--follow", "--output=json", *which) as following:
        following.started()
        made = Stage(cluster, following)
        try:
            for file in FILES:
                made.begin(Scenario.of(file))
            yield made
        finally:
            made.end()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_promised_arrives_and_is_over_when_mended(stage: Stage, file: Path) -> None:
    scenario = Scenario.of(file)
    try:
        wait_for(
            "what is promised",
            lambda: stage.arrived(scenario, scenario.arrives),
            seconds=150,
        )
        stage.mend(scenario)
        wait_for("its end", lambda: stage.arrived(scenario, scenario.then), seconds=120)
    except AssertionError as error:
        raise AssertionError(
            f"{error}: {scenario.arrives} then {scenario.then}, came {stage.shown(scenario)}"
        ) from None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_head_is_complete(file: Path) -> None:
    scenario = Scenario.of(file)
    assert scenario.apply
    assert scenario.arrives
    for promised in (*scenario.arrives, *scenario.then):
        assert read_until(promised, ()).name != "*" or promised.endswith("/*")
    objects = [one for one in yaml.safe_load_all(file.read_text()) if one]
    assert bool(objects) == any(f"apply -f {file.name}" in command for command in scenario.apply)
    assert all("namespace" not in one["metadata"] for one in objects)


def test_the_readme_lists_them_all() -> None:
    readme = (FOLDER / "README.md").read_text()
    for file in FILES:
        assert f"]({file.name})" in readme, file.name
        for promised in Scenario.of(file).arrives:
            assert f"`{promised.partition('/')[0]}`" in readme, promised
