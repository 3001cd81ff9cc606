"""`kubedom run` with what users really give it: each mistake is a sentence, an exit code, and never a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.identities import make_account
from tests.conftest import Cluster
from tests.kubelet import by_hand
from tests.running import KUBEDOM, KubedomRun, wait_for

from kubedom_operator.local.ports import free_ports

pytestmark = pytest.mark.cluster
SECONDS = 60.0


def refused(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Run the command, which is to end by itself, and give its exit code and what it says."""
    done = subprocess.run(
        [KUBEDOM, "run", "--no-open", "--port=0", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=os.environ | {"KUBECONFIG": ""} | (environment or {}),
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr.strip()


def changed(given: Cluster, folder: Path, **changes: Any) -> str:
    """Write the cluster's kubeconfig with some of its parts changed, and give its path."""
    content = yaml.safe_load(given.kubeconfig.read_text())
    content["clusters"][0]["cluster"] |= changes.get("cluster", {})
    if "user" in changes:
        content["users"][0]["user"] = changes["user"]
    content |= changes.get("top", {})
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    code, said = refused(f"--kubeconfig={tmp_path}/nothing")
    assert (code, said) == (
        2,
        f"kubedom: There is no kubeconfig at {tmp_path}/nothing. Correct --kubeconfig, or leave it out.",
    )
    code, said = refused(environment={"KUBECONFIG": f"{tmp_path}/nothing"})
    assert code == 2
    assert "Correct KUBECONFIG" in said


@pytest.mark.parametrize("text", ["{", "- a\n- b\n", "", "hello", "clusters: 3"])
def test_a_kubeconfig_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    code, said = refused(f"--kubeconfig={path}")
    assert code == 2
    assert said.startswith(f"kubedom: The kubeconfig {path} cannot be used")
    assert "kubectl config view" in said


def test_a_context_that_is_not_there(cluster: Cluster) -> None:
    code, said = refused(f"--kubeconfig={cluster.kubeconfig}", "--context=elsewhere")
    assert code == 2
    assert "elsewhere" in said
    assert "kubectl config get-contexts" in said


def test_a_context_without_any_kubeconfig(tmp_path: Path) -> None:
    code, said = refused("--context=prod", environment={"HOME": str(tmp_path)})
    assert code == 2
    assert "There is no cluster" in said


def test_credentials_that_are_not_accepted(cluster: Cluster, tmp_path: Path) -> None:
    code, said = refused(f"--kubeconfig={changed(cluster, tmp_path, user={'token': 'wrong'})}")
    assert code == 4
    assert "does not accept the credentials" in said
    assert "Sign in again" in said


def test_an_authority_that_did_not_sign_the_servers_certificate(cluster: Cluster, tmp_path: Path) -> None:
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    authority = content["clusters"][0]["cluster"]
    own = authority.get("certificate-authority-data") or authority.get("certificate-authority")
    assert own, "the cluster speaks TLS"
    without = {"certificate-authority": "", "certificate-authority-data": ""}
    code, said = refused(f"--kubeconfig={changed(cluster, tmp_path, cluster=without)}")
    assert code == 3
    assert "certificate" in said.lower()


def test_a_credential_plugin_that_is_not_installed(cluster: Cluster, tmp_path: Path) -> None:
    plugin = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "no-such-plugin",
            "interactiveMode": "Never",
        }
    }
    code, said = refused(f"--kubeconfig={changed(cluster, tmp_path, user=plugin)}")
    assert code in {2, 4}
    assert "no-such-plugin" in said


