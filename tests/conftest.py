"""The cluster that tests run against: one of their own, or the one that `--kubeconfig` names.

pytest                                    a local control plane, made for this run and removed after it
pytest --kubeconfig FILE --context NAME   that one (or KUBEDOM_TEST_KUBECONFIG), if it is named as a test cluster
"""

import gc
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubedom_bridge.errors import KubedomError
from kubedom_operator import local

_OWN = "kubedom-test-"


@dataclass(frozen=True)
class Cluster:
    """A cluster that tests may use as they like.

    `own` has the means to break it (`restart_apiserver`, `stop_component`, `compact`); None if it is not ours to break.
    """

    kubeconfig: Path
    context: str
    server: str
    own: local.LocalCluster | None = None

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl against this cluster and return what it prints."""
        command = [str(local.find_kubectl().path), f"--kubeconfig={self.kubeconfig}", f"--context={self.context}"]
        done = subprocess.run([*command, *arguments], input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """Return the JSON of `kubectl get`."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> None:
        """Apply objects."""
        self.kubectl("apply", f"--namespace={namespace}", "--filename=-", stdin=yaml.safe_dump_all(objects))

    def patch_status(self, kind: str, namespace: str, name: str, status: dict[str, Any]) -> None:
        """Write an object's status, as the component does that is responsible for it."""
        patch = f"--patch={json.dumps({'status': status})}"
        self.kubectl("patch", kind, name, f"--namespace={namespace}", "--subresource=status", "--type=merge", patch)


def pytest_configure(config: pytest.Config) -> None:
    """Let what tests start end by Ctrl-C, also where a shell started the run in its background, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kubedom")
    group.addoption(
        "--kubeconfig",
        default=os.environ.get("KUBEDOM_TEST_KUBECONFIG"),
        metavar="FILE",
        help="use this cluster instead of one made for the run (or KUBEDOM_TEST_KUBECONFIG)",
    )
    group.addoption("--context", metavar="NAME", help="the context in that kubeconfig, if not the current one")
    group.addoption("--allow-any-context", action="store_true", help="use it even if it is not named as a test cluster")


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """Let a file answer itself for what its tests left open, not whichever test the garbage is collected in."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    given = request.config.getoption("--kubeconfig")
    if given:
        try:
            found = _given_cluster(Path(given), request.config.getoption("--context"))
            local.check_test_context(found.context, allow_any=request.config.getoption("--allow-any-context"))
        except KubedomError as error:
            pytest.exit(str(error), returncode=error.exit_code)
        yield found
        return
    _remove_abandoned()
    made = local.ensure_cluster(f"{_OWN}{os.getpid()}", progress=teller(request.config))
    try:
        yield Cluster(made.kubeconfig, made.context, made.server, made)
    finally:
        made.delete()


@pytest.fixture(scope="session")
def local_cluster(cluster: Cluster) -> local.LocalCluster:
    """The local control plane, for tests that break and mend it."""
    if cluster.own is None:
        pytest.skip("needs a control plane that may be broken, and --kubeconfig names somebody's own")
    return cluster.own


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A fresh namespace, in which pods can be made at once."""
    name = f"kubedom-test-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    deadline = time.monotonic() + 120
    # Until the controller manager has made it, the API server refuses every pod; after an outage that takes its time.
    while not cluster.get("serviceaccounts", f"--namespace={name}")["items"]:
        assert time.monotonic() < deadline, "the namespace has got no service account"
        time.sleep(0.05)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def _given_cluster(kubeconfig: Path, context: str | None) -> Cluster:
    if not kubeconfig.is_file():
        raise KubedomError(f"There is no kubeconfig {kubeconfig}.", remedy="Give --kubeconfig another.")
    content = yaml.safe_load(kubeconfig.read_text())
    context = context or content.get("current-context") or ""
    contexts = {entry["name"]: entry["context"] for entry in content.get("contexts") or ()}
    if context not in contexts:
        raise KubedomError(f"{kubeconfig} has no context {context!r}.", remedy=f"It has {', '.join(contexts)}.")
    servers = {entry["name"]: entry["cluster"]["server"] for entry in content["clusters"]}
    return Cluster(kubeconfig, context, servers[contexts[context]["cluster"]])


def _remove_abandoned() -> None:
    """Remove what runs left behind that were killed, and nothing of a run that is still going on."""
    for folder in local.find_cluster(f"{_OWN}x").folder.parent.glob(f"{_OWN}*"):
        # A run may have more than one, each with a word of its own behind the number.
        pid = folder.name.removeprefix(_OWN).partition("-")[0]
        if pid.isdecimal() and not _alive(int(pid)):
            local.find_cluster(folder.name).delete()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def teller(config: pytest.Config) -> Any:
    """Say what takes its time while pytest captures what is printed."""
    # Past pytest's capture: a first start builds for minutes, and a silent test run looks dead.
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(line)

    return tell
