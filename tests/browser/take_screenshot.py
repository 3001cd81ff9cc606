"""Takes docs/page.png and docs/views/: kubedom's page on the demo of a real local control plane, light and dark.

    python -m tests.browser.take_screenshot [FOLDER]

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

VIEWS = ("overview", "pods", "workloads", "nodes", "events", "healing", "deploy")
DIALOG = "document.getElementById('incidentDialog')"


async def take(cluster: local.LocalCluster, folder: Path) -> None:
    """Open the page, install the demo, and take the pictures when its failures are shown."""
    views = folder / "views"
    views.mkdir(parents=True, exist_ok=True)
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
            await until(page, "document.querySelectorAll('#incidentList > li').length >= 4")
            await until(page, f"{DIALOG}.open")
            # Until the ages and the counts say something.
            await asyncio.sleep(20)
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)
                await page.evaluate(f"if (!{DIALOG}.open) document.querySelector('#incidentList button').click()")
                await asyncio.sleep(1)
                await page.screenshot(path=views / f"incident-{scheme}.png")
                await page.keyboard.press("Escape")
                for view in VIEWS:
                    await page.locator(f"#views a[data-to={view}]").click()
                    await asyncio.sleep(1)
                    await page.screenshot(path=views / f"{view}-{scheme}.png")
                await page.locator("#views a[data-to=overview]").click()
            (views / "overview-light.png").rename(folder / "page.png")
            await browser.close()


def main(arguments: list[str]) -> None:
    """Write the pictures to the folder that is named, or to docs/."""
    cluster = local.ensure_cluster(f"kubedom-picture-{os.getpid()}", progress=lambda text: print(text, file=sys.stderr))
    try:
        asyncio.run(take(cluster, Path(arguments[0] if arguments else "docs")))
    finally:
        cluster.delete()


if __name__ == "__main__":
    main(sys.argv[1:])
