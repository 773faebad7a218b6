"""The JavaScript client on a page in a real Chromium."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page, async_playwright, expect
from tests.support import process_node as live
from tests.support.chromium import launched
from tests.support.process_node import NodeProcess
from tests.support.time_limits import HANG_TIMEOUT

expect.set_options(timeout=HANG_TIMEOUT * 1000)
LIBRARY: Final = Path(__file__).parents[2] / "clients" / "js"
FILES: Final = {"/": (Path(__file__).with_name("page.html"), "text/html")} | {
    f"/{path.relative_to(LIBRARY)}": (path, "text/javascript")
    for path in (LIBRARY / "client.js", *(LIBRARY / "client").iterdir())
}


class Files(BaseHTTPRequestHandler):
    """The page and the modules, as any web server would serve them."""

    def do_GET(self) -> None:
        file, kind = FILES.get(self.path.partition("?")[0], (None, ""))
        self.send_response(200 if file else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.end_headers()
        if file:
            self.wfile.write(file.read_bytes())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def site() -> Iterator[str]:
    """The address that serves the page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


async def expect_messages(page: Page, *messages: str) -> None:
    """Wait until the page has been handed these, and nothing else."""
    await expect(page.locator("#received li")).to_have_text(list(messages))


async def test_a_page_gets_notifications_marks_them_read_and_reconnects_after_an_outage(
    node: NodeProcess, site: str
) -> None:
    person = node.person()
    node.notify(person, ["before"])
    async with async_playwright() as playwright, node.rest() as rest:
        browser = await launched(playwright)
        page = await browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{site}?{urlencode({'node': node.url, 'token': person.token})}")
        await expect_messages(page, "before")
        await live.post(rest, person, "live")
        await expect_messages(page, "before", "live")
        states = page.locator("#states li")
        await expect(states).to_have_text(["connecting", "connected"])

        await page.context.set_offline(True)
        await expect(states).to_have_text(["connecting", "connected", "waiting"])
        await live.post(rest, person, "meanwhile")
        await page.context.set_offline(False)
        await expect_messages(page, "before", "live", "meanwhile")

        await page.get_by_role("button").click()
        await expect(page.locator("output")).to_have_text("flushed and closed")
        kept = await live.all_notifications(rest, person)
        assert [each["message"] for each in kept] == ["before", "live", "meanwhile"]
        assert all(each["readAt"] for each in kept)
        place = await page.evaluate("JSON.parse(localStorage.place)")
        assert place == {"after": kept[-1]["id"], "begun": 1, "marks": []}
        assert not errors
        await browser.close()
