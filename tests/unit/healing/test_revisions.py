"""The revision to go back to is chosen as `kubectl rollout undo` does, and comes back without what was generated."""

from __future__ import annotations

import pytest

from kubedom_operator.healing.effects.revisions import Revision, choose, of_controller_revision, of_replica_set
from kubedom_operator.healing.model import ActionFailed

THREE = [Revision(number, {}) for number in (3, 1, 7)]


@pytest.mark.parametrize(("wanted", "number"), [(None, 3), (1, 1), (3, 3)])
def test_the_one_before_or_the_one_that_is_named(wanted: int | None, number: int) -> None:
    assert choose("Deployment web", THREE, wanted) == (7, Revision(number, {}))


@pytest.mark.parametrize(
    ("revisions", "wanted", "complaint"),
    [
        (THREE, 7, "is at revision 7 already"),
        (THREE, 2, "has no revision 2. Before the current one it has 1, 3"),
        (THREE[:1], None, "has no revision before the current one"),
        ([], None, "has no revision before the current one"),
    ],
)
def test_what_cannot_be_gone_back_to_is_said(revisions: list[Revision], wanted: int | None, complaint: str) -> None:
    with pytest.raises(ActionFailed, match=complaint):
        choose("Deployment web", revisions, wanted)


def test_a_replica_sets_template_comes_back_without_its_hash() -> None:
    found = {
        "metadata": {"annotations": {"deployment.kubernetes.io/revision": "4", "kubernetes.io/change-cause": "why"}},
        "spec": {
            "template": {
                "metadata": {"labels": {"app": "web", "pod-template-hash": "abc"}, "annotations": {"a": "b"}},
                "spec": {"containers": []},
            }
        },
    }
    template = {"$patch": "replace", "metadata": {"labels": {"app": "web"}, "annotations": {"a": "b"}}}
    assert of_replica_set(found) == (4, {"spec": {"template": template | {"spec": {"containers": []}}}}, "why")
    assert found["spec"]["template"]["metadata"]["labels"] == {"app": "web", "pod-template-hash": "abc"}


def test_a_controller_revision_is_its_own_patch() -> None:
    assert of_controller_revision({"revision": 5, "data": {"spec": {}}}) == (5, {"spec": {}}, None)
