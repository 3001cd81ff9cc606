"""The local control plane, asked itself: what it is, that it keeps to loopback, breaks as told and comes back."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Cluster

from kubedom_bridge.errors import KubedomError
from kubedom_operator import local
from kubedom_operator.local.binaries import cache_folder
from kubedom_operator.local.cluster import state_folder

pytestmark = pytest.mark.cluster
BEHAVIOUR = "demo.kubedom.dev/behaviour"
WAITING = "Another kubedom is starting a cluster; waiting for it."


def eventually(what: Callable[[], Any], within: float = 30) -> Any:
    deadline = time.monotonic() + within
    while not (found := what()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)
    return found


def pod(name: str, behaviour: str | None = None, **annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {BEHAVIOUR: behaviour} if behaviour else {},
            "annotations": {f"demo.kubedom.dev/{key.replace('_', '-')}": value for key, value in annotations.items()},
        },
        "spec": {"containers": [{"name": "main", "image": "example/main:1"}, {"name": "side", "image": "side:1"}]},
    }


class Watched:
    """Every distinct state of a pod's first container, in order."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._get = lambda: cluster.get("pod", name, f"--namespace={namespace}")
        self.states: list[str] = []

    def look(self) -> list[str]:
        status = self._get()["status"]
        for container in status.get("containerStatuses", [])[:1]:
            (kind, state), *_ = container["state"].items()
            text = f"{container['restartCount']} {state.get('reason', kind)}"
            if text not in self.states[-1:]:
                self.states.append(text)
        return self.states


@pytest.fixture
def scratch(local_cluster: local.LocalCluster) -> Iterator[str]:
    """The name of a second cluster, which is removed afterwards."""
    name = f"{local_cluster.name}-scratch"
    yield name
    local.find_cluster(name).delete()


