"""The recipes of docs/recipes.md, from the text on that page: each is written to a folder, built, and run."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.conftest import find_chromium
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Peer, ScriptedBridge, changes, deployment, event, gone, pod
from tests.browser.sdk.test_button import command
from tests.browser.web_tools import NODE, ROOT, web_tools

from kubedom_operator.local.ports import free_ports

RECIPES = (ROOT / "docs" / "recipes.md").read_text()
VITE_PAGE = '<!doctype html><title>Shop</title><div id="root"></div><script type="module" src="/src/main.{}"></script>'
REACT_CONFIG = "import react from '@vitejs/plugin-react';\nexport default { plugins: [react()] };\n"
# What typed JSX accepts with the recipe's declarations, and what it does not.
TYPED = """
import type {} from './kubedom';
export const good = <kube-button command="restartPod" for="uid">Restart</kube-button>;
// @ts-expect-error A button is for something.
export const bad = <kube-button>Restart</kube-button>;
"""
# The fixtures that pytest-playwright gives.
CONFTEST = """
import os, pytest
from playwright.sync_api import sync_playwright

@pytest.fixture
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()
"""
FAILING = "[...document.querySelectorAll('li')].map((each) => each.textContent.trim())"


def write(heading: str, folder: Path) -> Path:
    """Write the files of a recipe, as their names say."""
    section = re.search(rf"(?ms)^## {heading}$(.*?)(?=^## |\Z)", RECIPES)
    assert section, heading
    for name, text in re.findall(r"(?ms)^```\w+ (\S+)\n(.*?)^```$", section[1]):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm package, unpacked, as `npm install kubedom` would put it."""
    folder = tmp_path_factory.mktemp("package")
    npm = NODE.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    environment = os.environ | {"PATH": f"{NODE.parent}:{os.environ['PATH']}"}
    web_tools()
    subprocess.run(
        [NODE, npm, "pack", "--loglevel=error", "--pack-destination", folder],
        check=True,
        cwd=ROOT / "web",
        env=environment,
        capture_output=True,
    )
    subprocess.run(["tar", "-xzf", next(folder.glob("*.tgz")), "-C", folder], check=True)
    return folder / "package"


@pytest.fixture
def project(tmp_path: Path, package: Path) -> Path:
    """An author's folder, with what its recipe needs installed."""
    modules = tmp_path / "node_modules"
    modules.mkdir()
    for each in (web_tools() / "node_modules").iterdir():
        (modules / each.name).symlink_to(each)
    (modules / "kubedom").symlink_to(package)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


async def build(project: Path, bridge: ScriptedBridge) -> None:
    """Build with Vite, and let the bridge serve what comes out."""
    vite = project / "node_modules/vite/bin/vite.js"
    await run(NODE, vite, "build", "--logLevel=warn", cwd=project)
    for file in sorted((project / "dist").rglob("*.*")):
        name = file.relative_to(project / "dist").as_posix()
        bridge.pages["/" if name == "index.html" else f"/{name}"] = file.read_text()


