"""A node's page in Chromium, and the same person over REST."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import jwt
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect
from tests.support.process_node import NodeProcess
from tests.support.time_limits import HANG_TIMEOUT

FOLDER: Final = Path(__file__).parents[2] / "src" / "useby" / "web"
"""The page's files."""
EMAIL: Final = "ada@useby.example"
PASSWORD: Final = "the quick brown fox"
PHONE: Final = (390, 844)
SCREEN: Final = (1280, 800)
COUNTS_REQUESTS: Final = """
    globalThis.unanswered = 0;
    const ask = fetch;
    globalThis.fetch = async (...values) => {
      unanswered += 1;
      try {
        const answer = await ask(...values);
        await answer.clone().arrayBuffer();
        return answer;
      } finally {
        unanswered -= 1;
      }
    };
"""
"""Script for a window in which ``settled`` is used."""
SETTLED: Final = """async () => {
    const turn = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
    const isLoading = () => /Loading …|Wird geladen …/.test(document.body.textContent);
    for (let quiet = 0; quiet < 3; quiet += 1) {
      if (unanswered || isLoading()) quiet = -1;
      await turn();
    }
}"""


@asynccontextmanager
async def a_window(
    browser: Browser,
    *but: str,
    size: tuple[int, int] = PHONE,
    scheme: Literal["light", "dark"] = "light",
    locale: str = "en-US",
    zone: str = "UTC",
    service_workers: Literal["allow", "block"] = "block",
) -> AsyncIterator[BrowserContext]:
    """A private window; at its end, of all errors and warnings only ``but`` may have occurred.

    A service worker would fetch all of the page's files a second time, for tests of what it does.
    """
    received: list[str] = []

    def record(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            received.append(message.text)

    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        locale=locale,
        timezone_id=zone,
        service_workers=service_workers,
    )
    context.set_default_timeout(HANG_TIMEOUT * 1000)
    context.on("console", record)
    context.on("weberror", lambda error: received.append(str(error.error)))
    try:
        yield context
    finally:
        await context.close()
    allowed = (*but, "Service Worker registration blocked by Playwright")
    unexpected = [each for each in received if not any(part in each for part in allowed)]
    assert unexpected == [], unexpected


def connection(page: Page) -> Locator:
    """The state of the page's connection, in English or German."""
    return page.locator("[role=status].connection")


async def enter(page: Page, button: str) -> None:
    """Fill in the form by the keyboard alone, and take one of its buttons."""
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.get_by_role("button", name=button).press("Enter")
    await expect(connection(page)).to_have_text("Live")


async def sign_up(rest: httpx.AsyncClient) -> None:
    """Create the person's account, and sign in by REST."""
    await rest.post("/api/auth/signup", json={"email": EMAIL, "password": PASSWORD})
    await sign_in(rest)


async def sign_in(rest: httpx.AsyncClient) -> None:
    """Sign the same person in by REST."""
    answer = await rest.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
    rest.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"


async def person(rest: httpx.AsyncClient, email: str) -> None:
    """Create another person's account, and sign in by REST."""
    given = {"email": email, "password": PASSWORD}
    await rest.post("/api/auth/signup", json=given)
    token = (await rest.post("/api/auth/login", json=given)).json()["accessToken"]
    rest.headers["Authorization"] = f"Bearer {token}"


async def shared_by(ada: httpx.AsyncClient, bob: httpx.AsyncClient, role: str) -> dict[str, Any]:
    """Name Ada's household, and let Bob join it; return it as Bob sees it."""
    (own,) = (await ada.get("/api/households")).json()["items"]
    path = f"/api/households/{own['id']}"
    await ada.patch(path, json={"name": "Kitchen"})
    made = (await ada.post(f"{path}/invitations", json={"role": role})).json()
    joined = await bob.post(f"/api/invitations/{made['token']}/accept")
    assert joined.is_success, joined.text
    found: dict[str, Any] = joined.json()
    return found


async def opened(
    context: BrowserContext, server: NodeProcess, view: str = "due", button: str = ""
) -> Page:
    """Open the page in a window that is signed in, or sign in with a button; show a view."""
    page = await context.new_page()
    if not button:
        await sign_in_over_rest(page, server.url)
    await page.goto(f"{server.url}/#/{view}")
    if button:
        await enter(page, button)
    await expect(connection(page)).to_have_text("Live")
    return page


async def sign_in_over_rest(page: Page, url: str) -> None:
    """Give a window the cookie and the id of a sign-in, as the form does for more CPU time."""
    given = {"email": EMAIL, "password": PASSWORD, "cookie": True}
    answer = await page.context.request.post(f"{url}/api/auth/login", data=given)
    assert answer.ok, await answer.text()
    claims = jwt.decode((await answer.json())["accessToken"], options={"verify_signature": False})
    await page.goto(f"{url}/api/health/live")
    await page.evaluate("id => localStorage.setItem('useby.signedIn', id)", claims["sid"])


def day(days: int) -> str:
    """Return the day that is so many days from today, in UTC."""
    return str(datetime.now(UTC).date() + timedelta(days=days))


async def add(
    rest: httpx.AsyncClient, name: str, days: int | None, **fields: object
) -> dict[str, Any]:
    """Add a product that expires in so many days, or never."""
    date = None if days is None else day(days)
    answer = await rest.post("/api/products", json={"name": name, "expiryDate": date, **fields})
    assert answer.status_code == 201, answer.text
    product: dict[str, Any] = answer.json()
    return product


async def until(page: Page, condition: str) -> None:
    """Wait until a condition holds in the page; ``wait_for_function`` may need ``unsafe-eval``."""
    frames = f"async () => {{ while (!({condition})) await new Promise(requestAnimationFrame); }}"
    async with asyncio.timeout(HANG_TIMEOUT):
        await page.evaluate(frames)


async def settled(page: Page) -> None:
    """Wait until a view shows all that it has asked the node for.

    The load state ``networkidle`` belongs to the document: another view does not begin it again.
    A view asks in an effect, after the frame that it is first drawn in.
    """
    async with asyncio.timeout(HANG_TIMEOUT):
        await page.evaluate(SETTLED)


def row(page: Page, name: str) -> Locator:
    """The row of a lot, by the name of its product."""
    return page.get_by_role("listitem", name=name)


def message(page: Page) -> Locator:
    """The message after an action."""
    return page.locator("[role=status].message")


def switch(page: Page) -> Locator:
    """What chooses the household, for a member of several."""
    return page.get_by_role("banner").get_by_label("Household")
