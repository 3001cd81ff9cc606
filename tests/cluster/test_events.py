"""`kubedom events` as people and CI use it: on a cluster by its kubeconfig, and on a `kubedom run` by its address."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.identities import make_account
from tests.cluster.test_run import changed
from tests.conftest import Cluster
from tests.following import Following
from tests.kubelet import by_hand, crash_looping, running, terminated
from tests.running import KUBEDOM, KubedomRun, wait_for
from tests.users import Someone

pytestmark = pytest.mark.cluster
SECONDS = 60.0


def ran(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command, which is to end by itself."""
    done = subprocess.run(
        [KUBEDOM, "events", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=os.environ | {"KUBECONFIG": ""} | (environment or {}),
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def which(cluster: Cluster) -> tuple[str, str]:
    return f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}"


def pod(cluster: Cluster, namespace: str, app: str) -> str:
    """The one pod of a deployment, once it has a node."""

    def there() -> str:
        found = cluster.get("pods", f"--namespace={namespace}", f"--selector=app={app}")["items"]
        return str(found[0]["metadata"]["name"]) if found and found[0]["spec"].get("nodeName") else ""

    return wait_for(f"the pod of {app}", there)


def fail(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.patch_status("pod", namespace, name, crash_looping(terminated(3)))


def mend(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.patch_status("pod", namespace, name, running(4, terminated(3), seconds_ago=3600))


def test_a_failing_pod_that_kubectl_applies_is_told_and_its_end_is_waited_for(cluster: Cluster, namespace: str) -> None:
    here = (*which(cluster), f"--namespace={namespace}")
    cluster.apply(by_hand("web"), namespace=namespace)
    name = pod(cluster, namespace, "web")
    with (
        Following("--until=podRecovered/web-*", "--timeout=120", *here) as waiting,
        Following("--follow", "--output=json", *here) as following,
    ):
        waiting.started()
        following.started()
        fail(cluster, namespace, name)
        told = wait_for("the failure", following.events)[0]
        assert (told["type"], told["detail"]["podName"], told["incident"]["phase"]) == (
            "podCrashLooping",
            name,
            "begin",
        )
        # Without --follow it is what is open now.
        listed = ran(*here)
        assert listed.returncode == 0
        assert re.search(rf"^\S+Z  error +Pod/{namespace}/{name}  podCrashLooping +Container main ends", listed.stdout)
        assert ran("--output=name", *here).stdout == f"pod/{name}\n"
        # What is open already counts as come.
        assert ran("--until=podCrashLooping/web-*", *here).returncode == 0
        mend(cluster, namespace, name)
        assert waiting.wait() == 0
        assert f"Pod/{namespace}/{name}" in waiting.lines[-1]
        assert " podRecovered " in waiting.lines[-1]
        wait_for("the end", lambda: following.events()[-1]["type"] == "podRecovered")
        assert following.interrupt() == 0
    assert ran(*here).stdout == ""


def test_what_does_not_come_in_time_is_a_failure(cluster: Cluster, namespace: str) -> None:
    done = ran("--until=podRecovered/nothing", "--timeout=2", f"--namespace={namespace}", *which(cluster))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "kubedom: podRecovered/nothing did not come within 2 s."
    assert ran("--follow", "--timeout=1", f"--namespace={namespace}", *which(cluster)).returncode == 0


def test_ctrl_c_while_something_is_waited_for_is_no_success(cluster: Cluster, namespace: str) -> None:
    with Following("--until=podRecovered/x", f"--namespace={namespace}", *which(cluster)) as following:
        following.started()
        assert following.interrupt() == 130


def test_a_reader_that_goes_away_ends_it_quietly(cluster: Cluster, namespace: str) -> None:
    cluster.apply(by_hand("web"), namespace=namespace)
    name = pod(cluster, namespace, "web")
    command = [str(KUBEDOM), "events", "--follow", f"--namespace={namespace}", *which(cluster)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    assert "No failure is open" in process.stderr.readline()
    process.stdout.close()
    fail(cluster, namespace, name)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(SECONDS) == 1
    assert said == ""


def test_who_may_read_one_namespace_follows_that_and_is_told_what_is_missing(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]
    make_account(cluster, namespace, "reader", rules)
    token = cluster.kubectl("create", "token", "reader", f"--namespace={namespace}").strip()
    kubeconfig = f"--kubeconfig={changed(cluster, tmp_path, user={'token': token})}"
    cluster.apply(by_hand("web"), namespace=namespace)
    fail(cluster, namespace, pod(cluster, namespace, "web"))
    # Named twice, it is watched once.
    done = ran(f"--namespace={namespace}", f"--namespace={namespace}", "--output=json", kubeconfig)
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == ["podCrashLooping"]
    assert "Not shown, for they may not be listed: deployments" in done.stderr
    everywhere = ran(kubeconfig)
    assert everywhere.returncode == 4
    assert "--namespace" in everywhere.stderr


def test_it_installs_and_writes_nothing(cluster: Cluster, namespace: str) -> None:
    def versions() -> set[Any]:
        return {
            (one["metadata"]["name"], one["metadata"]["resourceVersion"])
            for kind in ("customresourcedefinitions", "validatingadmissionpolicies", "clusterroles")
            for one in cluster.get(kind)["items"]
        }

    before = versions()
    assert ran(*which(cluster)).returncode == 0
    assert versions() == before


def test_the_same_from_a_bridge_with_a_token(cluster: Cluster, tmp_path: Path) -> None:
    ann = Someone(cluster)
    ann.prepare()
    file = tmp_path / "token"
    file.write_text(ann.token() + "\n")
    with KubedomRun(*which(cluster), "--sign-in=token") as run:
        cluster.apply(by_hand("web"), namespace=ann.namespace)
        name = pod(cluster, ann.namespace, "web")
        fail(cluster, ann.namespace, name)
        here = (f"--url={run.origin}", f"--token-file={file}")
        assert ran("--until=podCrashLooping/web-*", "--timeout=50", *here).returncode == 0
        by_environment = ran("--output=name", f"--url={run.origin}", environment={"KUBEDOM_TOKEN": ann.token()})
        assert f"pod/{name}\n" in by_environment.stdout
        for token, code in (("", 2), ("wrong", 4)):
            file.write_text(token)
            done = ran(*here)
            assert done.returncode == (4 if not token else code)
            assert "--token-file" in done.stderr
    done = ran(f"--url={run.origin}", environment={"KUBEDOM_TOKEN": ann.token()})
    assert done.returncode == 3
    assert f"{run.origin} cannot be reached" in done.stderr
    cluster.kubectl("delete", "namespace", ann.namespace, "--wait=false")


def test_a_run_of_ones_own_by_its_link_and_over_its_restart(cluster: Cluster, namespace: str) -> None:
    cluster.apply(by_hand("web"), namespace=namespace)
    name = pod(cluster, namespace, "web")
    here = (*which(cluster), f"--namespace={namespace}")
    with (
        KubedomRun(*here) as run,
        Following("--follow", "--output=json", f"--url={run.link}") as following,
    ):
        following.started()
        fail(cluster, namespace, name)
        wait_for("the failure", lambda: "podCrashLooping" in {one["type"] for one in following.events()})
        run.stop()
        # Whoever starts it again has to sign in again, and is told so.
        with KubedomRun(*here, port=run.port):
            assert following.wait() == 4
            assert "sign-in link" in following.said()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--until=podRecoverd",), "Did you mean podRecovered?"),
        (("--kind=Pot",), "--kind Pot: there is no such kind. Did you mean Pod?"),
        (("--type=podfailed",), "Did you mean podFailed?"),
        (("--selector=a=(",), "--selector: "),
        (("--timeout=-1",), "--timeout -1 is no number of seconds"),
        (("--timeout=soon",), "--timeout"),
        (("--output=yaml",), "--output"),
        (("--url=localhost",), "is not the address of a page"),
        (("--url=http://127.0.0.1:1", "--context=a"), "Leave the one or the other out"),
        (("--token=a", "--token-file=/dev/null"), "Leave one of them out"),
        (("--token-file=/no/such/file",), "--token-file /no/such/file cannot be read"),
        (("--token=a b",), "--token: The token is not one"),
        (("--kubeconfig=/no/such/file",), "There is no kubeconfig at /no/such/file"),
    ],
)
def test_options_that_cannot_be(arguments: tuple[str, ...], complaint: str) -> None:
    done = ran(*arguments)
    assert done.returncode == 2, done.stderr
    assert complaint in done.stderr


def test_sigterm_ends_it(cluster: Cluster, namespace: str) -> None:
    with Following("--follow", f"--namespace={namespace}", *which(cluster)) as following:
        following.started()
        following._process.terminate()
        assert following.wait() == -signal.SIGTERM
