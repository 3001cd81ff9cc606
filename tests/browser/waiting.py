"""Waiting in a page whose content policy forbids `eval`, so that Playwright's own way does not work."""

import asyncio
import time
from typing import Any

from playwright.async_api import Page

#: For what always comes; on a machine with other work, anything may be slow.
PATIENCE_SECONDS = 30.0
CLUSTER_SECONDS = 90.0


async def eventually(page: Page, condition: str, argument: Any = None, *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until an expression is true in the page, and return its value."""
    deadline = time.monotonic() + seconds
    while not (value := await page.evaluate(condition, argument)):
        assert time.monotonic() < deadline, f"It never came true: {condition} {argument or ''}"
        await asyncio.sleep(0.02)
    return value