def test_a_server_that_is_not_there(cluster: Cluster, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    code, said = refused(f"--kubeconfig={changed(cluster, tmp_path, cluster={'server': f'https://127.0.0.1:{port}'})}")
    assert code == 3
    assert f"https://127.0.0.1:{port}" in said
    assert "Check that the cluster runs" in said


def test_a_server_that_says_nothing(cluster: Cluster, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = f"https://127.0.0.1:{listener.getsockname()[1]}"
        code, said = refused(f"--kubeconfig={changed(cluster, tmp_path, cluster={'server': server})}")
    assert code == 3
    assert "timed out" in said


def test_a_port_in_use(cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code, said = refused(f"--kubeconfig={cluster.kubeconfig}", f"--port={port}")
    assert code == 5
    assert str(port) in said
    assert "--port" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--port=-1",), "--port"),
        (("--port=70000",), "--port"),
        (("--port=many",), "--port"),
        (("--host=0.0.0.0",), "127.0.0.1"),
        (("--web-dir=/no/such/folder",), "/no/such/folder"),
        (("--default-deployment=web",), "NAMESPACE/NAME"),
        (("--default-manifest=/no/such/file",), "/no/such/file"),
        (("--default-manifest=/dev/null", "--default-deployment=a/b"), "Leave one of them out"),
        (("--demo", "--context=prod"), "--context names another"),
        (("--local", "--kubeconfig=/dev/null"), "--kubeconfig names another"),
        (("--hold=Nothing=3",), "no failure kind Nothing"),
        (("--hold=NodeNotReady=soon",), "soon is no number of seconds"),
        (("--hold=NodeNotReady",), "--hold NodeNotReady=60"),
        (("--hold=NodeNotReady=-1",), "no number of seconds"),
        (("--hold=NodeNotReady=nan",), "no number of seconds"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_options_that_cannot_be(arguments: tuple[str, ...], complaint: str) -> None:
    code, said = refused(*arguments)
    assert code == 2
    assert complaint in said


def test_a_namespace_that_is_not_there(cluster: Cluster) -> None:
    code, said = refused(f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", "--namespace=nowhere")
    assert code == 2
    assert "nowhere" in said
    assert "--namespace" in said


# Rights. Service accounts of the test's namespace, with a role that the test gives them.


def as_account(cluster: Cluster, namespace: str, folder: Path, rules: list[dict[str, Any]]) -> str:
    """Make an account with these rights in its namespace, and give the path of its kubeconfig."""
    make_account(cluster, namespace, "reader", rules)
    token = cluster.kubectl("create", "token", "reader", f"--namespace={namespace}").strip()
    return changed(cluster, folder, user={"token": token})


def test_no_right_to_list_pods(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    kubeconfig = as_account(cluster, namespace, tmp_path, [])
    code, said = refused(f"--kubeconfig={kubeconfig}", f"--namespace={namespace}")
    assert code == 4
    assert 'cannot list resource "pods"' in said
    assert "Ask for this right" in said


def test_no_right_to_more_than_ones_own_namespace(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]
    kubeconfig = as_account(cluster, namespace, tmp_path, rules)
    code, said = refused(f"--kubeconfig={kubeconfig}")
    assert code == 4
    assert "--namespace" in said


def test_a_reader_sees_the_pods_and_is_told_what_else_is_not_shown(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]
    kubeconfig = as_account(cluster, namespace, tmp_path, rules)
    cluster.apply(by_hand("api"), namespace=namespace)
    with KubedomRun(f"--kubeconfig={kubeconfig}", f"--namespace={namespace}") as run:
        wait_for("its readiness", lambda: run.get("/readyz")[0] == 200)
        assert "deployments" in wait_for("what is not shown", lambda: "deployments" in run.output() and run.output())
        assert "healing" in run.output().lower()


def test_probes_and_metrics_have_a_port_of_their_own(cluster: Cluster) -> None:
    (port,) = free_ports(1)
    which = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", f"--probe-port={port}")
    with KubedomRun(*which) as run:
        wait_for("its readiness", lambda: run.get("/readyz", port) == (200, "ok\n"))
        assert run.get("/healthz", port) == (200, "ok\n")
        status, metrics = run.get("/metrics", port)
        assert status == 200
        for line in ("kubedom_connections 0.0", "kubedom_ready 1.0", "kubedom_healing 1.0", "process_resident_memory"):
            assert line in metrics
        assert run.get("/metrics")[0] == 401, "the page's port has none"


def test_a_probe_port_in_use(cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code, said = refused(f"--kubeconfig={cluster.kubeconfig}", f"--probe-port={port}")
    assert code == 5
    assert "Choose another with --probe-port." in said


def test_two_at_once_on_one_cluster(cluster: Cluster) -> None:
    which = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}")
    with KubedomRun(*which) as one, KubedomRun(*which) as other:
        assert one.port != other.port
        for run in (one, other):
            wait_for("its readiness", lambda run=run: run.get("/readyz")[0] == 200)


@contextmanager
def silent_server() -> Iterator[socket.socket]:
    """A server whose callers wait for an answer for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        yield listener


def test_ctrl_c_while_it_waits_for_the_server_is_quiet(cluster: Cluster, tmp_path: Path) -> None:
    with silent_server() as listener:
        kubeconfig = changed(cluster, tmp_path, cluster={"server": f"https://127.0.0.1:{listener.getsockname()[1]}"})
        process = subprocess.Popen(
            [KUBEDOM, "run", "--no-open", "--port=0", f"--kubeconfig={kubeconfig}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # From now on it waits.
        caller, _ = listener.accept()
        with caller:
            process.send_signal(2)
            _, said = process.communicate(timeout=30)
    assert process.returncode in {0, 130}
    assert said == ""
