"""Signing in and out, the connection, and the files of the page, as a person meets them."""

import asyncio
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.async_api import Browser, Route, expect
from tests.support.axe import violations
from tests.support.mail_server import PUBLIC_URL, receiving_mail
from tests.support.pages import (
    EMAIL,
    FOLDER,
    PASSWORD,
    a_window,
    add,
    connection,
    enter,
    opened,
    row,
    sign_in,
    sign_up,
)
from tests.support.process_node import JWT, NodeProcess, serving
from tests.support.time_limits import HANG_TIMEOUT

BLOCKED: Final = """
    const Open = WebSocket;
    globalThis.WebSocket = class extends Open {
      constructor(url, ...more) {
        super(String(url).replace("/api/ws/", "/api/no-upgrade/"), ...more);
      }
    };
"""
"""Script that makes every upgrade fail, as a proxy does that does not pass it on."""
LATER: Final = {
    *("/web/offline.js", "/web/client.js", "/web/views/products.js", "/web/views/settings.js"),
    "/web/parts/more_dialog.js",
}
"""Some of the modules that the first view does without."""


async def test_a_person_signs_up_sees_a_first_product_and_signs_out(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        page = await context.new_page()
        await page.goto(server.url)
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await enter(page, "Create an account")
        status = page.get_by_role("status", name="Connection")
        await expect(status).to_have_text("Live")
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        await expect(page.get_by_text("Nothing is kept yet")).to_be_visible()
        await expect(page.get_by_role("contentinfo")).to_have_text(
            "For developers: REST, WebSocket"
        )
        await sign_in(rest)
        await add(rest, "Milk", 2)
        await expect(row(page, "Milk")).to_contain_text("in 2 days")
        await expect(page).to_have_title("(1) useby")
        icon = page.locator("link[rel=icon]")
        await expect(icon).to_have_attribute("href", re.compile("icon-unread.svg$"))

        await page.reload()
        await expect(row(page, "Milk")).to_be_visible()
        await expect(status).to_have_text("Live")
        kept = await page.evaluate("({...localStorage, ...sessionStorage})")
        assert list(kept) == ["useby.signedIn"]
        assert not JWT.search(kept["useby.signedIn"]), "a token is kept where scripts can read it"
        [cookie] = await context.cookies(f"{server.url}/api/auth/refresh")
        assert cookie.get("httpOnly")
        assert await page.evaluate("document.cookie") == ""

        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("button", name="Sign out", exact=True).click()
        await expect(status).to_have_text("Signed out")
        await expect(page.get_by_label("E-mail")).to_be_focused()
        await expect(page).to_have_title("useby")
        await page.reload()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_page_that_was_asleep_comes_back_by_itself_until_its_sign_in_ends(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "ERR_INTERNET_DISCONNECTED") as context, server.rest() as rest:
        await sign_up(rest)
        page = await context.new_page()
        await page.clock.install()
        await page.goto(server.url)
        await enter(page, "Sign in")
        await context.set_offline(True)
        await expect(connection(page)).to_have_text("Offline")
        await page.clock.fast_forward("14:30")  # as a device that slept
        async with page.expect_request("**/api/auth/refresh"), page.expect_websocket() as socket:
            await context.set_offline(False)
        await expect(connection(page)).to_have_text("Live")
        assert "access_token=" in (await socket.value).url
        assert not JWT.search((await socket.value).url), "a token is in a URL"

        await rest.post("/api/auth/logout-all")
        await expect(page.get_by_role("alert")).to_have_text("Access revoked. Sign in again.")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        await expect(page.get_by_label("E-mail")).to_be_focused()


async def test_tabs_share_a_sign_in_and_one_refresh(browser: Browser, server: NodeProcess) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        first = await context.new_page()
        await first.clock.install()
        await first.goto(server.url)
        await enter(first, "Sign in")
        second = await context.new_page()
        await second.clock.install()
        await second.goto(server.url)
        await expect(connection(second)).to_have_text("Live")
        tabs = (first, second)
        for tab in tabs:
            await tab.clock.fast_forward("14:30")  # the access tokens end
        requests: list[str] = []
        context.on("request", lambda request: requests.append(urlsplit(request.url).path))
        for tab in tabs:
            await tab.evaluate("location.hash = '#/inbox'")
        for tab in tabs:
            await expect(tab.get_by_text("No notification has come yet.")).to_be_visible()
        assert requests.count("/api/auth/refresh") == 1

        async with (
            first.expect_response("**/members"),
            first.expect_response("**/invitations"),  # the last of what the view asks for
        ):
            await first.get_by_role("link", name="Settings").click()
        await first.get_by_role("button", name="Sign out everywhere").click()
        for tab in tabs:
            await expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_a_page_whose_socket_is_blocked_shows_what_rest_returns_and_states_it(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser, "WebSocket connection to", "status of 401") as context,
        server.rest() as rest,
    ):
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await context.new_page()
        await page.add_init_script(BLOCKED)
        await page.goto(server.url)
        await page.get_by_label("E-mail").fill(EMAIL)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(row(page, "Milk")).to_be_visible()
        await expect(page).to_have_title("(1) useby")
        await expect(page.get_by_text("Live updates are blocked")).to_be_visible()
        await expect(connection(page)).to_contain_text("Reconnecting in")
        await add(rest, "Tea", 0)
        await expect(row(page, "Tea")).to_be_visible()
        await page.get_by_role("link", name="Inbox").click()
        await page.get_by_role("button", name="Mark all read").click()
        await expect(page).to_have_title("useby")
        await rest.post("/api/auth/logout-all")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_form_explains_a_short_password_and_an_e_mail_that_may_be_taken(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser, "the server responded with a status of 4") as context,
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

    async with a_window(browser, "the server responded with a status of 4") as context:
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


