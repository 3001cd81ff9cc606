"""The user's own code, as it stands in snippets.js, on pages that a real cluster feeds.

Each snippet is a module of its own (the content policy forbids inline scripts, and two of them use one name). What they
call and do not define is the page author's, written here with kubedom's SDK.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import Dialog, Page
from tests.browser.complaints import Complaints
from tests.browser.e2e.conftest import Start, sign_in, until, until_shown
from tests.browser.e2e.test_way_out_and_back import running_pod
from tests.browser.waiting import CLUSTER_SECONDS
from tests.conftest import Cluster
from tests.kubelet import by_hand, failed, terminated
from tests.running import wait_for

from kubedom_bridge.app import packaged_web_dir
from kubedom_bridge.kube import Api, ClusterChoice

pytestmark = pytest.mark.browsers("chromium", "firefox")
SNIPPETS = Path(__file__).with_name("snippets.js")
RUNNING = (1, 2, 3, 4, 5, 6, 9)
ROWS = 1000

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A page of my own</title>
<link rel="icon" href="/icon.svg">
<kube-cluster src="/api/socket" namespaces="{namespace}"{attribute}></kube-cluster>
<div id="outer"><button id="inner">Click</button></div>
<div id="myButton"><button id="inside">Mine</button></div>
<button id="restartDeployment">Restart the deployment</button>
<button id="restartPod">Restart the pod</button>
<form action="/nowhere"><button id="deployBtn">Deploy</button></form>
<button id="deployButton">Deploy the default</button>
<form id="configForm">
  <input name="name" value="settings"><input name="namespace" value="{namespace}">
  <input name="title" value="Shop"><input type="file" name="motd">
  <button id="upload">Upload</button>
</form>
<div id="resourceList"><table id="podsTable"></table></div>
<script type="module" src="/author.js"></script>
{scripts}
</html>
"""

AUTHOR = """
import '/kubedom.js';

const cluster = document.querySelector('kube-cluster');
const table = document.getElementById('podsTable');
const rows = new Map();
const row = (pod) => {
  const row = document.createElement('tr');
  const button = document.createElement('button');
  button.className = 'deletePod';
  button.dataset.podName = pod.name;
  button.textContent = `Delete ${pod.name}`;
  row.insertCell().append(button);
  return row;
};
cluster.addEventListener('kube:change', ({ detail: { added, removed } }) => {
  for (const pod of removed) rows.get(pod.uid)?.remove();
  for (const pod of added) if (pod.kind === 'Pod') table.append(rows.set(pod.uid, row(pod)).get(pod.uid));
});

window.calls = [];
window.deployToKubernetes = () => calls.push('deployed');
window.refreshClusterStats = () => calls.push('refreshed');
window.removePod = (podName) => {
  calls.push(`removing ${podName}`);
  document.querySelector(`kube-pod[name="${podName}"]`).command('deletePod').then(
    (result) => calls.push(result.message), (error) => calls.push(error.message));
};
"""


def snippet(number: int) -> str:
    """One of the user's snippets, as it stands in the file."""
    parts = re.split(r"(?m)^// (\d+)(?: [^\n]*)?\n", SNIPPETS.read_text())
    return parts[parts.index(str(number)) + 1]


@pytest.fixture
def site(tmp_path: Path, namespace: str) -> Path:
    """A folder with the page and every snippet that runs on it."""
    write_page(tmp_path, namespace)
    (tmp_path / "author.js").write_text(AUTHOR)
    for number in (*RUNNING, 7, 8):
        (tmp_path / f"snippet-{number}.js").write_text(snippet(number))
    return tmp_path


def write_page(folder: Path, namespace: str, numbers: tuple[int, ...] = RUNNING, attribute: str = "") -> None:
    scripts = "\n".join(f'<script type="module" src="/snippet-{number}.js"></script>' for number in numbers)
    (folder / "index.html").write_text(PAGE.format(namespace=namespace, scripts=scripts, attribute=attribute))


class Console:
    """What the page logs and what it shows in alerts."""

    def __init__(self, page: Page) -> None:
        self.lines: list[str] = []
        self.alerts: list[str] = []
        self._alerted = asyncio.Event()
        page.on("console", lambda line: self.lines.append(line.text))
        page.on("dialog", self._dialog)

    async def until_alert(self, text: str) -> None:
        async with asyncio.timeout(CLUSTER_SECONDS):
            while text not in self.alerts:
                self._alerted.clear()
                await self._alerted.wait()

    async def _dialog(self, dialog: Dialog) -> None:
        self.alerts.append(dialog.message)
        self._alerted.set()
        await dialog.accept()


