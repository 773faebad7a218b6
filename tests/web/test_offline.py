"""The page without the node: the last known state, changes that wait, and conflicts."""

from datetime import UTC, datetime
from typing import Any

import httpx
from playwright.async_api import Browser, BrowserContext, Locator, Page, Route, expect
from tests.support import pages
from tests.support.axe import violations
from tests.support.offline_pages import CACHED, KEPT, LOST, cut, kept, mend, ready
from tests.support.pages import (
    PASSWORD,
    a_window,
    add,
    connection,
    message,
    opened,
    row,
    sign_up,
)
from tests.support.process_node import JWT, NodeProcess, until


def waits(page: Page, count: int) -> Locator:
    words = "1 change waits" if count == 1 else f"{count} changes wait"
    return page.get_by_text(f"{words} to be sent")


async def done(rest: httpx.AsyncClient) -> list[str]:
    """What happened to the lots, oldest first, without their receipt."""
    items = (await rest.get("/api/movements")).json()["items"]
    return [each["kind"] for each in reversed(items) if each["kind"] != "received"]


async def lot_of(rest: httpx.AsyncClient, product: dict[str, Any]) -> dict[str, Any]:
    lots = (await rest.get(f"/api/products/{product['id']}/lots")).json()["items"]
    found: dict[str, Any] = lots[0]
    return found


