"""What is not on the projection's list never reaches the journal, whatever kind of object it stands in."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.diagnosis.objects import NOW, container, ended, metadata, running

from kubedom_bridge.journal import Journal
from kubedom_bridge.protocol import Entry
from kubedom_operator.pipeline import Pipeline
from kubedom_operator.projection import KINDS, UnreadableObject, from_object, minimal

SENTINEL = "s3ntinel-of-a-secret"


def hidden(**more: Any) -> dict[str, Any]:
    """Metadata with a secret wherever clients and people put one."""
    applied = "kubectl.kubernetes.io/last-applied-configuration"
    return metadata("x", resourceVersion="1", **more) | {
        "annotations": {"note": SENTINEL, applied: f'{{"spec": "{SENTINEL}"}}', SENTINEL: "x"},
        "managedFields": [{"manager": SENTINEL, "fieldsV1": {f"f:{SENTINEL}": {}}}],
    }


def pod_spec() -> dict[str, Any]:
    secret_container = {
        "name": "main",
        "image": "busybox",
        "command": ["sh", SENTINEL],
        "args": [f"--password={SENTINEL}"],
        "env": [{"name": "PASSWORD", "value": SENTINEL}],
        "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": SENTINEL}]}},
        "lifecycle": {"postStart": {"exec": {"command": [SENTINEL]}}},
    }
    return {"nodeName": "n", "restartPolicy": "Always", "containers": [secret_container], "initContainers": []}


def objects(kind: str) -> list[dict[str, Any]]:
    template = {"metadata": hidden(), "spec": pod_spec()}
    if kind == "Pod":
        failing = {"phase": "Running", "containerStatuses": [container(ended(1))]}
        return [
            {"metadata": hidden(), "spec": pod_spec(), "status": status}
            for status in ({"phase": "Running", "containerStatuses": [container(running())]}, failing)
        ]
    job = {"template": template}
    spec = {"template": template, "jobTemplate": {"metadata": hidden(), "spec": job}, "data": {"password": SENTINEL}}
    return [{"metadata": hidden(), "spec": spec, "status": {}, "data": {"key": SENTINEL}, "stringData": SENTINEL}]


def journal() -> tuple[Journal, list[bytes], Pipeline]:
    written: list[bytes] = []
    kept = Journal(clock=lambda: 0.0)
    kept.follow(lambda records: written.extend(record.encoded for record in records))

    def publish(entries: list[Entry]) -> None:
        kept.publish(entries)

    return kept, written, Pipeline("test", publish, clock=lambda: NOW)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "Event"])
def test_a_secret_never_reaches_the_journal(kind: str) -> None:
    kept, written, pipeline = journal()
    for at, body in enumerate(objects(kind)):
        body["metadata"]["resourceVersion"] = str(at)
        pipeline.changed(kind, from_object(kind, body))
    pipeline.gone(kind, "uid-x")
    told = b"\n".join([*written, *(record.encoded for record in kept.snapshot().states)])
    assert SENTINEL.encode() not in told


def test_an_object_that_cannot_be_read_shows_no_more_than_its_name() -> None:
    _, written, pipeline = journal()
    body = objects("Pod")[0]
    body["status"]["containerStatuses"][0]["restartCount"] = SENTINEL
    with pytest.raises(UnreadableObject) as problem:
        from_object("Pod", body)
    pipeline.unreadable(problem.value, minimal("Pod", body))
    assert written, "it is shown as it is"
    assert SENTINEL.encode() not in b"\n".join(written)
    assert SENTINEL not in str(problem.value)


def test_the_list_would_be_noticed_if_it_let_a_secret_through() -> None:
    """What is on the list does reach the journal, so that these tests can fail."""
    _, written, pipeline = journal()
    body = objects("Pod")[0]
    body["metadata"]["labels"] = {"told": SENTINEL}
    pipeline.changed("Pod", from_object("Pod", body))
    assert SENTINEL.encode() in b"\n".join(written)