async def test_snippets_one_to_five_run_as_they_are_and_five_hears_of_a_pod_that_really_failed(
    cluster: Cluster, namespace: str, start: Start, page: Page, site: Path
) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    name, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    console = Console(page)
    await sign_in(page, start(f"--web-dir={site}"))
    await until_shown(page, uid)

    await page.evaluate("document.getElementById('inside').addEventListener('click', () => console.log('bubbled'))")
    await page.click("#inside")
    assert console.lines == ["Captured before bubbling!", "bubbled"]

    await page.click("#restartDeployment")
    assert console.alerts == ["Deployment restarted!"]

    console.lines.clear()
    await page.click("#restartPod")
    await page.click("#restartPod")
    assert [line for line in console.lines if "Pod restart requested:" in line] == console.lines
    assert len(console.lines) == 1, "a second click does nothing"

    await page.click("#deployBtn")
    assert "deployed" in await page.evaluate("calls")
    assert not page.url.endswith("/nowhere"), "the form was not sent"

    console.alerts.clear()
    cluster.patch_status("pod", namespace, name, failed(terminated()))
    await console.until_alert(f"Pod failed: {name}")
    assert [each["on"] for each in await page.evaluate("heard")][-1] == "kube-pod"
    assert console.alerts == [f"Pod failed: {name}"]


async def created(cluster: Cluster, namespace: str, pods: list[dict[str, Any]]) -> None:
    """Create pods side by side: kubectl, which creates one after the other, takes minutes for a thousand."""
    api = await Api.connect(ClusterChoice(str(cluster.kubeconfig), cluster.context))
    left = iter(pods)

    async def create() -> None:
        for pod in left:
            await api.call("POST", f"/api/v1/namespaces/{namespace}/pods", body=pod)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(create())
    finally:
        await api.close()


async def test_snippets_six_and_nine_a_row_of_a_thousand_deletes_its_own_pod(
    cluster: Cluster, namespace: str, start: Start, page: Page, site: Path
) -> None:
    await created(cluster, namespace, [bare_pod(f"pod-{number:04}") for number in range(ROWS)])
    await sign_in(page, start(f"--web-dir={site}", f"--namespace={namespace}"))
    await until(page, f"document.querySelectorAll('#podsTable .deletePod').length === {ROWS}")
    assert "refreshed" in await page.evaluate("calls"), "snippet 9 was told that pods came"

    await page.evaluate("calls.length = 0")
    victim = "pod-0617"
    await page.click(f'.deletePod[data-pod-name="{victim}"]')
    await until(page, "calls.some((call) => call.includes('is gone'))")
    assert (await page.evaluate("calls")).count(f"removing {victim}") == 1
    left = {pod["metadata"]["name"] for pod in cluster.get("pods", f"--namespace={namespace}")["items"]}
    assert left == {f"pod-{number:04}" for number in range(ROWS)} - {victim}
    await until(page, f"document.querySelectorAll('#podsTable .deletePod').length === {ROWS - 1}")
    assert "refreshed" in await page.evaluate("calls"), "snippet 9 was told that one went"


async def test_snippet_nine_is_told_on_kubedoms_own_page(
    cluster: Cluster, namespace: str, start: Start, page: Page, tmp_path: Path
) -> None:
    (tmp_path / "author.js").write_text("window.calls = 0; window.refreshClusterStats = () => { calls += 1; };\n")
    (tmp_path / "snippet-9.js").write_text(snippet(9))
    scripts = "".join(f'<script type="module" src="/{name}.js"></script>' for name in ("author", "snippet-9"))
    own = (packaged_web_dir() / "index.html").read_text()
    (tmp_path / "index.html").write_text(own.replace("</head>", f"{scripts}</head>"))
    await sign_in(page, start(f"--web-dir={tmp_path}", f"--namespace={namespace}"))
    cluster.apply(by_hand("api"), namespace=namespace)
    _, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    await until_shown(page, uid)
    await until(page, "calls > 0")
    await page.evaluate("calls = 0; undefined")
    cluster.kubectl("delete", "deployment", "api", f"--namespace={namespace}")
    await until(page, "(uid) => !document.querySelector('kube-cluster').resource(uid)", uid)
    await until(page, "calls > 0")


