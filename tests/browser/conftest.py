"""Chromium for the tests: one browser for the run, a fresh context for each test.

Playwright's asynchronous interface on the session's event loop; its own pytest fixtures are synchronous and cannot
share a run with asyncio tests.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and let it share the browser's event loop."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def find_chromium() -> str:
    found = os.environ.get("KUBEDOM_TEST_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.fail("There is no Chromium. Run tests/install-chromium.sh, or name one in KUBEDOM_TEST_CHROMIUM.")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    yield context
    await context.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the page's console complains of; a test that expects complaints takes them out."""
    found: list[str] = []
    yield found
    assert found == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, complaints: list[str]) -> Page:
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    return page