async def test_the_page_opens_offline_with_the_last_known_state_and_its_age(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await opened(context, server)
        await expect(row(page, "Milk")).to_be_visible()
        await ready(page, "Milk")
        await cut(context, page)
        await page.reload()
        await expect(row(page, "Milk")).to_contain_text("in 2 days")
        await expect(page.get_by_text("As of")).to_contain_text("today")
        await expect(page).to_have_title("(1) useby")
        await expect(page.get_by_role("alert")).to_have_count(0)
        assert await violations(page) == []
        heading = page.get_by_role("heading", level=1)
        await row(page, "Milk").get_by_role("link", name="Milk").click()
        await expect(heading).to_have_text("Milk")
        await expect(row(page, "Milk")).to_contain_text("in 2 days")
        for view in ("Inbox", "Insights", "Settings", "Due", "Products"):
            await page.get_by_role("link", name=view, exact=True).click()
            await expect(heading).to_have_text(view)
            if view == "Insights":
                await expect(page.get_by_text("need a connection")).to_be_visible()
                await expect(page.get_by_role("alert")).to_have_count(0)
        await expect(row(page, "Milk")).to_be_visible()
        await page.get_by_label("Search").fill("tea")
        await expect(row(page, "Milk")).to_have_count(0)
        await page.get_by_role("link", name="Due", exact=True).click()
        await add(rest, "Tea", 5)
        await mend(context, page)
        await expect(row(page, "Tea")).to_be_visible()
        await expect(page.get_by_text("As of")).to_have_count(0)

        await ready(page, "Tea")
        await context.route("**/api/**", lambda _: None)  # a connection that hangs
        await page.reload()
        await expect(row(page, "Tea")).to_be_visible()
        await expect(page.get_by_text("As of")).to_be_visible()


async def test_the_kept_state_has_no_token_and_goes_with_the_sign_out(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await opened(context, server)
        await ready(page, "Milk")
        assert not JWT.search(await kept(page)), "a token is kept where scripts can read it"
        [addresses] = (await page.evaluate(CACHED)).values()
        assert "/" in addresses
        assert not [each for each in addresses if "/api/" in each], "an answer of the API is kept"

        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("button", name="Sign out", exact=True).click()
        await expect(page.get_by_label("E-mail")).to_be_visible()
        await pages.until(page, "(await indexedDB.databases()).length === 0")
        await context.set_offline(True)
        await page.reload()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        await expect(page.get_by_text("Milk")).to_have_count(0)


async def test_the_next_person_sees_nothing_of_a_sign_in_that_the_node_has_ended(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await opened(context, server)
        await ready(page, "Milk")
        await cut(context, page)
        await row(page, "Milk").get_by_role("button", name="Used").click()
        await expect(waits(page, 1)).to_be_visible()
        await rest.post("/api/auth/logout-all")
        await context.set_offline(False)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        await pages.until(page, f"!(await ({KEPT})()).includes('alertTime')")

        other = {"email": "bob@useby.example", "password": PASSWORD}
        await rest.post("/api/auth/signup", json=other)
        await page.get_by_label("E-mail").fill(other["email"])
        await page.get_by_label("Password").fill(other["password"])
        await page.keyboard.press("Enter")
        await expect(connection(page)).to_have_text("Live")
        await expect(page.get_by_text("Nothing is kept yet")).to_be_visible()
        await expect(page.get_by_text("Milk")).to_have_count(0)
        await expect(waits(page, 1)).to_have_count(0)
        await pages.until(page, f"!(await ({KEPT})()).includes('Milk')")


async def test_changes_wait_and_are_sent_once_in_their_order_when_the_node_is_back(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        await add(rest, "Tea", 5)
        page = await opened(context, server)
        await ready(page, "Milk expires in 2 days")
        await cut(context, page)
        began = datetime.now(UTC)
        await row(page, "Milk").get_by_role("button", name="Opened").click()
        await expect(row(page, "Milk")).to_contain_text("opened")
        await row(page, "Tea").get_by_role("button", name="Frozen").click()
        await row(page, "Milk").get_by_role("button", name="Used").click()
        await expect(waits(page, 3)).to_be_visible()
        await page.reload()
        await expect(waits(page, 3)).to_be_visible()
        await expect(row(page, "Milk")).to_contain_text("Used")
        await page.get_by_role("link", name="Inbox").click()
        await expect(page.get_by_role("listitem", name="Milk expires in 2 days")).to_be_visible()
        await page.get_by_role("button", name="Mark read").first.click()
        await expect(waits(page, 4)).to_be_visible()
        await page.get_by_role("button", name="Mark all read").click()
        await expect(waits(page, 5)).to_be_visible()
        await page.reload()
        await expect(waits(page, 5)).to_be_visible()
        await expect(page.get_by_role("listitem", name="Milk expires in 2 days")).to_be_visible()
        await expect(page.get_by_role("button", name="Mark read")).to_have_count(0)
        await rest.post("/api/notifications", json={"message": "Taste it"})
        ended = datetime.now(UTC)
        assert await done(rest) == []
        await mend(context, page)
        await expect(page.get_by_text("to be sent")).to_have_count(0)
        await expect(message(page)).to_contain_text("5 changes are sent")
        assert await done(rest) == ["opened", "frozen", "consumed"]
        times = [each["at"] for each in (await rest.get("/api/movements")).json()["items"][:3]]
        for time in times:
            at = datetime.fromisoformat(time)
            assert began.replace(microsecond=0) <= at <= ended, "as of the press of the button"
        unread = (await rest.get("/api/notifications?unread=true")).json()["items"]
        messages = [each["message"] for each in unread]
        assert "Taste it" in messages, "nobody has seen it"
        assert not [each for each in messages if "Milk expires" in each]


async def test_a_change_whose_answer_is_lost_is_repeated_with_its_key_and_counts_once(
    browser: Browser, server: NodeProcess
) -> None:
    keys: list[str | None] = []

    async def lose(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) > 1:
            await route.continue_()
        else:
            await route.fetch()
            await route.abort("connectionreset")

    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:
        await sign_up(rest)
        tea = await add(rest, "Tea", 5, quantity="3")
        page = await opened(context, server)
        await ready(page, "Tea")
        await page.route("**/consume", lose)
        await row(page, "Tea").get_by_role("button", name="More").click()
        dialog = page.get_by_role("dialog")
        await dialog.locator("[name=amount]").fill("1")
        await dialog.get_by_role("button", name="Used").click()
        await expect(row(page, "Tea")).to_contain_text("× 2")
        await expect(page.get_by_text("to be sent")).to_have_count(0)
        await expect(message(page).get_by_role("button", name="Undo")).to_be_visible()
        assert len(keys) == 2
        assert keys[0] == keys[1] != ""
        assert await done(rest) == ["consumed"]
        assert (await lot_of(rest, tea))["quantity"] == "2"


async def test_a_conflict_shows_both_versions_and_a_person_chooses(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser, *LOST, service_workers="allow") as context,
        server.rest() as rest,
    ):
        await sign_up(rest)
        milk, ham = await add(rest, "Milk", 2), await add(rest, "Ham", 3)
        await add(rest, "Tea", 5)
        page = await opened(context, server)
        await ready(page, "Tea")
        await cut(context, page)
        for name in ("Milk", "Ham"):
            await row(page, name).get_by_role("button", name="Used").click()
        await row(page, "Tea").get_by_role("button", name="Opened").click()
        await expect(waits(page, 3)).to_be_visible()
        for product in (milk, ham):
            lot = await lot_of(rest, product)
            answer = await rest.post(f"/api/lots/{lot['id']}/discard", json={"reason": "spoiled"})
            assert answer.is_success, answer.text
        await mend(context, page)
        conflicts = page.get_by_role("region", name="2 changes need a choice")
        for name in ("Milk", "Ham"):
            conflict = conflicts.get_by_role("listitem", name=name)
            await expect(conflict).to_contain_text(f"{name}: used")
            await expect(conflict).to_contain_text("On the server now")
            await expect(conflict).to_contain_text("Thrown away")
        others = ["discarded", "discarded", "opened"]
        assert await done(rest) == others, "others do not wait for the choice"
        assert await violations(page) == []

        conflict = page.get_by_role("region", name="need").get_by_role("listitem")
        keep = conflict.filter(has_text="Milk").get_by_role("button", name="Keep the server's")
        await keep.click()
        await expect(conflict.filter(has_text="Milk")).to_have_count(0)
        await conflict.filter(has_text="Ham").get_by_role("button", name="Use mine").click()
        await expect(conflict).to_have_count(0)

        async def is_chosen() -> bool:
            return bool((await lot_of(rest, ham))["closedAs"] == "consumed")

        await until(is_chosen)
        assert (await lot_of(rest, milk))["closedAs"] == "discarded"
        assert await done(rest) == [*others, "undone", "consumed"]


async def a_change_of_what_is_gone(
    context: BrowserContext, rest: httpx.AsyncClient, server: NodeProcess
) -> Locator:
    """The conflict on a page that has changed a lot without a connection: the lot is deleted."""
    await sign_up(rest)
    milk = await add(rest, "Milk", 2)
    page = await opened(context, server)
    await ready(page, "Milk")
    await cut(context, page)
    await row(page, "Milk").get_by_role("button", name="Opened").click()
    await expect(waits(page, 1)).to_be_visible()
    await rest.delete(f"/api/products/{milk['id']}")
    await mend(context, page)
    return page.get_by_role("listitem", name="Milk").filter(has_text="no longer exists")


async def test_a_change_of_what_is_gone_is_a_conflict_that_can_only_be_dropped(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:
        conflict = await a_change_of_what_is_gone(context, rest, server)
        await expect(conflict.get_by_role("button")).to_have_text(["Keep the server's"])
        await conflict.get_by_role("button").click()
        await expect(conflict).to_have_count(0)


async def test_a_change_that_waits_is_undone_and_an_addition_and_an_undo_wait(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await opened(context, server)
        await ready(page, "Milk")
        await cut(context, page)
        await row(page, "Milk").get_by_role("button", name="Thrown away").click()
        await expect(waits(page, 1)).to_be_visible()
        await page.keyboard.press("z")
        await expect(waits(page, 1)).to_have_count(0)
        await expect(row(page, "Milk").get_by_role("button", name="Used")).to_be_visible()
        await page.get_by_role("link", name="Add", exact=True).click()
        await page.get_by_label("Name").fill("Jam")
        await page.get_by_role("button", name="+3").click()
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(waits(page, 1)).to_be_visible()
        await waits(page, 1).click()
        await expect(page.get_by_text("Jam: added")).to_be_visible()
        await mend(context, page)
        await expect(row(page, "Jam")).to_contain_text("in 3 days")
        assert await done(rest) == []

        await row(page, "Jam").get_by_role("link", name="Jam").click()
        await row(page, "Jam").get_by_role("button", name="Used").click()
        undo = page.get_by_role("region", name="History").get_by_role("button", name="Undo: 1 used")
        await expect(undo).to_be_visible()
        await cut(context, page)
        await undo.click()
        await expect(waits(page, 1)).to_be_visible()
        await expect(undo).to_have_count(0)
        await expect(row(page, "Jam").get_by_role("button", name="Used")).to_be_visible()
        await mend(context, page)
        await expect(waits(page, 1)).to_have_count(0)
        assert await done(rest) == ["consumed", "undone"]


async def test_a_sign_out_asks_before_changes_that_wait_are_lost(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await opened(context, server)
        await ready(page, "Milk")
        await cut(context, page)
        await row(page, "Milk").get_by_role("button", name="Used").click()
        await expect(waits(page, 1)).to_be_visible()
        await page.get_by_role("link", name="Settings").click()
        leave = page.get_by_role("button", name="Sign out", exact=True)
        await leave.first.click()
        dialog = page.get_by_role("dialog", name="Sign out?")
        await expect(dialog).to_contain_text("1 change has not been sent")
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(waits(page, 1)).to_be_visible()
        await leave.first.click()
        await dialog.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("E-mail")).to_be_visible()
        await pages.until(page, "(await indexedDB.databases()).length === 0")


async def test_a_sign_out_everywhere_and_a_deletion_ask_before_a_conflict_is_lost(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, *LOST, service_workers="allow") as context, server.rest() as rest:
        conflict = await a_change_of_what_is_gone(context, rest, server)
        page = conflict.page
        await expect(conflict).to_be_visible()
        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("button", name="Sign out everywhere").click()
        asks = page.get_by_role("dialog", name="Sign out everywhere?")
        await expect(asks).to_contain_text("1 change has not been sent")
        await asks.get_by_role("button", name="Cancel").click()
        await expect(conflict).to_be_visible()
        assert (await rest.get("/api/me")).is_success, "the sign-ins stay"

        await page.get_by_role("button", name="Delete my account").click()
        deletion = page.get_by_role("dialog", name="Delete my account", exact=True)
        await deletion.get_by_label("Password").fill(PASSWORD)
        for answer in ("Cancel", "Delete my account"):
            await deletion.get_by_role("button", name="Delete for good").click()
            asks = page.get_by_role("dialog", name="Delete my account?", exact=True)
            await expect(asks).to_contain_text("1 change has not been sent")
            assert (await rest.get("/api/me")).is_success, "the account stays"
            await asks.get_by_role("button", name=answer).click()
        await expect(page.get_by_label("E-mail")).to_be_visible()
        assert (await rest.get("/api/me")).status_code == 401
