"""Web Push in Chromium: its real service worker, with a push service that the test plays."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    CDPSession,
    Locator,
    Page,
    Worker,
    async_playwright,
    expect,
)
from tests.support.axe import violations
from tests.support.chromium import WHOLE, launched
from tests.support.mail_server import PUBLIC_URL, receiving_mail
from tests.support.offline_pages import ready
from tests.support.pages import a_window, add, enter, message, opened, sign_up, until
from tests.support.process_node import NodeProcess, serving
from tests.support.push_browser import PushBrowser, b64, closed, verified
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.webhook_receiver import LOOPBACK, Received, Receiver, receiving, status

SUBSCRIPTIONS: Final = """
(given) => {
  const bytes = (key) => {
    const text = atob(key.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(text, (each) => each.charCodeAt(0)).buffer;
  };
  const subscription = ({ number, applicationServerKey: key }) => ({
    endpoint: `${given.endpoint}#${number}`,
    options: { userVisibleOnly: true, applicationServerKey: bytes(key) },
    toJSON: () => ({ ...given, endpoint: `${given.endpoint}#${number}` }),
    unsubscribe: async () => delete localStorage.test,
  });
  PushManager.prototype.getSubscription = async () =>
    "test" in localStorage ? subscription(JSON.parse(localStorage.test)) : null;
  PushManager.prototype.subscribe = async (options) => {
    const number = (sessionStorage.number = Number(sessionStorage.number ?? 0) + 1);
    localStorage.test = JSON.stringify({ ...options, number });
    return subscription({ ...options, number });
  };
  const ask = Notification.requestPermission;
  Notification.requestPermission = (...given) => {
    sessionStorage.asked = Number(sessionStorage.asked ?? 0) + 1;
    return ask.call(Notification, ...given);
  };
}
"""
"""Chromium has no push service here, so the page gets a subscription of the test's. The rest
is of the browser."""
SHOWN: Final = """registration.getNotifications().then(
  (found) => found.map(({ title, body, tag }) => ({ title, body, tag })),
)"""
"""Script for the service worker that returns what is shown."""
SHOWING: Final = """() => {
  const show = registration.showNotification;
  globalThis.showing = new Promise((resolve) => {
    registration.showNotification = async (...given) => {
      delete registration.showNotification;
      resolve(await show.apply(registration, given));
    };
  });
}"""
"""Script for the service worker after which ``showing`` ends with the next notification shown.
Chromium forgets a notification if it is asked for what is shown just before it shows it."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NodeProcess]:
    with serving(tmp_path, outbound_allowed_networks=LOOPBACK) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def whole_browser() -> AsyncIterator[Browser]:
    """The browser that shows notifications."""
    async with async_playwright() as playwright:
        browser = await launched(playwright, program=WHOLE)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


async def registration(devtools: CDPSession) -> str:
    """Id of the page's service worker."""
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def note(event: dict[str, Any]) -> None:
        for each in event["registrations"]:
            if not found.done():
                found.set_result(each["registrationId"])

    devtools.on("ServiceWorker.workerRegistrationUpdated", note)
    await devtools.send("ServiceWorker.enable")
    async with asyncio.timeout(HANG_TIMEOUT):
        return await found


async def show(
    push: Received, deliver: Callable[[Received], Awaitable[None]], worker: Worker
) -> list[dict[str, str]]:
    """Deliver a push, and return what the browser then shows."""
    await worker.evaluate(SHOWING)
    await deliver(push)
    async with asyncio.timeout(HANG_TIMEOUT):
        await worker.evaluate("showing")
        found: list[dict[str, str]] = await worker.evaluate(SHOWN)
    return found


async def until_closed(worker: Worker) -> None:
    """Wait until the browser shows no notification."""
    async with asyncio.timeout(HANG_TIMEOUT):
        while await worker.evaluate(SHOWN):
            pass


def this_device(page: Page) -> Locator:
    """The channel of the browser itself, in the settings."""
    channels = page.get_by_role("region", name="Kanäle")
    return channels.get_by_role("listitem").filter(has_text="dieses Gerät")


async def subscribe(page: Page) -> None:
    channels = page.get_by_role("region", name="Kanäle")
    await channels.get_by_role("button", name="Auf diesem Gerät benachrichtigen").click()
    await expect(this_device(page)).to_contain_text("Chrome unter Linux")


async def deliverer(page: Page, server: NodeProcess) -> Callable[[Received], Awaitable[None]]:
    """Return a function that delivers a push to the service worker, as a push service does."""
    devtools = await page.context.new_cdp_session(page)
    number = await registration(devtools)

    async def deliver(push: Received) -> None:
        assert push.opened is not None
        data = {"origin": server.url, "registrationId": number, "data": push.opened.decode()}
        await devtools.send("ServiceWorker.deliverPushMessage", data)

    return deliver


async def notify_until_read(
    page: Page, server: NodeProcess, rest: httpx.AsyncClient, receiver: Receiver
) -> Received:
    """Post a notification, see it shown, and closed when it is read; return its push."""
    sent = {"message": "Die Milch läuft ab", "type": "warning"}
    posted = (await rest.post("/api/notifications", json=sent)).json()
    await receiver.until_count(1)
    (push,) = receiver.received
    verified(push.headers["authorization"], f"http://127.0.0.1:{receiver.port}")
    (worker,) = page.context.service_workers
    deliver = await deliverer(page, server)

    shown = [{"title": "Warnung", "body": "Die Milch läuft ab", "tag": posted["id"]}]
    assert await show(push, deliver, worker) == shown
    assert await show(push, deliver, worker) == shown, "a repetition replaces it"

    await page.goto("about:blank")  # an open page closes what is read by itself
    await rest.post(f"/api/notifications/{posted['id']}/read")
    await receiver.until_count(2)
    assert closed(receiver.received[1]) == [posted["id"]]
    await deliver(receiver.received[1])
    await until_closed(worker)
    return push


async def open_from_the_notification(page: Page, server: NodeProcess, push: Received) -> None:
    await page.goto(f"{server.url}/#/settings")
    await expect(this_device(page)).to_be_visible()
    link = push.json["link"]
    (worker,) = page.context.service_workers
    await worker.evaluate(f"open('{link}').catch(() => {{}})")  # the focus needs a real click
    await expect(page.get_by_role("heading", level=1)).to_have_text("Eingang")
    await expect(page.get_by_role("listitem", name="Die Milch läuft ab")).to_be_focused()


async def renew_for_another_key(page: Page, key: str, other_key: str) -> None:
    """Change the key of the subscription; the page subscribes again, with the node's key."""
    change = "(key) => ({ ...JSON.parse(localStorage.test), applicationServerKey: key })"
    other = await page.evaluate(change, other_key)
    await page.evaluate("(it) => (localStorage.test = JSON.stringify(it))", other)
    await page.reload()
    renewed_here = "JSON.parse(localStorage['useby.push']).endpoint.endsWith('#2')"
    await until(page, renewed_here)
    assert await page.evaluate("JSON.parse(localStorage.test).applicationServerKey") == key


async def test_a_device_is_notified_until_the_notification_is_read_elsewhere(
    whole_browser: Browser, server: NodeProcess, receiver: Receiver
) -> None:
    phone, later = PushBrowser(), PushBrowser()
    receiver.opens |= {"/phone": phone.read, "/later": later.read}
    async with (
        a_window(
            whole_browser, "status of 401", locale="de-DE", service_workers="allow"
        ) as context,
        server.rest() as rest,
    ):
        await sign_up(rest)
        await add(rest, "Milch", 2)
        await context.grant_permissions(["notifications"], origin=server.url)
        given = json.dumps(phone.subscription(receiver.url("/phone")))
        await context.add_init_script(f"({SUBSCRIPTIONS})({given})")
        page = await opened(context, server, "settings", "Anmelden")
        await ready(page, "Milch")
        asked = "[sessionStorage.asked ?? '0', 'test' in localStorage]"
        assert await page.evaluate(asked) == ["0", False], "asked for without a press"
        await subscribe(page)
        assert await page.evaluate(asked) == ["1", True]
        key = (await rest.get("/api/push/key")).json()["key"]
        assert await page.evaluate("JSON.parse(localStorage.test)") == {
            "userVisibleOnly": True,
            "applicationServerKey": key,
            "number": 1,
        }
        (channel,) = (await rest.get("/api/channels")).json()["items"]
        await rest.patch(f"/api/channels/{channel['id']}", json={"onlyWhenAway": False})
        assert await violations(page) == []

        push = await notify_until_read(page, server, rest, receiver)
        await open_from_the_notification(page, server, push)

        await renew_for_another_key(page, key, b64(later.public))
        assert await page.evaluate("sessionStorage.asked") == "1"
        assert (await rest.post(f"/api/channels/{channel['id']}/test")).json()["sent"]

        (worker,) = context.service_workers
        renewed = json.dumps(later.subscription(receiver.url("/later")))
        await worker.evaluate(f"renew({{ toJSON: () => ({renewed}) }}, null)")
        test = (await rest.post(f"/api/channels/{channel['id']}/test")).json()
        assert test["sent"]
        assert receiver.received[-1].path == "/later"
        await sign_in_again_and_out(page, server, rest)


async def sign_in_again_and_out(page: Page, server: NodeProcess, rest: httpx.AsyncClient) -> None:
    """End the browser's sign-in from elsewhere, subscribe again, and sign out: no channel stays."""
    await page.goto("about:blank")
    signed_in = (await rest.get("/api/sessions")).json()["items"]
    (ended,) = [each["id"] for each in signed_in if not each["current"]]
    await rest.delete(f"/api/sessions/{ended}")  # as from another device
    assert (await rest.get("/api/channels")).json()["items"] == []
    await page.goto(f"{server.url}/#/settings")
    await enter(page, "Anmelden")
    await subscribe(page)

    await page.get_by_role("button", name="Abmelden", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    assert await page.evaluate("Object.keys(localStorage)") == []
    assert (await rest.get("/api/channels")).json()["items"] == []


async def test_channels_are_added_tested_changed_and_deleted_in_the_settings(
    browser: Browser, server: NodeProcess, receiver: Receiver
) -> None:
    denied = "Object.defineProperty(Notification, 'permission', { get: () => 'denied' })"
    async with a_window(browser, "status of 422") as context, server.rest() as rest:
        await sign_up(rest)
        await context.add_init_script(denied)
        page = await opened(context, server, "settings")
        section = page.get_by_role("region", name="Channels")
        await expect(section.get_by_text("Notifications of this page are blocked")).to_be_visible()
        await section.get_by_text("Add a channel").click()
        offered = await section.get_by_label("Kind").locator("option").all_text_contents()
        assert offered == ["Apprise", "Webhook"]
        await section.get_by_label("Kind").select_option("Webhook")
        await section.get_by_label("Name of the channel").fill("Home server")
        await section.get_by_label("URL").fill("http://10.0.0.1/")
        await section.get_by_role("button", name="Add the channel").click()
        await expect(section.get_by_role("alert")).to_contain_text("must be at a public address")
        await section.get_by_label("URL").fill(receiver.url())
        await section.get_by_role("button", name="Add the channel").click()
        secret = await section.locator("code").text_content()
        assert secret
        server.secrets.add(secret)

        row = section.get_by_role("listitem").filter(has_text="Home server")
        await expect(row).to_contain_text("works")
        receiver.answer = lambda _: status(404)
        await row.get_by_role("button", name="Test: Home server").click()
        await expect(row).to_contain_text("The test was not delivered: the target answered 404")
        (test,) = receiver.received
        assert test.is_signed_with(secret)
        await rest.post("/api/notifications", json={"message": "Taste it"})
        await expect_state(page, "The last notification was not delivered: the target answered 404")

        await row.get_by_role("button", name="Options: Home server").click()
        deliveries = row.get_by_role("list", name="Last deliveries")
        await expect(deliveries).to_contain_text("Taste it")
        await expect(deliveries).to_contain_text("not delivered")
        await row.get_by_label("Send").select_option("errors only")
        await row.get_by_label("Wait").select_option("10 minutes")
        await row.get_by_role("button", name="Switch off: Home server").click()
        await expect(row).to_contain_text("switched off")
        assert await violations(page) == []
        (channel,) = (await rest.get("/api/channels")).json()["items"]
        assert (channel["minimumSeverity"], channel["after"]) == ("error", "PT10M")
        assert channel["enabled"] is False
        await row.get_by_role("button", name="Delete: Home server").click()
        await expect(message(page)).to_contain_text("Deleted: Home server")
        await expect(row).to_have_count(0)
        assert (await rest.get("/api/channels")).json()["items"] == []


async def test_an_address_is_added_and_confirmed_and_its_mails_are_ended_without_script(
    browser: Browser, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        mails = await stack.enter_async_context(receiving_mail())
        server = stack.enter_context(serving(tmp_path, **mails.settings()))
        context = await stack.enter_async_context(a_window(browser))
        rest = await stack.enter_async_context(server.rest())
        plain = await browser.new_context(java_script_enabled=False)
        stack.push_async_callback(plain.close)
        mail_page = await plain.new_page()

        async def press(link: str, button: str, heading: str) -> None:
            await mail_page.goto(link.replace(PUBLIC_URL, server.url))
            await mail_page.get_by_role("button", name=button).click()
            await expect(mail_page.get_by_role("heading", level=1)).to_have_text(heading)

        await sign_up(rest)
        page = await opened(context, server, "settings")
        section = page.get_by_role("region", name="Channels")
        await section.get_by_text("Add a channel").click()
        await section.get_by_label("Kind").select_option("E-mail")
        await section.get_by_label("Name of the channel").fill("My mail")
        await section.get_by_label("E-mail address").fill("ada@useby.example")
        await section.get_by_role("button", name="Add the channel").click()
        row = section.get_by_role("listitem").filter(has_text="My mail")
        await expect(row).to_contain_text("waits until the address is confirmed")
        await mails.until_count(1)
        await row.get_by_role("button", name="Send the link again: My mail").click()
        await expect(row).to_contain_text("A mail with a link is on its way.")
        await mails.until_count(2)
        assert await violations(page) == []

        confirm = mails.mails[0].links[0]
        await press(confirm, "Confirm the address", "The address is confirmed")
        await page.reload()
        await expect(row).to_contain_text("works")
        await page.goto("about:blank")  # what an open page shows is not sent
        await rest.post("/api/notifications", json={"message": "Taste it"})
        await mails.until_count(3)
        opens, unsubscribe = mails.mails[2].links
        await page.goto(opens.replace(PUBLIC_URL, server.url))
        await expect(page.get_by_role("listitem", name="Taste it")).to_be_focused()
        await press(unsubscribe, "End the mails", "The mails have ended")
        await page.goto(f"{server.url}/#/settings")
        await expect(row).to_contain_text("waits until the address is confirmed")
        await row.get_by_role("button", name="Options: My mail").click()
        await expect(row.get_by_role("list", name="Last deliveries")).to_contain_text("Taste it")
        await row.get_by_role("button", name="Delete: My mail").click()
        await expect(row).to_have_count(0)


async def expect_state(page: Page, text: str) -> None:
    """Load the page until it has a state, which follows from a delivery in the background."""
    async with asyncio.timeout(HANG_TIMEOUT):
        while True:
            await page.reload()
            row = page.get_by_role("region", name="Channels").get_by_role("listitem")
            await expect(row).to_be_visible()
            if text in (await row.text_content() or ""):
                return
