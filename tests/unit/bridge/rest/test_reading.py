"""The pure parts of what is looked at: parameters, YAML, what uses a configuration, whose a field is."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubedom_bridge.bodies import BadBody
from kubedom_bridge.known_kinds import APPLIED, SHOWN, by_version
from kubedom_bridge.kube import ApiError, Cause
from kubedom_bridge.rest.applying import conflicts
from kubedom_bridge.rest.asking import BadQuery, name_of, namespace_of, number_of, seconds_of, truth_of
from kubedom_bridge.rest.objects import as_yaml
from kubedom_bridge.rest.usage import uses


@pytest.mark.parametrize(("text", "seconds"), [("7", 7), ("90s", 90), ("15m", 900), ("2h", 7_200), ("1d", 86_400)])
def test_a_time_that_has_passed(text: str, seconds: int) -> None:
    assert seconds_of(text, "since") == seconds


@pytest.mark.parametrize("text", ["", "s", "0s", "-1", "1.5h", "366d", "9999999999", "m5", "\uff15", "1w"])
def test_what_is_no_time_names_its_field(text: str) -> None:
    with pytest.raises(BadQuery) as caught:
        seconds_of(text, "since")
    assert caught.value.field == "since"


def test_numbers_have_bounds() -> None:
    assert (number_of("0", "tail", 5, least=0), number_of("5", "tail", 5)) == (0, 5)
    for text in ("6", "0", "-1", "+1", "1e3", "", " 1", "0x1"):
        with pytest.raises(BadQuery, match="whole number from 1 to 5"):
            number_of(text, "tail", 5)


@pytest.mark.parametrize("value", [True, "true", "ON", "1", "yes"])
def test_yes(value: object) -> None:
    assert truth_of(value, "dryRun") is True


@pytest.mark.parametrize("value", [False, "false", "Off", "0", "no", ""])
def test_no(value: object) -> None:
    assert truth_of(value, "dryRun") is False


@pytest.mark.parametrize("value", ["maybe", 1, 0, None, [], {}])
def test_neither(value: object) -> None:
    with pytest.raises(BadBody) as caught:
        truth_of(value, "dryRun")
    assert caught.value.field == "dryRun"


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "a%2fb", "a\nb", "x" * 254])
def test_a_name_is_one_step_of_a_path(value: str) -> None:
    with pytest.raises(BadQuery):
        name_of(value, "name")
    with pytest.raises(BadQuery):
        namespace_of(value)


def test_names_that_objects_really_have() -> None:
    for name in ("web", "system:node-proxier", "kube-root-ca.crt", "A_b"):
        assert name_of(name, "name") == name
    assert namespace_of("kube-system") == "kube-system"
    with pytest.raises(BadQuery):
        namespace_of("a.b")


def test_yaml_is_without_what_only_machines_read() -> None:
    last, other = "kubectl.kubernetes.io/last-applied-configuration", "example.org/owner"
    found: dict[str, Any] = {
        "kind": "ConfigMap",
        "metadata": {"name": "a", "managedFields": [{}], "annotations": {last: "{}", other: "grün"}},
        "data": {"text": "one\ntwo\n", "no": "no"},
    }
    text = as_yaml(found)
    assert yaml.safe_load(text) == {
        "kind": "ConfigMap",
        "metadata": {"name": "a", "annotations": {other: "grün"}},
        "data": {"text": "one\ntwo\n", "no": "no"},
    }
    assert "grün" in text
    del found["metadata"]["annotations"][other]
    assert "annotations" not in as_yaml(found)
    assert found["metadata"]["managedFields"], "what is shown is a copy"


POD: dict[str, Any] = {
    "volumes": [
        {"name": "a", "configMap": {"name": "by-volume"}},
        {"name": "b", "secret": {"secretName": "by-volume"}},
        {
            "name": "c",
            "projected": {"sources": [{"configMap": {"name": "projected"}}, {"secret": {"name": "projected"}}]},
        },
        {"name": "d", "emptyDir": {}},
    ],
    "initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "by-init"}}]}],
    "containers": [
        {
            "name": "c",
            "envFrom": [{"configMapRef": {"name": "by-environment"}}],
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "by-variable", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "by-variable", "key": "b"}}},
                {"name": "C", "value": "by-value"},
            ],
        }
    ],
}


@pytest.mark.parametrize(
    ("kind", "name", "used"),
    [
        ("ConfigMap", "by-volume", True),
        ("ConfigMap", "projected", True),
        ("ConfigMap", "by-environment", True),
        ("ConfigMap", "by-variable", True),
        ("ConfigMap", "by-init", False),
        ("ConfigMap", "by-value", False),
        ("Secret", "by-volume", True),
        ("Secret", "projected", True),
        ("Secret", "by-init", True),
        ("Secret", "by-variable", True),
        ("Secret", "by-environment", False),
    ],
)
def test_what_a_pod_uses(kind: str, name: str, used: bool) -> None:
    assert uses(POD, kind, name) is used
    assert not uses({}, kind, name)


def test_a_conflict_says_whose_each_field_is() -> None:
    causes = [
        Cause("FieldManagerConflict", ".data.title", 'conflict with "kubectl-create" using v1'),
        Cause("FieldManagerConflict", ".spec.replicas", 'conflict with "hpa" with subresource "scale" using apps/v1'),
        Cause("FieldManagerConflict", ".data.more", "something new"),
        Cause("FieldValueInvalid", ".data", "no"),
    ]
    assert conflicts(ApiError(409, "Conflict", "no", causes)) == [
        {"field": ".data.title", "manager": "kubectl-create"},
        {"field": ".spec.replicas", "manager": "hpa"},
        {"field": ".data.more", "manager": "something new"},
    ]


def test_the_known_kinds_are_found_in_their_version_alone() -> None:
    deployment = by_version("apps/v1", "Deployment")
    assert deployment is not None
    assert deployment.path("shop", "web") == "/apis/apps/v1/namespaces/shop/deployments/web"
    assert by_version("apps/v1beta1", "Deployment") is None
    assert by_version("v1", "Nothing") is None
    assert "Secret" not in SHOWN
    assert set(APPLIED) - {"Secret"} <= set(SHOWN)
