"""Browsers for the tests: one of each kind for the run, a fresh context for each test.

Tests run in Chromium; those that are marked `browsers("chromium", "firefox")` run in both. Playwright's asynchronous
interface on the session's event loop; its own pytest fixtures are synchronous and cannot share a run with asyncio
tests.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from tests.browser.complaints import Complaints

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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test in each browser that it is marked for, in Chromium if it does not say."""
    if "browser_name" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("browsers")
        names = marked.args if marked else ("chromium",)
        # Of a test in one browser only, the name stays what it is.
        ids = names if len(names) > 1 else [pytest.HIDDEN_PARAM]
        metafunc.parametrize("browser_name", names, ids=ids, scope="session", indirect=True)


def find_chromium() -> str:
    return _find("chromium", "KUBEDOM_TEST_CHROMIUM")


def _find(command: str, variable: str) -> str:
    found = os.environ.get(variable) or shutil.which(command)
    if not found:
        pytest.fail(f"There is no {command}. Run tests/install-browsers.sh, or name one in {variable}.")
    return found


@pytest.fixture(scope="session")
def browser_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(browser_name: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        if browser_name == "firefox":
            # The system's own, which Playwright drives by the standard protocol, so a page has it as users have it.
            browser = await playwright.firefox.launch(
                channel="moz-firefox", executable_path=_find("firefox-esr", "KUBEDOM_TEST_FIREFOX")
            )
        else:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    yield context
    await context.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the page's console complains of; a test that expects some says so."""
    found = Complaints()
    yield found
    assert found.unexpected == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, complaints: Complaints) -> Page:
    page = await context.new_page()
    complaints.listen_to(page)
    return page