async def test_each_module_is_preloaded_once_and_is_the_same_for_every_import(
    browser: Browser, server: NodeProcess
) -> None:
    loaded: list[str] = []
    async with a_window(browser) as context:
        page = await context.new_page()
        page.on("request", lambda request: loaded.append(urlsplit(request.url).path))
        await page.goto(server.url)
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        first = sorted(path for path in loaded if path.endswith(".js"))
        same = await page.evaluate("""async () => {
            const [client, errors] = await Promise.all([
                import("/web/client.js"), import("/web/client/errors.js")]);
            return client.ConnectionRejected === errors.ConnectionRejected;
        }""")
    assert same
    modules = sorted(path for path in loaded if path.endswith(".js"))
    assert modules == sorted({*modules}), "a module was requested twice"
    preloaded = re.findall(r'(?:src|href)="(web/[^"]+\.js)"', (FOLDER / "index.html").read_text())
    assert {f"/{path}" for path in preloaded} <= {*first}
    assert "/web/views/signin.js" in first
    assert "/web/views/settings.js" not in first


async def test_the_lots_are_requested_before_the_views_are_there_and_the_rest_after_the_lots(
    browser: Browser, server: NodeProcess
) -> None:
    asked, shown = asyncio.Event(), asyncio.Event()
    loaded: list[str] = []

    async def answer_lots(route: Route) -> None:
        asked.set()
        await shown.wait()
        await route.continue_()

    async def answer_views(route: Route) -> None:
        await asked.wait()
        await route.continue_()

    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        await (await opened(context, server)).close()
        page = await context.new_page()
        page.on("request", lambda request: loaded.append(urlsplit(request.url).path))
        await page.route("**/api/lots?*", answer_lots)
        await page.route("**/web/views/due.js", answer_views)
        await page.goto(server.url, wait_until="commit")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Due")
        await page.evaluate("new Promise((done) => requestIdleCallback(done))")
        assert not {*loaded} & LATER, "what nobody sees yet would delay the lots"
        shown.set()
        await expect(row(page, "Milk")).to_be_visible()
        async with asyncio.timeout(HANG_TIMEOUT):
            while not {*loaded} >= LATER:
                await page.wait_for_event("request")


async def test_sign_up_is_not_offered_where_it_is_disabled(
    browser: Browser, tmp_path: Path
) -> None:
    with serving(tmp_path, signup=False) as server:
        async with a_window(browser) as context:
            page = await context.new_page()
            async with page.expect_response("**/api/config") as received:
                await page.goto(server.url)
            await (await received.value).finished()
            await page.evaluate("new Promise(requestAnimationFrame)")  # it has been acted on
            await expect(page.get_by_role("button")).to_have_text(["Sign in"])


async def test_a_forgotten_password_is_replaced_by_the_link_of_a_mail(
    browser: Browser, tmp_path: Path
) -> None:
    async with receiving_mail() as receiver:
        with serving(tmp_path, **receiver.settings()) as server:
            async with a_window(browser) as context:
                page = await context.new_page()
                await page.goto(server.url)
                await page.get_by_label("E-mail").fill(EMAIL)
                await page.get_by_label("Password").fill(PASSWORD)
                await page.get_by_role("button", name="Create an account").click()
                await expect(connection(page)).to_have_text("Live")
            async with a_window(browser) as context:
                page = await context.new_page()
                await page.goto(server.url)
                await page.get_by_role("link", name="Forgot your password?").click()
                await expect(page.get_by_role("button", name="Send a link")).to_be_visible()
                assert await violations(page) == []
                await page.get_by_label("E-mail").fill(EMAIL)
                await page.get_by_role("button", name="Send a link").click()
                await expect(page.get_by_text("is on its way")).to_be_visible()
                await receiver.until_count(1)
                (link,) = receiver.mails[0].links
                await page.goto(link.replace(PUBLIC_URL, server.url))
                await page.get_by_label("New password").fill("another horse")
                await page.get_by_role("button", name="Set the password").click()
                await page.get_by_role("link", name="Sign in").click()
                await page.get_by_label("E-mail").fill(EMAIL)
                await page.get_by_label("Password").fill("another horse")
                await page.get_by_role("button", name="Sign in").click()
                await expect(connection(page)).to_have_text("Live")


async def test_an_invited_person_chooses_a_password(browser: Browser, server: NodeProcess) -> None:
    await server.command("user", "add", EMAIL)
    status, link = await server.command("user", "invite", EMAIL, "--url", server.url)
    assert status == 0, link
    async with a_window(browser) as context:
        page = await context.new_page()
        await page.goto(link.strip())
        await expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
        await expect(page.get_by_label("E-mail")).to_have_value(EMAIL)
        await expect(page.get_by_label("Password")).to_be_focused()
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(connection(page)).to_have_text("Live")
        assert page.url == f"{server.url}/"
    async with server.rest() as rest:
        await sign_in(rest)
        assert (await rest.get("/api/me")).json()["email"] == EMAIL


async def test_a_link_to_a_view_leads_there_after_the_sign_in(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "inbox")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")
        await page.reload()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")
