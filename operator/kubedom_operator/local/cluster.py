"""A control plane on this machine: etcd, API server, controller manager, scheduler and kwok, on loopback only.

kwokctl makes the cluster (certificates, configuration, first start); afterwards it is started, stopped and deleted
here, because only processes that are known to be the cluster's own may be ended. It is ready when it answers, its nodes
are Ready and pods can be made. Its state is in a folder of its own under the user's state folder, its kubeconfig too:
`~/.kube/config` is neither read nor written.

kwok plays the kubelet by the stages in `deploy/local/stages`. A pod is scheduled, then Running and Ready at once. From
then on no stage touches it (but a Job's pod, which completes, and a deleted one, which goes), so whatever a test
patches into `/status` stays, with one exception: phase Pending while Ready is not True is taken for a new pod and made
Running again. A pod labelled `demo.kubedom.dev/behaviour: by-hand` is never touched from its creation on, and other
values of the label make it fail in a certain way (`deploy/local/stages/behaviours.yaml`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_state_path

from kubedom_bridge.errors import ConfigurationError

from . import apiserver
from .binaries import Binaries
from .configuration import configuration
from .errors import ClusterStartFailed, NoSuchCluster
from .pins import Pins
from .processes import Component, components
from .toolchain import find_kubectl

State = Literal["absent", "running", "degraded", "stopped"]

DEFAULT_NAME = "kubedom"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")
_READY_SECONDS = 90.0
_FIRST = ("etcd", "kube-apiserver")


@dataclass(frozen=True)
class ClusterStatus:
    """What is known of a local cluster.

    Args:
        name: Its name.
        state: `running` when all of it runs and answers, `stopped` when nothing runs, else `degraded`.
        components: Which components run.
        kubeconfig: Its kubeconfig, if it was ever made.
        server: The API server's address, if it was ever made.

    """

    name: str
    state: State
    components: Mapping[str, bool]
    kubeconfig: Path | None
    server: str


@dataclass(frozen=True)
class LocalCluster:
    """A local cluster that was made.

    Args:
        name: Its name.
        folder: All of its state.

    """

    name: str
    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig, complete in itself."""
        return self.folder / "kubeconfig"

    @property
    def context(self) -> str:
        """The name of its context."""
        return f"kwok-{self.name}"

    @property
    def server(self) -> str:
        """The address of its API server."""
        return f"https://127.0.0.1:{self._port('kube-apiserver', '--secure-port')}"

    @property
    def made_from(self) -> str:
        """The fingerprint of the pins that it was made from."""
        return self._fingerprint.read_text(encoding="ascii") if self._fingerprint.is_file() else ""

    @property
    def etcd(self) -> str:
        """The address of its etcd, which asks nobody who they are."""
        return f"http://127.0.0.1:{self._port('etcd', '--listen-client-urls')}"

    @property
    def audit_log(self) -> Path:
        """Where its API server writes its audit log, if it was made with an audit policy."""
        return self.folder / "logs" / "audit.log"

    @property
    def components(self) -> dict[str, Component]:
        """Its processes, in the order in which they start."""
        return components(self.folder)

    def status(self) -> ClusterStatus:
        """Say which of its components run, and whether it answers."""
        running = {name: component.pid() is not None for name, component in self.components.items()}
        if not running:
            return ClusterStatus(self.name, "absent", {}, None, "")
        state: State = "degraded" if any(running.values()) else "stopped"
        if all(running.values()) and self.kubeconfig.exists() and self._api().ready():
            state = "running"
        return ClusterStatus(self.name, state, running, self.kubeconfig, self.server)

    def start(self) -> None:
        """Start what does not run, and wait until all of it is ready.

        Raises:
            ClusterStartFailed: It did not become ready.

        """
        for name in (*_FIRST, *(name for name in self.components if name not in _FIRST)):
            self.start_component(name, wait=name == "kube-apiserver")
        self.wait_ready()

    def stop(self) -> None:
        """End its processes and keep its state."""
        for component in reversed(self.components.values()):
            component.stop()

    def delete(self) -> None:
        """End its processes and remove its state."""
        self._discard()
        for file in (self._configuration, self._log):
            file.unlink(missing_ok=True)

    def create(self, binaries: Binaries, pins: Pins, nodes: int, audit_policy: Path | None = None) -> None:
        """Make it, in place of what there may be of it, and wait until all of it is ready.

        Raises:
            ClusterStartFailed: kwokctl cannot make it, or it did not become ready.

        """
        self._discard()
        workdir = self._configuration.parent
        workdir.mkdir(parents=True, exist_ok=True)
        self._configuration.write_text(configuration(binaries, pins, audit_policy), encoding="utf-8")
        command = [str(binaries.path("kwokctl")), "create", "cluster", f"--name={self.name}", "--timeout=60s"]
        # An empty kubeconfig keeps kwokctl away from the user's own.
        command += [f"--config={self._configuration}", "--kubeconfig="]
        try:
            with self._log.open("wb") as output:
                code = subprocess.run(
                    command, env=_environment(workdir), stdout=output, stderr=output, check=False, timeout=120
                ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            self._discard()
            raise ClusterStartFailed(self.name, f"kwokctl: {error}", self._log) from error
        if code != 0 or not self.components:
            self._discard()
            raise ClusterStartFailed(self.name, "kwokctl could not make it", self._log)
        self._fingerprint.write_text(pins.fingerprint, encoding="ascii")
        apiserver.write_kubeconfig(self.folder, self.context, self.server)
        self.wait_ready()
        self.add_nodes(nodes)
        self.wait_ready()

    def start_component(self, name: str, *, wait: bool = True) -> None:
        """Start one component; for the API server also wait until it is ready, unless told otherwise."""
        self._component(name).start()
        if name == "kube-apiserver" and wait:
            self._wait(self._api().ready, "the API server is not ready")

    def stop_component(self, name: str, *, kill: bool = False) -> None:
        """End one component; with `kill` as a crash would."""
        self._component(name).stop(kill=kill)

    def restart_apiserver(self, *, kill: bool = True, pause: float = 0.0) -> None:
        """End the API server, as a crash would unless told otherwise, and start it again after `pause` seconds."""
        self.stop_component("kube-apiserver", kill=kill)
        time.sleep(pause)
        self.start_component("kube-apiserver")

    def compact(self) -> int:
        """Make etcd forget every revision but the last, which it returns: older ones are answered with 410 Gone.

        The API server still serves what its own watch cache holds; `restart_apiserver` empties that.
        """
        return apiserver.compact(self.etcd)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request to the API server as its administrator."""
        return self._api().request(method, path, body)

    def wait_ready(self) -> None:
        """Wait until the API server answers, the nodes are Ready and pods can be made.

        Raises:
            ClusterStartFailed: A component ended, or it took too long.

        """
        self._wait(self._api().ready, "the API server is not ready")
        self._wait(self._can_run_pods, "its nodes are not ready")

    def add_nodes(self, count: int) -> None:
        """Make nodes that kwok plays, roomy enough for thousands of pods; those that are there already stay."""
        there = {node["metadata"]["name"] for node in self.request("GET", "/api/v1/nodes")["items"]}
        for number in range(1, count + 1):
            node = _node(f"node-{number}")
            if node["metadata"]["name"] not in there:
                self.request("POST", "/api/v1/nodes", node)

    def _discard(self) -> None:
        for component in reversed(self.components.values()):
            # There is nothing to keep, so there is nothing to tidy up.
            component.stop(kill=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _configuration(self) -> Path:
        # Beside kwokctl's folder of clusters, and not in the cluster's own, which must not be there before it is made.
        return self.folder.parents[1] / f"{self.name}.yaml"

    @property
    def _log(self) -> Path:
        return self._configuration.with_suffix(".log")

    @property
    def _fingerprint(self) -> Path:
        return self.folder / "made-from"

    def _can_run_pods(self) -> bool:
        nodes = self.request("GET", "/api/v1/nodes")["items"]
        ready = {
            node["metadata"]["name"]
            for node in nodes
            for condition in node["status"].get("conditions", ())
            if condition["type"] == "Ready" and condition["status"] == "True"
        }
        # The controller manager makes it; without it the API server refuses every pod.
        accounts = self.request("GET", "/api/v1/namespaces/default/serviceaccounts")["items"]
        return (bool(ready) or not nodes) and any(account["metadata"]["name"] == "default" for account in accounts)

    def _wait(self, condition: Callable[[], bool], why: str) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                if condition():
                    return
            except OSError:
                # Not answering yet, or the API server has not made what is asked for.
                pass
            for component in self.components.values():
                if component.pid_file.exists() and component.pid() is None:
                    raise ClusterStartFailed(self.name, f"{component.name} ended", component.log)
            if time.monotonic() > deadline:
                raise ClusterStartFailed(self.name, why, self._component("kube-apiserver").log)
            time.sleep(0.1)

    def _component(self, name: str) -> Component:
        found = self.components
        if not found:
            raise NoSuchCluster(self.name)
        if name not in found:
            raise ConfigurationError(f"The cluster has no component {name!r}.", remedy=f"It has {', '.join(found)}.")
        return found[name]

    def _port(self, name: str, option: str) -> str:
        component = self._component(name)
        value = next(text for text in component.arguments if text.startswith(f"{option}="))
        return re.split("[:=]", value)[-1]

    def _api(self) -> apiserver.ApiServer:
        return apiserver.ApiServer(self.folder, self.server)


def find_cluster(name: str = DEFAULT_NAME) -> LocalCluster:
    """Return the local cluster of this name, whether it was made or not.

    Raises:
        ConfigurationError: This cannot be a cluster's name.

    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be the name of a cluster.",
            remedy="Use at most 50 small letters, digits and dashes.",
            field="name",
        )
    return LocalCluster(name, state_folder() / "kwok" / "clusters" / name)


def state_folder() -> Path:
    """Return the folder that holds the state of every local cluster."""
    return user_state_path("kubedom")


def status(name: str = DEFAULT_NAME) -> ClusterStatus:
    """Say what is known of a local cluster."""
    return find_cluster(name).status()


def _environment(workdir: Path) -> dict[str, str]:
    # A variable of the user's for kwokctl must not reach a cluster that is configured here.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KWOK_")}
    kept |= {"KWOK_WORKDIR": str(workdir), "KUBECACHEDIR": str(workdir / "kubectl-cache")}
    kept.pop("KUBECONFIG", None)
    # kwokctl asks the API server for its version through kubectl, and would download one that is not on PATH.
    kept["PATH"] = os.pathsep.join([*filter(None, [kept.get("PATH")]), str(find_kubectl().path.parent)])
    return kept


def _node(name: str) -> dict[str, Any]:
    room = {"cpu": "32", "memory": "256Gi", "pods": "5000"}
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "type": "kwok",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        # The API server asks this address for a container's log, and kwok answers there. With a host name beside it the
        # API server would look that up, outside of this machine.
        "status": {
            "allocatable": room,
            "capacity": room,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        },
    }
