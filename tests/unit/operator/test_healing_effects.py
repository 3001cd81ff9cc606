"""A rollout is judged as `kubectl rollout status` judges it."""

from __future__ import annotations

from typing import Any

import pytest

from kubedom_operator.healing.effects import ActionFailed, rollout


def deployment(wanted: int | None = 3, **status: Any) -> dict[str, Any]:
    spec = {} if wanted is None else {"replicas": wanted}
    whole = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
    return {"metadata": {"name": "web"}, "spec": spec, "status": whole | status}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (deployment(observedGeneration=1), "Deployment web: waiting for its controller."),
        (deployment() | {"status": None}, "Deployment web: waiting for its controller."),
        (deployment(updatedReplicas=1, replicas=4), "Deployment web: 1 of 3 pods are new."),
        (deployment(replicas=5), "Deployment web: 2 old pods are still to go."),
        (deployment(availableReplicas=2), "Deployment web: 2 of 3 new pods are available."),
    ],
)
def test_it_goes_on(found: dict[str, Any], sentence: str) -> None:
    assert rollout(found, 2) == (False, sentence)


@pytest.mark.parametrize(
    ("found", "available"),
    [
        (deployment(), 3),
        (deployment(observedGeneration=7), 3),
        (deployment(None, replicas=1, updatedReplicas=1, availableReplicas=1), 1),
        ({"metadata": {"name": "web"}, "spec": {"replicas": 0}, "status": {"observedGeneration": 2}}, 0),
    ],
    ids=["all", "a later generation", "one by default", "scaled to zero"],
)
def test_it_is_complete(found: dict[str, Any], available: int) -> None:
    assert rollout(found, 2) == (True, f"Deployment web was restarted: {available} new pods are available.")


def test_a_passed_deadline_fails_it_with_the_controllers_words() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow"}
    with pytest.raises(ActionFailed, match="did not roll out in time: too slow"):
        rollout(deployment(updatedReplicas=1, conditions=[late]), 2)


def test_the_deadline_of_the_rollout_before_is_none_of_ours() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    assert rollout(deployment(observedGeneration=1, conditions=[late]), 2)[0] is False
