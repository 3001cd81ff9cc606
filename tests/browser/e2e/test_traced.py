"""A pod fails, and the collector hears from the API server's line to the listeners in Chromium."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page
from tests.browser.e2e.conftest import sign_in, until_shown
from tests.browser.e2e.test_way_out_and_back import running_pod, until_heard
from tests.conftest import Cluster
from tests.kubelet import by_hand, failed, terminated
from tests.running import KubedomRun
from tests.tracing import collecting


async def test_a_page_ends_the_trace_of_a_failure(cluster: Cluster, namespace: str, page: Page) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    name, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    which = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", f"--namespace={namespace}")
    async with collecting() as collector:
        sent = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with await asyncio.to_thread(lambda: KubedomRun(*which, "--traces", environment=sent)) as run:
            await sign_in(page, run)
            await until_shown(page, uid)
            cluster.patch_status("pod", namespace, name, failed(terminated(3)))
            await until_heard(page, uid, "podFailed")
            await collector.until(lambda: any(one.name == "seen" for one in collector.spans))
            seen = next(one for one in collector.spans if one.name == "seen")
            names = {one.name for one in collector.spans if one.trace == seen.trace}
            assert names == {"watch", "diagnose", "handover", "deliver", "seen"}
            assert seen.end >= seen.start
            await page.close()
