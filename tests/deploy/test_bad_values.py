"""A value that cannot be is refused when the chart is rendered, by a sentence with its name and the remedy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.deploy.charting import CHART, rendering
from tests.deploy.conftest import Run
from tests.deploy.rendering import parsed

EXTERNAL = ("--set=nats.mode=external", "--set=nats.urls={nats://nats:4222}")
PROXY = "--set=signIn.trustedProxies={10.0.3.7/32}"
#: What is set, and the words that the sentence must have.
BAD = [
    (["--set=nats.mode=redis"], ["nats", "mode", "none", "bundled", "external"]),
    (["--set=nats.mode=external"], ["nats.urls does not say", "Set nats.urls"]),
    (["--set=nats.urls={nats://nats:4222}"], ["nats.mode is none", "Set nats.mode to external"]),
    (["--set=nats.mode=external", "--set=nats.urls={http://nats}"], ["/nats/urls/0"]),
    (["--set=nats.mode=external", "--set=nats.urls={nats://me:word@nats:4222}"], ["/nats/urls/0"]),
    ([*EXTERNAL], ["nats.auth is password", "nats.existingSecret"]),
    (["--set=nats.mode=bundled", "--set=nats.auth=creds"], ["nats.auth is creds", "Leave nats.auth out"]),
    (["--set=nats.mode=bundled", "--set=nats.caSecret=ca"], ["nats.caSecret", "nats.mode to external"]),
    (["--set=nats.prefix=a.b"], ["/nats/prefix"]),
    (["--set=noSuchValue=1"], ["noSuchValue"]),
    (["--set=bridge.replica=1"], ["/bridge", "replica"]),
    (["--set=bridge.replicas=0"], ["/bridge/replicas", "1"]),
    (["--set=bridge.replicas=many"], ["/bridge/replicas", "integer"]),
    (["--set=bridge.resources.limit.cpu=1"], ["/bridge/resources", "limit"]),
    (["--set=bridge.autoscaling.enabled=true"], ["bridge.autoscaling.enabled", "Set nats.mode"]),
    (
        ["--set=nats.mode=bundled", "--set=bridge.autoscaling.enabled=true", "--set=bridge.autoscaling.minReplicas=11"],
        ["minReplicas is 11", "maxReplicas, 10"],
    ),
    (["--set=image.digest=latest"], ["/image/digest", "sha256"]),
    (["--set=origins={kubedom.example.org}"], ["/origins/0"]),
    (["--set=origins={https://kubedom.example.org/}"], ["/origins/0"]),
    (["--set=scope=all"], ["/scope", "cluster", "namespace"]),
    (["--set=signIn.token=false"], ["Nobody could sign in", "signIn.trustedProxies"]),
    (["--set=signIn.trustedProxies={0.0.0.0/0}"], ["signIn.trustedProxies has 0.0.0.0/0", "10.0.3.7/32"]),
    (["--set=signIn.trustedProxies={proxy}"], ["/signIn/trustedProxies/0"]),
    ([PROXY, "--set=signIn.token=false", "--set=signIn.audiences={a}"], ["signIn.audiences", "Set signIn.token"]),
    (["--set=signIn.proxiedDeploys=true"], ["signIn.trustedProxies is empty", "Name the proxy"]),
    (["--set=ingress.enabled=true"], ["Set ingress.hosts"]),
    (["--set=ingress.enabled=true", "--set=ingress.hosts={https://a.example.org}"], ["/ingress/hosts/0"]),
    (["--set=httpRoute.enabled=true"], ["httpRoute.parentRefs does not name the Gateway"]),
    (["--set=httpRoute.enabled=true", "--set=httpRoute.parentRefs[0].name=a"], ["httpRoute.hostnames"]),
    (["--set=httpRoute.timeout=soon"], ["/httpRoute/timeout"]),
    (["--set=watching.hold.NodeNotReady=long"], ["/watching/hold/NodeNotReady", "number"]),
    (["--set=watching.hold.unavailable=30"], ["/watching/hold", "unavailable"]),
    (["--set=serving.drainSeconds=601"], ["/serving/drainSeconds", "600"]),
    (["--set=serving.defaultDeployment=web"], ["/serving/defaultDeployment"]),
    (["--set=traces.enabled=true"], ["traces.endpoint", "http://collector.tracing:4318"]),
    (["--set=nats.bundled.storage.size=much"], ["/nats/bundled/storage/size"]),
]


@pytest.mark.parametrize(("options", "words"), BAD, ids=lambda value: " ".join(value))
def test_the_sentence_names_the_value_and_the_remedy(run: Run, options: list[str], words: list[str]) -> None:
    text, why = rendering(run, *options)
    assert not text
    assert [word for word in words if word not in why] == [], why
    assert "nil pointer" not in why


def test_a_kind_that_the_api_server_does_not_know_is_named(run: Run) -> None:
    for value, group in {
        "monitoring.serviceMonitor.enabled": "monitoring.coreos.com/v1",
        "monitoring.prometheusRule.enabled": "monitoring.coreos.com/v1",
        "httpRoute.enabled": "gateway.networking.k8s.io/v1",
    }.items():
        complete = ("--set=httpRoute.parentRefs[0].name=a", "--set=httpRoute.hostnames={a.example.org}")
        done = run("helm", "template", "kubedom", CHART, f"--set={value}=true", *complete)
        assert done.returncode != 0
        assert f"{value} is set, and the API server does not know {group}" in done.stderr


def test_deploying_for_a_proxys_users_needs_a_newer_server(run: Run) -> None:
    _, why = rendering(run, PROXY, "--set=signIn.proxiedDeploys=true", version="1.35.0")
    assert "signIn.proxiedDeploys needs Kubernetes 1.36, and this is v1.35.0. Set it to false" in why


def test_who_may_make_no_policies_installs_without_and_is_told_who_can(run: Run) -> None:
    text, why = rendering(run, "--set=admission.enabled=false")
    assert not why
    assert [each["kind"] for each in parsed(text) if "Admission" in each["kind"]] == []
    notes = run("helm", "install", "kubedom", CHART, "--dry-run=client", "--set=admission.enabled=false").stdout
    assert "Nothing is healed until an administrator has applied the policies" in notes
    assert "kubectl apply -f deploy/admission" in notes


def objects_of(schema: Any) -> list[dict[str, Any]]:
    """Every object that a schema describes, at every depth."""
    if isinstance(schema, list):
        return [each for one in schema for each in objects_of(one)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" and "properties" in schema else []
    return own + [each for one in schema.values() for each in objects_of(one)]


def test_no_part_of_the_values_takes_a_name_that_it_does_not_know() -> None:
    found = objects_of(json.loads(CHART.joinpath("values.schema.json").read_text(encoding="utf-8")))
    assert len(found) > 20
    assert [each for each in found if each.get("additionalProperties") is not False] == []