async def run(*arguments: str | Path, cwd: Path, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *arguments,
        cwd=cwd,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    return output


async def lists_failures_and_restarts_what_failed(page: Listening, peer: Peer, count: str) -> None:
    """What every recipe's page does."""
    await peer.send(changes(event("podFailed", "a", 11, namespace="shop", incident="i-a")))
    await page.until(f"{FAILING}.join('|').startsWith('a: a ended with exit code 3.')")
    await page.until(f"document.querySelector('{count}').count === 1")
    await page.until("document.querySelector('kube-modal').open")
    await page.page.get_by_role("button", name="Close").click()
    await page.page.locator("li").get_by_role("button", name="Restart").click()
    asked = await command(peer)
    assert (asked["name"], asked["target"]["name"]) == ("restartPod", "a")
    await peer.send({"type": "result", "id": asked["id"], "phase": "Succeeded", "message": "Evicted a."})
    await page.until("document.querySelector('li kube-button').getAttribute('state') === 'succeeded'")
    await peer.send(
        changes(
            event("podRecovered", "a", 12, namespace="shop", incident="i-a", phase="end"),
            event("podFailed", "b", 13, namespace="shop", incident="i-b"),
        )
    )
    await page.until(f"{FAILING}.join('|').startsWith('b: ')")
    await page.page.get_by_role("button", name="Close").click()
    await peer.send(changes(gone("b", 14, namespace="shop")))
    await page.until(f"{FAILING}.length === 0")


PODS = (pod("a", namespace="shop", workload="api"), pod("b", namespace="shop"))


async def test_plain_html(bridge: ScriptedBridge, open_page: Open, tmp_path: Path) -> None:
    shop = write("Plain HTML", tmp_path) / "shop"
    bridge.pages |= {"/": (shop / "index.html").read_text(), "/shop.js": (shop / "shop.js").read_text()}
    page, peer = await open_page(deployment("api", namespace="shop"), *PODS, path="/")
    await page.until("document.querySelector('kube-count[selector=kube-pod]').count === 2")
    await lists_failures_and_restarts_what_failed(page, peer, "[live]")
    await peer.send(changes(event("podCrashLooping", "a", 20, namespace="shop", incident="i-c")))
    await page.page.get_by_role("button", name="Restart all of them").click()
    assert (await command(peer))["target"]["name"] == "api"


async def test_react(bridge: ScriptedBridge, open_page: Open, project: Path) -> None:
    write("React", project)
    (project / "index.html").write_text(VITE_PAGE.format("jsx"))
    (project / "vite.config.js").write_text(REACT_CONFIG)
    await build(project, bridge)
    page, peer = await open_page(*PODS, path="/")
    await lists_failures_and_restarts_what_failed(page, peer, "kube-count")


async def test_react_knows_the_elements_types(project: Path) -> None:
    write("React", project)
    (project / "src" / "typed.tsx").write_text(TYPED)
    compiler = project / "node_modules/typescript/bin/tsc"
    options = ("--noEmit", "--strict", "--jsx", "react-jsx", "--module", "preserve", "--types", "react")
    await run(NODE, compiler, *options, "src/kubedom.d.ts", "src/typed.tsx", cwd=project)


async def test_vue(bridge: ScriptedBridge, open_page: Open, project: Path, complaints: Complaints) -> None:
    write("Vue", project)
    (project / "index.html").write_text(VITE_PAGE.format("js"))
    await build(project, bridge)
    page, peer = await open_page(*PODS, path="/")
    await lists_failures_and_restarts_what_failed(page, peer, "kube-count")
    # Vue would like a policy of its own for Trusted Types, and does without.
    complaints.expect("TrustedTypePolicy named 'vue'")


@asynccontextmanager
async def django(project: Path) -> AsyncIterator[str]:
    """The author's Django, by its own server."""
    [port] = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "django", "runserver", "--noreload", "--nothreading", f"127.0.0.1:{port}"),
        cwd=project,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            while line := await process.stdout.readline():
                if b"Quit the server" in line:
                    break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.communicate()


async def test_a_django_template(bridge: ScriptedBridge, open_page: Open, page: Page, tmp_path: Path) -> None:
    write("A Django template", tmp_path)
    (tmp_path / "shop" / "__init__.py").touch()
    async with django(tmp_path) as origin:
        # The proxy in front of both: all but the socket is Django's.
        bridge.upstream = origin
        listening, peer = await open_page(*PODS, pod("p", namespace="shop-payments"), path="/")
        await listening.until("document.querySelectorAll('kube-count[count=\"0\"]').length === 2")
        await peer.send(changes(event("podFailed", "p", 11, namespace="shop-payments")))
        await listening.until("document.querySelector('kube-modal').open")
        await listening.until("document.querySelectorAll('kube-count')[1].count === 1")
        assert await page.get_by_role("row", name="shop-payments").locator("kube-count").count() == 1


async def test_a_playwright_test(tmp_path: Path) -> None:
    write("Plain HTML", tmp_path)
    write("A Playwright test", tmp_path)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    output = await run(
        *(
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:asyncio",
            "--rootdir",
            tmp_path,
            "test_shop.py",
        ),
        cwd=tmp_path,
        CHROMIUM=find_chromium(),
    )
    assert "2 passed" in output
