"""What is installed is valid: by schema, by kube-score, and in a restricted namespace of a real API server."""

from __future__ import annotations

import json

import pytest
import yaml
from tests.conftest import Cluster
from tests.deploy.charting import VALUES, templated
from tests.deploy.conftest import Run
from tests.deploy.rendering import OVERLAYS, WORKLOADS, Manifest, overlay, pods

pytestmark = pytest.mark.cluster

#: What kube-score asks for, and why it is not so here.
NOT_SCORED = {
    "container-image-pull-policy": "images are named by a version or a digest, and neither changes",
    "deployment-replicas": "the process that heals is one: two would both heal",
    "deployment-strategy": "and it ends before the next one starts",
    "deployment-has-host-podantiaffinity": "topology spread constraints do it, also with fewer nodes than bridges",
}
#: And limits of CPU: they throttle a process whose work comes in bursts. Each container requests some.
NO_CPU_LIMIT = "--ignore-container-cpu-limit"


@pytest.fixture(params=[*(f"overlay {name}" for name in OVERLAYS), *(f"chart {name}" for name in VALUES)])
def installed(request: pytest.FixtureRequest, run: Run) -> list[Manifest]:
    way, name = request.param.split()
    return overlay(name) if way == "overlay" else templated(run, f"--values={VALUES[name]}")


def test_every_object_has_fields_of_its_kind_only(run: Run, schema_location: str, installed: list[Manifest]) -> None:
    assert conform(run, schema_location, installed) == (len(installed), [])


def test_a_field_that_no_kind_has_is_found_in_every_workload(run: Run, schema_location: str) -> None:
    objects = [each for each in overlay("scaled-out") if each["kind"] in WORKLOADS]
    for each in objects:
        each["spec"]["template"]["spec"]["securityContexts"] = {}
    valid, invalid = conform(run, schema_location, objects)
    assert (valid, len(invalid)) == (0, len(objects))


def test_kube_score_finds_nothing(run: Run, installed: list[Manifest]) -> None:
    ignored = [f"--ignore-test={name}" for name in NOT_SCORED]
    text = yaml.safe_dump_all(installed)
    done = run("kube-score", "score", "--output-format=ci", *ignored, NO_CPU_LIMIT, "-", stdin=text)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    assert [line for line in lines if not line.startswith(("[OK]", "[SKIPPED]"))] == []


def test_a_restricted_namespace_takes_every_object_and_pod(
    every_kind: Cluster, restricted: str, installed: list[Manifest]
) -> None:
    make_accounts(every_kind, installed)
    taken(every_kind, [*installed, *pods(installed, restricted)])


def test_a_restricted_namespace_refuses_a_pod_that_may_be_root(every_kind: Cluster, restricted: str) -> None:
    objects = overlay("cluster-wide")
    make_accounts(every_kind, objects)
    (pod,) = pods(objects, restricted)
    del pod["spec"]["securityContext"]
    with pytest.raises(AssertionError, match=r"violates PodSecurity \"restricted.*runAsNonRoot"):
        taken(every_kind, [pod])


def conform(run: Run, location: str, objects: list[Manifest]) -> tuple[int, list[str]]:
    """How many of these objects are valid, and what is wrong with the others."""
    options = ("-strict", "-summary", "-output=json", f"-schema-location={location}")
    answer = json.loads(run("kubeconform", *options, stdin=yaml.safe_dump_all(objects)).stdout)
    found = [f"{each['kind']}/{each['name']}: {each['msg']}" for each in answer.get("resources") or ()]
    return answer["summary"]["valid"], found


def make_accounts(cluster: Cluster, objects: list[Manifest]) -> None:
    """Make the service accounts for real: no pod is taken without its own."""
    accounts = [each for each in objects if each["kind"] == "ServiceAccount"]
    assert accounts, "nothing is run as an account of its own"
    text = yaml.safe_dump_all(accounts)
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=text)


def taken(cluster: Cluster, objects: list[Manifest]) -> None:
    """Let the API server judge these objects, and make none of them."""
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--warnings-as-errors")
    cluster.kubectl("apply", *options, "--filename=-", stdin=yaml.safe_dump_all(objects))
