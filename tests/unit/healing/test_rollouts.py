"""A rollout is judged as `kubectl rollout status` judges it, and the container that is meant is found."""

from __future__ import annotations

from typing import Any

import pytest

from kubedom_operator.healing.effects.rollouts import choose_container, rollout
from kubedom_operator.healing.model import ActionFailed


def deployment(wanted: int | None = 3, **status: Any) -> dict[str, Any]:
    spec = {} if wanted is None else {"replicas": wanted}
    whole = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
    return {"kind": "Deployment", "metadata": {"name": "web", "generation": 2}, "spec": spec, "status": whole | status}


def stateful_set(partition: int = 0, **status: Any) -> dict[str, Any]:
    whole = {
        "observedGeneration": 2,
        "readyReplicas": 3,
        "updatedReplicas": 3,
        "currentRevision": "web-2",
        "updateRevision": "web-2",
    }
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    spec = {"replicas": 3, "updateStrategy": strategy}
    return {"kind": "StatefulSet", "metadata": {"name": "web", "generation": 2}, "spec": spec, "status": whole | status}


def daemon_set(**status: Any) -> dict[str, Any]:
    whole = {"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}
    return {"kind": "DaemonSet", "metadata": {"name": "web", "generation": 2}, "spec": {}, "status": whole | status}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (deployment(observedGeneration=1), "waiting for its controller."),
        (deployment() | {"status": None}, "waiting for its controller."),
        (deployment(updatedReplicas=1, replicas=4), "1 of 3 pods are new."),
        (deployment(replicas=5), "2 old pods are still to go."),
        (deployment(availableReplicas=2), "2 of 3 new pods are available."),
        (stateful_set(observedGeneration=1), "waiting for its controller."),
        (stateful_set(readyReplicas=2), "2 of 3 pods are ready."),
        (stateful_set(currentRevision="web-1", updatedReplicas=1), "1 of 3 pods are new."),
        (stateful_set(2, currentRevision="web-1", updatedReplicas=0), "0 of 1 pods from 2 on are new."),
        (daemon_set(updatedNumberScheduled=1), "1 of 3 pods are new."),
        (daemon_set(numberAvailable=2), "2 of 3 new pods are available."),
    ],
)
def test_it_goes_on(found: dict[str, Any], sentence: str) -> None:
    assert rollout(found) == (False, sentence)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (deployment(), "3 new pods are available."),
        (deployment(observedGeneration=7), "3 new pods are available."),
        (deployment(None, replicas=1, updatedReplicas=1, availableReplicas=1), "1 new pods are available."),
        (deployment(0) | {"status": {"observedGeneration": 2}}, "0 new pods are available."),
        (stateful_set(), "3 new pods are ready."),
        (
            stateful_set(2, currentRevision="web-1", updatedReplicas=1),
            "1 new pods are ready, those below 2 stay as they were.",
        ),
        (daemon_set(), "3 new pods are available."),
    ],
)
def test_it_is_complete(found: dict[str, Any], sentence: str) -> None:
    assert rollout(found) == (True, sentence)


def test_a_passed_deadline_fails_it_with_the_controllers_words() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow"}
    with pytest.raises(ActionFailed, match="did not roll out in time: too slow"):
        rollout(deployment(updatedReplicas=1, conditions=[late]))


def test_the_deadline_of_the_rollout_before_is_none_of_ours() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    assert rollout(deployment(observedGeneration=1, conditions=[late]))[0] is False


ONE = {"containers": [{"name": "main"}], "initContainers": [{"name": "prepare"}]}
TWO = {"containers": [{"name": "main"}, {"name": "proxy"}]}


@pytest.mark.parametrize(
    ("pod", "named", "found"),
    [
        (ONE, "", ("containers", "main")),
        (ONE, "prepare", ("initContainers", "prepare")),
        (TWO, "proxy", ("containers", "proxy")),
    ],
)
def test_the_container_that_is_named_or_the_only_one_is_meant(
    pod: dict[str, Any], named: str, found: tuple[str, str]
) -> None:
    field, container = choose_container(pod, named)
    assert (field, container["name"]) == found


@pytest.mark.parametrize(("named", "complaint"), [("", "several containers"), ("db", "no container db")])
def test_without_a_clear_container_the_names_are_said(named: str, complaint: str) -> None:
    with pytest.raises(ActionFailed, match=f"{complaint}.*main, proxy"):
        choose_container(TWO, named)
