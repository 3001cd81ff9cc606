"""A real kubelet's recordings, replayed: exactly the troubles that were there, each begun once."""

import pytest

from kubedom_operator.diagnosis import CATALOGUE, pod_status
from kubedom_operator.projection import seconds

from .replay import RECORDED, Replay, recording

EXPECTED = {
    ("Pod", "crash-exit-3"): ["ContainerFailed", "ContainerCrashLoop"],
    ("Pod", "killed-137"): ["ContainerFailed", "ContainerCrashLoop"],
    ("Pod", "deploy-crashes"): ["ContainerFailed", "ContainerCrashLoop"],
    ("Pod", "completes-again-and-again"): ["ContainerCrashLoop"],
    ("Pod", "init-fails"): ["InitFailed"],
    ("Pod", "oom-main"): ["ContainerOOMKilled"],
    ("Pod", "never-pull"): ["ImagePull"],
    ("Pod", "pull-refused"): ["ImagePull"],
    ("Pod", "deploy-bad-image"): ["ImagePull"],
    ("Pod", "config-missing"): ["ContainerConfig"],
    ("Pod", "mount-missing"): ["VolumeMount"],
    ("Pod", "command-not-found"): ["ContainerConfig"],
    ("Pod", "liveness-fails"): ["LivenessKilled"],
    ("Pod", "readiness-fails"): ["NotReady"],
    ("Pod", "too-big"): ["Unschedulable"],
    ("Pod", "no-such-node"): ["Unschedulable"],
    ("Pod", "deadline"): ["PodFailed"],
    ("Pod", "never-fails"): ["ContainerFailed"],
    ("Pod", "job-fails"): ["ContainerFailed"],
    ("Job", "job-fails"): ["JobRetrying", "JobFailed"],
    ("Job", "job-deadline"): ["JobFailed"],
    ("Deployment", "deploy-bad-image"): ["DeploymentRolloutStuck"],
    ("Deployment", "deploy-crashes"): ["DeploymentUnavailable"],
    ("PersistentVolumeClaim", "no-class"): ["PVCPending"],
}
TWO_PODS = {"deploy-crashes", "deploy-bad-image", "job-fails"}


def case(kind: str, name: str) -> str:
    return next((one for one in TWO_PODS if kind == "Pod" and name.startswith(one + "-")), name)


def test_each_trouble_of_the_recording_begins_once_and_nothing_healthy_has_one() -> None:
    played = Replay().play(recording())
    found = [((one.kind, case(one.kind, one.name)), one.kinds) for one in played.all]
    wanted = [
        item for item in EXPECTED.items() for _ in range(2 if item[0][0] == "Pod" and item[0][1] in TWO_PODS else 1)
    ]
    assert sorted(found) == sorted(wanted)
    assert [one.name for one in played.all if one.ended is not None] == []


@pytest.mark.parametrize("moment", ["23:24:20Z", "23:24:45Z", "23:25:20Z", "23:26:10Z", "23:27:15Z"])
def test_a_restart_at_any_moment_finds_the_same_troubles_from_a_list_alone(moment: str) -> None:
    at = seconds(f"2026-11-23T{moment}")
    assert at is not None
    before = Replay().play([one for one in recording() if one.time <= at], until=at)
    after = Replay(now=at, objects=before.objects, events=before.events)
    for uid in before.objects:
        after.look(uid)
    # What has no time of its own is seen anew; everything else is there at once.
    assert {key for key, one in after.open.items()} == {key for key, one in before.open.items()}


def test_a_lost_node_and_its_pods_are_not_ready_and_recover() -> None:
    played = Replay().play(recording("nodedown-"))
    found = sorted(
        (one.kind, one.name.rpartition("-")[0] if one.kind == "Pod" else one.name, *one.kinds) for one in played.all
    )
    assert found == [
        ("Node", "real-1", "NodeNotReady"),
        ("Pod", "web-5fc9f48586", "StuckTerminating"),
        ("Pod", "web-5fc9f48586", "StuckTerminating"),
        ("Pod", "web-7d5bf45fd9", "NotReady"),
        ("Pod", "web-7d5bf45fd9", "NotReady"),
    ]
    assert played.open == {}


def test_families_hold_together_what_recovers_together() -> None:
    for kind in CATALOGUE.values():
        same = {one.recovery_event for one in CATALOGUE.values() if one.family == kind.family}
        assert len(same) == 1, kind.family


def test_the_display_is_what_kubectl_printed() -> None:
    printed = {line.split()[0]: line for line in (RECORDED / "kubectl-get-pods.txt").read_text().splitlines()[1:]}
    now = seconds("2026-11-23T23:27:31Z")
    assert now is not None
    pods = {}
    for step in recording():
        if step.kind != "Pod":
            continue
        if step.object.metadata.name == "healthy" and step.object.metadata.deletion_timestamp:
            break
        pods[step.object.metadata.name] = step.object
        if step.type == "DELETED":
            del pods[step.object.metadata.name]
    assert pods.keys() == printed.keys()
    for name, one in pods.items():
        shown = pod_status(one, now)
        ago = "" if shown.restarted_at is None else f" ({_human(now - shown.restarted_at)} ago)"
        row = [f"{shown.ready}/{shown.total}", shown.status, f"{shown.restarts}{ago}"]
        assert printed[name].split(None, 3)[1:3] == row[:2]
        assert f" {row[2]} " in printed[name]


def _human(age: float) -> str:
    if age < 120:
        return f"{age:.0f}s"
    return f"{age // 60:.0f}m{age % 60:.0f}s"