def test_it_is_the_pinned_kubernetes_and_its_nodes_are_ready(cluster: Cluster, local_cluster: Any) -> None:
    assert local_cluster.request("GET", "/version")["gitVersion"] == local.find_pins().version_of("kube-apiserver")
    conditions = [
        condition["status"]
        for node in cluster.get("nodes")["items"]
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    assert conditions == ["True"] * 3


def test_every_socket_is_on_loopback_and_below_the_kernels_own_ports(local_cluster: local.LocalCluster) -> None:
    if shutil.which("ss") is None:
        pytest.skip("needs ss")
    pids = {f"pid={component.pid()}," for component in local_cluster.components.values()}
    listening = [
        line.split()[3]
        for line in subprocess.check_output(["ss", "-Hltnp"], text=True).splitlines()
        if any(pid in line for pid in pids)
    ]
    assert len(listening) == 6
    for address in listening:
        host, _, port = address.rpartition(":")
        assert host == "127.0.0.1"
        assert int(port) < 32_768


def test_the_kubeconfig_is_complete_in_itself_and_private(
    local_cluster: local.LocalCluster, tmp_path: Path, namespace: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copy(local_cluster.kubeconfig, copy)
    assert local_cluster.kubeconfig.stat().st_mode & 0o077 == 0
    moved = Cluster(copy, local_cluster.context, local_cluster.server)
    assert moved.get("namespace", namespace)["metadata"]["name"] == namespace


def test_the_users_own_kubeconfig_is_never_touched(
    scratch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / ".kube" / "config"
    own.parent.mkdir()
    own.write_text("mine")
    before = own.stat()
    # Everything that kubedom itself keeps stays where it is; kwokctl and kubectl look for the user's files in HOME.
    folder, cache = state_folder(), cache_folder()
    monkeypatch.setattr("kubedom_operator.local.cluster.state_folder", lambda: folder)
    monkeypatch.setattr("kubedom_operator.local.binaries.cache_folder", lambda: cache)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    local.ensure_cluster(scratch, progress=lambda line: None).delete()
    after = own.stat()
    assert own.read_text() == "mine"
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert [path.name for path in own.parent.iterdir()] == ["config"]


def _about_this_one(lines: list[str]) -> Callable[[str], None]:
    """Keep what is told of this cluster: whether it waits is the affair of whoever else starts one meanwhile."""

    def told(line: str) -> None:
        if line != WAITING:
            lines.append(line)

    return told


def test_a_second_start_of_a_running_cluster_changes_nothing(local_cluster: local.LocalCluster) -> None:
    pids = {name: component.pid() for name, component in local_cluster.components.items()}
    lines: list[str] = []
    again = local.ensure_cluster(local_cluster.name, progress=_about_this_one(lines))
    assert again.kubeconfig == local_cluster.kubeconfig
    assert lines == [f"The cluster {local_cluster.name!r} is running."]
    assert {name: component.pid() for name, component in again.components.items()} == pids


def test_a_cluster_that_lost_a_process_is_started_again_with_what_is_in_it(scratch: str) -> None:
    made = local.ensure_cluster(scratch, progress=lambda line: None)
    made.request("POST", "/api/v1/namespaces", {"metadata": {"name": "kept"}})
    made.stop_component("kube-apiserver", kill=True)
    made.stop_component("kwok-controller", kill=True)
    assert made.status().state == "degraded"
    lines: list[str] = []
    local.ensure_cluster(scratch, progress=_about_this_one(lines))
    assert lines == [f"The cluster {scratch!r} is degraded (kube-apiserver, kwok-controller down); starting it again."]
    assert made.request("GET", "/api/v1/namespaces/kept")["metadata"]["name"] == "kept"

    made.stop()
    assert made.status().state == "stopped"
    assert not any(made.status().components.values())
    local.ensure_cluster(scratch, progress=_about_this_one(lines))
    assert made.request("GET", "/api/v1/namespaces/kept")["metadata"]["name"] == "kept"

    made.delete()
    assert made.status().state == "absent"
    assert not made.folder.exists()


def test_a_cluster_that_cannot_come_back_is_made_anew_with_a_sentence(scratch: str) -> None:
    made = local.ensure_cluster(scratch, progress=lambda line: None)
    made.stop()
    shutil.rmtree(made.folder / "etcd")
    made.folder.joinpath("etcd").write_text("no folder")
    lines: list[str] = []
    local.ensure_cluster(scratch, progress=_about_this_one(lines))
    assert "did not start: etcd ended" in lines[1]
    assert "Making it anew; what was in it is lost." in lines[1]
    assert made.status().state == "running"


def test_two_starts_at_once_make_one_cluster(scratch: str) -> None:
    lines: list[str] = []
    starts = [
        threading.Thread(target=local.ensure_cluster, args=(scratch,), kwargs={"progress": lines.append})
        for _ in range(2)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len([line for line in lines if line.startswith("Starting the cluster")]) == 1
    assert f"The cluster {scratch!r} is running." in lines
    assert WAITING in lines


def test_the_api_server_can_be_crashed_and_comes_back_with_everything(
    cluster: Cluster, local_cluster: local.LocalCluster, namespace: str
) -> None:
    cluster.apply(pod("survivor"), namespace=namespace)
    old = cluster.get("pods", f"--namespace={namespace}")["items"][0]["metadata"]["resourceVersion"]
    cluster.patch_status("pod", namespace, "survivor", {"message": "newer"})
    revision = local_cluster.compact()
    assert revision >= int(old)
    local_cluster.restart_apiserver()
    assert cluster.get("pod", "survivor", f"--namespace={namespace}")["status"]["message"] == "newer"
    with pytest.raises(OSError, match="410"):
        local_cluster.request("GET", f"/api/v1/pods?limit=1&resourceVersion={old}&resourceVersionMatch=Exact")


def test_a_component_that_is_not_there_is_named(local_cluster: local.LocalCluster) -> None:
    with pytest.raises(KubedomError, match=r"no component 'kubelet'\. It has etcd, kube-apiserver"):
        local_cluster.stop_component("kubelet")


def test_an_ordinary_pod_runs_and_keeps_a_status_written_by_hand(cluster: Cluster, namespace: str) -> None:
    cluster.apply(pod("plain"), namespace=namespace)
    watched = Watched(cluster, namespace, "plain")
    eventually(lambda: watched.look() == ["0 running"])
    failed = {
        "name": "main",
        "image": "example/main:1",
        "imageID": "",
        "ready": False,
        "restartCount": 3,
        "lastState": {},
        "state": {"terminated": {"exitCode": 7, "reason": "Error"}},
    }
    cluster.patch_status("pod", namespace, "plain", {"containerStatuses": [failed]})
    time.sleep(2)
    assert watched.look() == ["0 running", "3 Error"]


def test_a_pod_by_hand_is_touched_by_no_stage_until_it_is_deleted(cluster: Cluster, namespace: str) -> None:
    cluster.apply(pod("mine", "by-hand"), namespace=namespace)
    eventually(lambda: cluster.get("pod", "mine", f"--namespace={namespace}")["spec"].get("nodeName"))
    time.sleep(1)
    status = cluster.get("pod", "mine", f"--namespace={namespace}")["status"]
    assert (status["phase"], status.get("containerStatuses")) == ("Pending", None)
    cluster.kubectl("delete", "pod", "mine", f"--namespace={namespace}", "--timeout=10s")


@pytest.mark.parametrize(("behaviour", "reason", "code"), [("crash-loop", "Error", 3), ("oom", "OOMKilled", 137)])
def test_a_crash_loop_goes_the_way_of_a_kubelets(
    cluster: Cluster, namespace: str, behaviour: str, reason: str, code: int
) -> None:
    cluster.apply(pod("looping", behaviour, back_off="1", exit_code="3"), namespace=namespace)
    watched = Watched(cluster, namespace, "looping")
    eventually(lambda: "3 running" in watched.look(), within=60)
    expected = [f"0 {reason}", "1 running", f"1 {reason}", "1 CrashLoopBackOff", "2 running", f"2 {reason}"]
    assert [state for state in watched.states if state in expected] == expected
    found = eventually(
        lambda: [
            container
            for container in cluster.get("pod", "looping", f"--namespace={namespace}")["status"]["containerStatuses"]
            if container["state"].get("waiting")
        ]
    )
    (main,) = found
    assert main["name"] == "main"
    assert main["lastState"]["terminated"]["exitCode"] == code
    assert main["state"]["waiting"]["message"].startswith("back-off 4s restarting failed container=main pod=looping_")


def test_one_that_heals_by_itself_is_ready_again(cluster: Cluster, namespace: str) -> None:
    annotations = {"runs_for": "1s", "back_off": "1"}
    cluster.apply(pod("healing", "fails-then-heals", **annotations), namespace=namespace)
    watched = Watched(cluster, namespace, "healing")
    eventually(lambda: "2 running" in watched.look(), within=60)
    assert {"0 Error", "1 Error", "1 CrashLoopBackOff"} <= set(watched.states)
    time.sleep(5)
    assert watched.look()[-1] == "2 running"


def test_an_image_that_is_not_there_alternates_and_never_starts(cluster: Cluster, namespace: str) -> None:
    cluster.apply(pod("imageless", "image-pull", back_off="1"), namespace=namespace)
    watched = Watched(cluster, namespace, "imageless")
    expected = ["0 ContainerCreating", "0 ErrImagePull", "0 ImagePullBackOff", "0 ErrImagePull", "0 ImagePullBackOff"]
    eventually(lambda: len(watched.look()) >= 5, within=60)
    assert watched.states[:5] == expected
    assert cluster.get("pod", "imageless", f"--namespace={namespace}")["status"]["phase"] == "Pending"


def test_a_pod_too_big_for_every_node_is_unschedulable(cluster: Cluster, namespace: str) -> None:
    big = pod("big")
    big["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1000"}}
    cluster.apply(big, namespace=namespace)
    (condition,) = eventually(lambda: cluster.get("pod", "big", f"--namespace={namespace}")["status"].get("conditions"))
    assert (condition["type"], condition["reason"]) == ("PodScheduled", "Unschedulable")
