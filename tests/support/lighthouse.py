"""Lighthouse on the page of a node, in a Chromium that is signed in."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, async_playwright, expect
from tests.support.chromium import PROGRAM
from tests.support.pages import enter
from tests.support.postgres import free_port

SCRIPT: Final = Path(__file__).parents[1] / "js" / "lighthouse.mjs"


@dataclass(frozen=True)
class Audit:
    """Result of an audit."""

    scores: dict[str, int]
    """Score of each category, 0 to 100."""
    figures: dict[str, float]
    """Times in milliseconds and other figures, by the names of their audits."""
    requests: int
    """Number of requests, with those of what is loaded later."""
    work: dict[str, float]
    """Milliseconds of the main thread, as slow as a phone, by kind of work; empty without speed."""
    failed: dict[str, Any]
    """Audits that the page did not pass, with the elements."""


@dataclass(frozen=True)
class AuditedPage:
    """A page that is signed in, in a Chromium to which Lighthouse can connect."""

    page: Page
    port: int

    async def audit(self, url: str, categories: Sequence[str]) -> Audit:
        """Load a view in a new tab as a phone does, and audit it."""
        process = await asyncio.create_subprocess_exec(
            *("node", SCRIPT, str(self.port), url, ",".join(categories)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return Audit(**json.loads(printed))

    async def forget_files(self) -> None:
        """Remove all that the browser has stored of the page's files, and keep the sign-in."""
        # A service worker that is still being installed would store them again, and so would the
        # page that is open, which registers it again.
        await self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        origin = await self.page.evaluate("location.origin")
        await self.page.goto("about:blank")
        devtools = await self.page.context.new_cdp_session(self.page)
        kinds = "service_workers,cache_storage,indexeddb"
        await devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": kinds})
        await devtools.send("Network.clearBrowserCache")


@asynccontextmanager
async def audited_page(url: str) -> AsyncIterator[AuditedPage]:
    """Open the page of a node, and sign in as the person of ``pages``."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                folder,
                executable_path=PROGRAM,
                args=["--no-sandbox", f"--remote-debugging-port={port}"],
            )
            page = context.pages[0]
            await page.goto(url)
            await enter(page, "Sign in")
            await expect(page.get_by_role("heading", level=1)).to_have_text("Due")
            yield AuditedPage(page, port)
            await context.close()