async def test_snippets_seven_and_eight_run_on_kubedoms_own_page(
    cluster: Cluster, namespace: str, start: Start, page: Page, tmp_path: Path
) -> None:
    cluster.apply(by_hand("chosen"), namespace=namespace)
    for number in (7, 8):
        (tmp_path / f"snippet-{number}.js").write_text(snippet(number))
    scripts = "".join(f'<script type="module" src="/snippet-{number}.js"></script>' for number in (7, 8))
    own = (packaged_web_dir() / "index.html").read_text()
    (tmp_path / "index.html").write_text(own.replace("</head>", f"{scripts}</head>"))
    console = Console(page)
    options = (f"--default-deployment={namespace}/chosen", "--config-path=/django/api/v1/config/")
    run = start(f"--web-dir={tmp_path}", f"--namespace={namespace}", *options)
    await sign_in(page, run)
    await page.locator("#views a[data-to=deploy]").click()
    await page.click("#deployButton")
    await console.until_alert("Deployment started!")

    def restarts() -> Any:
        return cluster.get("healingactions", f"--namespace={namespace}")["items"]

    await asyncio.to_thread(wait_for, "the restart", restarts)
    form = page.locator("#configForm")
    await form.get_by_label("Namespace").fill(namespace)
    await form.get_by_label("Name", exact=True).fill("settings")
    await form.get_by_role("button", name="Add a key").click()
    await page.keyboard.type("title")
    await form.get_by_label("Value").fill("Shop")
    async with page.expect_response("**/django/api/v1/config/") as answering:
        await form.get_by_role("button", name="Keep").click()
    assert (await answering.value).status == 202
    await console.until_alert("Configuration uploaded!")
    kept = cluster.get("configmap", "settings", f"--namespace={namespace}")
    assert kept["data"] == {"title": "Shop"}
    assert await page.inner_text("#configSaid") == "", "the form is the author's"
    assert len(restarts()) == 1, "the button's own listener and the snippet asked for one and the same"


@pytest.mark.parametrize("who", ["page", "operator", "both", "nobody"])
async def test_snippet_seven_starts_the_default_deployment(
    cluster: Cluster, namespace: str, start: Start, page: Page, site: Path, complaints: Complaints, who: str
) -> None:
    for name in ("chosen", "other"):
        cluster.apply(by_hand(name), namespace=namespace)
    named = {"page": ("chosen", ""), "operator": ("", "chosen"), "both": ("chosen", "other"), "nobody": ("", "")}
    by_page, by_operator = named[who]
    attribute = f' default-deployment="{namespace}/{by_page}"' if by_page else ""
    write_page(site, namespace, (7,), attribute)
    console = Console(page)
    options = [f"--default-deployment={namespace}/{by_operator}"] if by_operator else []
    await sign_in(page, start(f"--web-dir={site}", *options))
    async with page.expect_response("**/api/deploy") as answering:
        await page.click("#deployButton")
    answer = await answering.value
    if who == "nobody":
        assert answer.status == 422
        assert "default-deployment" in (await answer.json())["detail"]
        assert console.alerts == []
        complaints.expect("422")
        return
    assert answer.status == 202
    await console.until_alert("Deployment started!")

    def restarted() -> bool:
        template = cluster.get("deployment", "chosen", f"--namespace={namespace}")["spec"]["template"]
        return "kubectl.kubernetes.io/restartedAt" in template["metadata"].get("annotations", {})

    await asyncio.to_thread(wait_for, "the restart", restarted)


@pytest.mark.parametrize("configured", [True, False])
async def test_snippet_eight_keeps_the_form_as_a_config_map_at_the_users_own_path(
    cluster: Cluster, namespace: str, start: Start, page: Page, site: Path, complaints: Complaints, configured: bool
) -> None:
    write_page(site, namespace, (8,))
    console = Console(page)
    await sign_in(page, start(f"--web-dir={site}", *(["--config-path=/django/api/v1/config/"] if configured else [])))
    # A file as somebody chooses it, with what no text of UTF-8 has.
    chosen: Any = {"name": "motd.bin", "mimeType": "application/octet-stream", "buffer": b"\xff\x00hello"}
    await page.set_input_files("input[name=motd]", chosen)
    async with page.expect_response("**/config/") as answering:
        await page.click("#upload")
    answer = await answering.value
    await console.until_alert("Configuration uploaded!")
    kept = {each["metadata"]["name"]: each for each in cluster.get("configmaps", f"--namespace={namespace}")["items"]}
    if configured:
        assert answer.status == 202
        assert kept["settings"]["data"] == {"title": "Shop"}
        assert kept["settings"]["binaryData"] == {"motd": "/wBoZWxsbw=="}
    else:
        # The snippet does not look at the answer; nothing is there, and Chromium's console says so.
        assert answer.status in {404, 405}
        assert "settings" not in kept
        complaints.expect("404", "405")


async def test_snippet_seven_creates_what_the_default_manifest_describes(
    cluster: Cluster, namespace: str, start: Start, page: Page, site: Path, tmp_path: Path
) -> None:
    write_page(site, namespace, (7,))
    manifest = tmp_path / "deployment.yaml"
    wanted = by_hand("created")
    wanted["metadata"]["namespace"] = namespace
    manifest.write_text(yaml.safe_dump(wanted))
    console = Console(page)
    await sign_in(page, start(f"--web-dir={site}", f"--default-manifest={manifest}"))
    await page.click("#deployButton")
    await console.until_alert("Deployment started!")
    created = cluster.get("deployment", "created", f"--namespace={namespace}")
    assert created["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/main:1.0"
    await until(page, "document.querySelector('kube-deployment[name=created]')")


def bare_pod(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "many"}},
        "spec": {"containers": [{"name": "main", "image": "example.com/main:1.0"}]},
    }
