"""A node's page in Chromium, as a person uses it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Route,
    async_playwright,
    expect,
)
from tests.support.process_node import JWT, NodeProcess, serving
from tests.support.time_limits import HANG_TIMEOUT

PAGE: Final = Path(__file__).parents[2] / "src" / "useby" / "web"
CHROMIUM: Final = Path("/usr/bin/chromium")
EMAIL: Final = "ada@useby.example"
PASSWORD: Final = "the quick brown fox"
BLOCKED: Final = """
    const Open = WebSocket;
    globalThis.WebSocket = class extends Open {
      constructor(url, ...more) {
        super(String(url).replace("/api/ws/", "/api/no-upgrade/"), ...more);
      }
    };
"""
"""Script that makes every upgrade fail, as a proxy does that does not pass it on."""
expect.set_options(timeout=HANG_TIMEOUT * 1000)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium, in which each test has a context of its own, as in a private window."""
    assert CHROMIUM.exists(), "Chromium is missing; on Debian: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NodeProcess]:
    with serving(tmp_path) as server:
        yield server


@asynccontextmanager
async def a_phone(browser: Browser, *but: str) -> AsyncIterator[BrowserContext]:
    """A window of a phone's width; at its end only ``but`` went wrong."""
    received: list[str] = []

    def record(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            received.append(message.text)

    context = await browser.new_context(viewport={"width": 360, "height": 640}, color_scheme="dark")
    context.set_default_timeout(HANG_TIMEOUT * 1000)
    context.on("console", record)
    context.on("weberror", lambda error: received.append(str(error.error)))
    try:
        yield context
    finally:
        await context.close()
    assert not [each for each in received if not any(part in each for part in but)]


async def enter(page: Page, button: str) -> None:
    """Fill in the form by the keyboard alone, and take one of its buttons."""
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.get_by_role("button", name=button).press("Enter")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()


def notification_items(page: Page) -> Locator:
    return page.get_by_role("region", name="Notifications").get_by_role("listitem")


async def sign_in(rest: httpx.AsyncClient) -> None:
    """The same person, by REST."""
    answer = await rest.post("/api/auth/login", json={"email": EMAIL, "password": PASSWORD})
    rest.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"


async def add(rest: httpx.AsyncClient, name: str, days: int) -> None:
    """Add a product that expires in so many days."""
    day = datetime.now(UTC).date() + timedelta(days=days)
    answer = await rest.post("/api/products", json={"name": name, "expiryDate": str(day)})
    assert answer.status_code == 201, answer.text


async def test_a_person_signs_up_reads_a_notification_and_signs_out(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_phone(browser) as context, server.rest() as rest:
        page = await context.new_page()
        await page.goto(server.url)
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await enter(page, "Create an account")
        await expect(page.get_by_role("heading", name="What is due")).to_be_focused()

        await expect(page.get_by_text("add a product with “useby product add”")).to_be_visible()
        await expect(page.get_by_role("contentinfo")).to_have_text(
            "For developers: REST, WebSocket"
        )

        await sign_in(rest)
        await add(rest, "Rice", 400)
        await add(rest, "Milk", 2)
        products = page.get_by_role("region", name="What is due").get_by_role("row")
        await expect(products.nth(1)).to_contain_text(re.compile("^Milk.*in 2 days$"))
        assert await page.evaluate("document.querySelector('td time').getClientRects().length") == 1
        await expect(products.nth(2)).to_contain_text(re.compile("^Rice.*in 400 days$"))
        await expect(notification_items(page)).to_contain_text(["Milk expires in 2 days"])
        # A direction override of a name ends with the element.
        await expect(products.nth(1).locator("bdi")).to_have_text("Milk")
        await expect(notification_items(page).locator("bdi")).to_have_text("Milk expires in 2 days")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360

        await expect(page).to_have_title("(1) useby")
        await page.get_by_role("link", name="Notifications (1)").click()
        await expect(page.get_by_role("heading", name="Notifications")).to_be_focused()

        other = await context.new_page()
        await other.clock.install()
        await other.goto(server.url)
        await enter(other, "Sign in")
        await expect(notification_items(other)).to_have_count(1)
        await page.get_by_role("button", name="Mark read: Milk expires in 2 days").click()
        for each in (page, other):
            await expect(notification_items(each)).to_have_class(re.compile(r"\bread\b"))
            await expect(each.get_by_text("0 unread")).to_be_visible()
            await expect(each).to_have_title("useby")

        await add(rest, "Tea", 0)
        await add(rest, "Salt", 1)
        await expect(other.get_by_text("2 unread")).to_be_visible()
        await other.get_by_role("button", name="Mark all read").click()
        await expect(page.get_by_text("0 unread")).to_be_visible()

        await page.reload()
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        await expect(products).to_have_count(5)
        await expect(notification_items(page)).to_have_count(0)
        assert await page.evaluate("Object.keys(sessionStorage).length + localStorage.length") == 0

        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("E-mail")).to_be_focused()
        await page.reload()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

        await context.set_offline(True)
        await expect(other.get_by_text("Not connected")).to_be_visible()
        await other.clock.fast_forward("14:30")  # as a device that slept
        async with (
            other.expect_request("**/api/auth/refresh"),
            other.expect_websocket() as socket,
        ):
            await context.set_offline(False)
        await expect(other.get_by_text("Live", exact=True)).to_be_visible()
        assert "access_token=" in (await socket.value).url
        assert not JWT.search((await socket.value).url), "a token is in a URL"

        await rest.post("/api/auth/logout-all")
        await expect(other.get_by_role("alert")).to_have_text("Access revoked. Sign in again.")
        await expect(notification_items(other)).to_have_count(0)
        await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
        await expect(other.get_by_role("heading", name="What is due")).to_be_hidden()
        await expect(other.get_by_label("E-mail")).to_be_focused()


async def test_a_page_whose_socket_is_blocked_shows_what_rest_returns_and_states_it(
    browser: Browser,
    server: NodeProcess,
) -> None:
    async with (
        a_phone(browser, "WebSocket connection to", "status of 401") as context,
        server.rest() as rest,
    ):
        await rest.post("/api/auth/signup", json={"email": EMAIL, "password": PASSWORD})
        await sign_in(rest)
        await add(rest, "Milk", 2)
        page = await context.new_page()
        await page.add_init_script(BLOCKED)
        await page.goto(server.url)
        await page.get_by_label("E-mail").fill(EMAIL)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        products = page.get_by_role("region", name="What is due").get_by_role("row")
        await expect(products.nth(1)).to_contain_text("Milk")
        await expect(page.get_by_text("Live updates are blocked")).to_be_visible()
        await expect(notification_items(page)).to_contain_text(["Milk expires in 2 days"])

        await add(rest, "Tea", 0)
        await expect(notification_items(page)).to_have_count(2)
        await page.get_by_role("button", name="Mark read: Milk expires in 2 days").click()
        await expect(page.get_by_text("1 unread")).to_be_visible()
        await page.get_by_role("button", name="Mark all read").click()
        await expect(page.get_by_text("0 unread")).to_be_visible()
        assert (await rest.get("/api/notifications/unread-count")).json()["unread"] == 0

        await rest.post("/api/auth/logout-all")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_unread_count_is_the_nodes_and_not_that_of_the_list(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_phone(browser, "WebSocket connection to") as context, server.rest() as rest:
        await rest.post("/api/auth/signup", json={"email": EMAIL, "password": PASSWORD})
        await sign_in(rest)
        items = [{"message": f"Tea {number}"} for number in range(501)]
        answer = await rest.post("/api/notifications/batch", json={"items": items})
        assert answer.is_success, answer.text
        for blocked in (True, False):
            page = await context.new_page()
            if blocked:
                await page.add_init_script(BLOCKED)
            await page.goto(server.url)
            await page.get_by_label("E-mail").fill(EMAIL)
            await page.get_by_label("Password").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await expect(page).to_have_title("(501) useby")
            await expect(page.get_by_role("link", name="Notifications (501)")).to_be_visible()


async def test_the_form_explains_a_short_password_and_an_e_mail_that_may_be_taken(
    browser: Browser,
    server: NodeProcess,
) -> None:
    async with (
        a_phone(browser, "the server responded with a status of 4") as context,
        server.rest() as rest,
    ):
        await rest.post("/api/auth/signup", json={"email": EMAIL, "password": "another one"})
        page = await context.new_page()
        await page.goto(server.url)
        await page.get_by_label("E-mail").fill(EMAIL)
        await page.get_by_label("Password").fill("short")
        create = page.get_by_role("button", name="Create an account")
        await create.click()
        alert = page.get_by_role("alert")
        await expect(alert).to_have_text("The password needs at least 8 characters.")
        await page.get_by_label("Password").fill(PASSWORD)
        await create.click()
        await expect(alert).to_contain_text("If you have signed up before")
        await expect(create).to_be_focused()


async def test_the_button_is_disabled_while_the_node_answers_a_sign_in(
    browser: Browser, server: NodeProcess
) -> None:
    answered = asyncio.Event()

    async def hold(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    async with a_phone(browser, "the server responded with a status of 4") as context:
        page = await context.new_page()
        await page.route("**/api/auth/login", hold)
        await page.goto(server.url)
        await page.get_by_label("E-mail").fill(EMAIL)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("button", name="Signing in …")).to_be_disabled()
        answered.set()
        button = page.get_by_role("button", name="Sign in", exact=True)
        await expect(button).to_be_enabled()
        await expect(button).to_be_focused()


async def test_each_module_is_loaded_once_and_is_the_same_for_every_import(
    browser: Browser,
    server: NodeProcess,
) -> None:
    loaded: list[str] = []
    async with a_phone(browser) as context:
        page = await context.new_page()
        page.on("request", lambda request: loaded.append(urlsplit(request.url).path))
        await page.goto(server.url)
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        same = await page.evaluate("""async () => {
            const [client, errors] = await Promise.all([
                import("/web/client.js"), import("/web/client/errors.js")]);
            return client.ConnectionRejected === errors.ConnectionRejected;
        }""")
    assert same
    modules = sorted(path for path in loaded if path.startswith("/web/client"))
    assert modules == sorted({*modules}), "a module was requested twice"
    assert len(modules) == 1 + len(list((PAGE / "client").iterdir()))


async def test_sign_up_is_not_offered_where_it_is_disabled(
    browser: Browser, tmp_path: Path
) -> None:
    with serving(tmp_path, signup=False) as server:
        async with a_phone(browser) as context:
            page = await context.new_page()
            async with page.expect_response("**/api/auth/signup") as received:
                await page.goto(server.url)
            await (await received.value).finished()
            await page.evaluate("new Promise(requestAnimationFrame)")  # it has been acted on
            await expect(page.get_by_role("button")).to_have_text(["Sign in"])


async def test_an_invited_person_chooses_a_password(browser: Browser, server: NodeProcess) -> None:
    await server.command("user", "add", EMAIL)
    status, link = await server.command("user", "invite", EMAIL, "--url", server.url)
    assert status == 0, link
    async with a_phone(browser) as context:
        page = await context.new_page()
        await page.goto(link.strip())
        await expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
        await expect(page.get_by_label("E-mail")).to_have_value(EMAIL)
        await page.locator("#password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        assert page.url == f"{server.url}/"
    async with server.rest() as rest:
        await sign_in(rest)
        assert (await rest.get("/api/me")).json()["email"] == EMAIL
