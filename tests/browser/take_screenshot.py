"""Takes docs/page.png: kubedom's page on the demo of a real local control plane.

    python -m tests.browser.take_screenshot [FILE]

Starts a cluster of its own, waits until the demo's failures are there, and removes it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from playwright.async_api import async_playwright
from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.browser.e2e.conftest import until, until_live
from tests.running import KubedomRun

from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_operator import local
from kubedom_operator.demo import install_demo


async def take(cluster: local.LocalCluster, file: Path) -> None:
    """Open the page, install the demo, and take its picture when its failures are shown."""
    with KubedomRun(f"--kubeconfig={cluster.kubeconfig}") as run:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            page = await browser.new_page(viewport={"width": 1280, "height": 800})
            await page.goto(run.link)
            await page.wait_for_url(f"{run.origin}/")
            await until_live(page)
            api = await Api.connect(ClusterChoice(str(cluster.kubeconfig), cluster.context))
            await install_demo(api)
            await api.close()
            await until(page, "document.querySelectorAll('#incidentList li').length >= 5")
            await until(page, "document.getElementById('incidentDialog').open")
            # Until the ages and the counts say something.
            await asyncio.sleep(20)
            await page.screenshot(path=file)
            await browser.close()


def main(arguments: list[str]) -> None:
    """Write the picture to the file that is named, or to docs/page.png."""
    cluster = local.ensure_cluster(f"kubedom-picture-{os.getpid()}", progress=lambda text: print(text, file=sys.stderr))
    try:
        asyncio.run(take(cluster, Path(arguments[0] if arguments else "docs/page.png")))
    finally:
        cluster.delete()


if __name__ == "__main__":
    main(sys.argv[1:])
