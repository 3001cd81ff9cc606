from typing import Any

import msgspec

from kubedom_operator.diagnosis import Owner, transitions, workload_of

from .objects import container, ended, pod, running


def test_a_restart_is_told_once_by_its_count() -> None:
    before = pod(container(running(60)))
    after = pod(container(running(1), ended(3, finished=2), restarts=2))
    (restart,) = transitions(before, after)
    assert (restart.kind, restart.container) == ("ContainerRestarted", "main")
    assert {"restartCount": 2, "restarts": 2, "exitCode": 3}.items() <= restart.detail.items()
    assert transitions(after, after) == ()
    assert transitions(None, after) == ()
    other = msgspec.structs.replace(after, metadata=msgspec.structs.replace(after.metadata, uid="other"))
    assert transitions(before, other) == ()


def owned(kind: str, name: str, **labels: str) -> Any:
    owner = {"kind": kind, "name": name, "uid": "u", "controller": True}
    return pod(container(running()), meta={"ownerReferences": [owner], "labels": labels})


def test_a_pod_belongs_to_the_deployment_behind_its_replica_set() -> None:
    hashed = {"pod-template-hash": "6df97c85dd"}
    assert workload_of(owned("ReplicaSet", "my-web-6df97c85dd", **hashed)) == Owner("Deployment", "my-web", None)
    assert workload_of(owned("ReplicaSet", "alone")) == Owner("ReplicaSet", "alone", "u")
    assert workload_of(owned("StatefulSet", "db")) == Owner("StatefulSet", "db", "u")
    assert workload_of(pod(container(running()))) is None
