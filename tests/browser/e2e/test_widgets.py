"""A page of widgets, without a line of script of its own, on a real cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page
from tests.browser.e2e.conftest import Start, sign_in, until, until_shown
from tests.browser.e2e.test_way_out_and_back import running_pod
from tests.conftest import Cluster
from tests.kubelet import by_hand, failed, terminated
from tests.running import wait_for

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Widgets</title>
<link rel="icon" href="/icon.svg">
<p><kube-count id="failing" selector="kube-namespace[name={namespace}] kube-pod[incident]"></kube-count> failing</p>
<p><kube-healthcheck src="/readyz" interval="1s" expect="200 ok" name="kubedom"></kube-healthcheck></p>
<p><kube-button id="all" command="restartDeployment" for="kube-deployment[name=api]">Restart all</kube-button></p>
<kube-modal on="podFailed">
  <template>
    <p id="why"><slot name="podName"></slot>: <slot name="message"></slot></p>
    <kube-button slot="actions" command="restartPod">Restart it</kube-button>
  </template>
</kube-modal>
<kube-cluster namespaces="{namespace}"></kube-cluster>
<script type="module" src="/widgets.js"></script>
</html>
"""


@pytest.mark.browsers("chromium", "firefox")
async def test_a_page_of_widgets_tells_and_mends_a_failure(
    cluster: Cluster, namespace: str, start: Start, page: Page, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text(PAGE.format(namespace=namespace))
    cluster.apply(by_hand("api"), namespace=namespace)
    name, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    run = start(f"--web-dir={tmp_path}")
    # Until then the page's health check is answered 503, and the console says so.
    await asyncio.to_thread(wait_for, "a kubedom that is ready", lambda: run.get("/readyz")[0] == 200)
    await sign_in(page, run)
    await until_shown(page, uid)
    await until(page, "document.getElementById('failing').count === 0")
    await until(page, "document.querySelector('kube-healthcheck').passing")

    cluster.patch_status("pod", namespace, name, failed(terminated(3)))
    await until(page, "document.querySelector('kube-modal').open")
    assert await page.inner_text("#why") == f"{name}: Container main failed (exit code 3)."
    await until(page, "document.getElementById('failing').count === 1")
    await page.get_by_role("button", name="Restart it").click()
    _, new_uid = await asyncio.to_thread(running_pod, cluster, namespace, "api", other_than=uid)
    mending = "document.querySelector('kube-modal kube-button')"
    await until(page, f"{mending}.getAttribute('state') === 'succeeded'")
    await until(page, "document.getElementById('failing').count === 0")
    await page.get_by_role("button", name="Close").click()
    (action,) = cluster.get("healingactions", f"--namespace={namespace}")["items"]
    assert action["spec"]["target"] == {"kind": "Pod", "name": name, "uid": uid}

    await page.get_by_role("button", name="Restart all").click()
    await asyncio.to_thread(running_pod, cluster, namespace, "api", other_than=new_uid)
    await until(page, "document.getElementById('all').getAttribute('state') === 'succeeded'")
    template = cluster.get("deployment", "api", f"--namespace={namespace}")["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
