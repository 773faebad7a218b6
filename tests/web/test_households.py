"""Households on the page: a shared one from its invitation to its end, roles, and offline."""

from typing import Final

import httpx
from playwright.async_api import Browser, Locator, Page, expect
from tests.support.axe import violations
from tests.support.offline_pages import LOST, cut, mend, ready
from tests.support.pages import (
    PASSWORD,
    PHONE,
    a_window,
    add,
    connection,
    message,
    opened,
    person,
    row,
    shared_by,
    sign_up,
    switch,
)
from tests.support.process_node import NodeProcess, until

BOB: Final = "bob@useby.example"
NARROW: Final = {"width": 320, "height": 640}
REFUSED: Final = ("status of 403", "status of 404")


def household(page: Page) -> Locator:
    return page.get_by_role("region", name="Household", exact=True)


async def enter(page: Page, email: str, button: str) -> None:
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name=button).click()
    await expect(connection(page)).to_have_text("Live")


async def invited(ada: Page, server: NodeProcess) -> str:
    """Name the household, and make a link that invites an editor."""
    await household(ada).get_by_label("Name").fill("Kitchen")
    await household(ada).get_by_role("button", name="Save the household").click()
    await expect(message(ada)).to_contain_text("Saved")
    await household(ada).get_by_label("Role", exact=True).select_option("editor")
    await household(ada).get_by_role("button", name="Make a link").click()
    await expect(household(ada).get_by_role("img", name="QR code")).to_be_visible()
    assert await violations(ada) == []
    await ada.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert await ada.evaluate("document.documentElement.scrollWidth") <= 320
    link = await household(ada).get_by_label("Link of the invitation").input_value()
    assert link.startswith(f"{server.url}/#/invite/")
    return link


async def accept(bob: Page, link: str) -> None:
    """Accept an invitation with a new account."""
    await bob.goto(link)
    invitation = bob.get_by_role("region", name="Invitation")
    await expect(invitation).to_contain_text("invited to the household “Kitchen”")
    await expect(invitation).to_contain_text("Editor")
    await expect(bob.get_by_role("heading", level=1)).to_have_count(1)
    await enter(bob, BOB, "Create an account")
    await bob.get_by_role("button", name="Accept").click()


async def see_each_household_by_itself(bob: Page, rest: httpx.AsyncClient) -> None:
    """See what happens in one household there, and no disturbance of the other one."""
    await row(bob, "Milk").get_by_role("button", name="Opened").click()
    await add(rest, "Tea", 1)
    await expect(row(bob, "Tea")).to_be_visible()
    await switch(bob).select_option(index=0)
    await expect(bob.get_by_text("Nothing is kept yet")).to_be_visible()
    await add(rest, "Ham", 1)
    await expect(bob).to_have_title("(2) useby")
    await expect(row(bob, "Ham")).to_have_count(0)
    await bob.get_by_role("link", name="Inbox").click()
    await bob.get_by_role("link", name="Ham expires tomorrow").click()
    await expect(bob.get_by_role("heading", level=1)).to_have_text("Ham")
    await bob.reload()
    await expect(bob.get_by_role("heading", level=1)).to_have_text("Ham")
    assert await violations(bob) == []


async def test_a_person_joins_by_a_link_switches_households_and_is_removed(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser) as hers,
        a_window(browser, *REFUSED) as his,
        server.rest() as rest,
    ):
        await sign_up(rest)
        await add(rest, "Milk", 2)
        ada = await opened(hers, server, "settings")
        assert await switch(ada).count() == 0
        link = await invited(ada, server)

        bob = await his.new_page()
        await accept(bob, link)
        await expect(row(bob, "Milk")).to_be_visible()
        await expect(switch(bob)).to_have_value(await kitchen_of(rest))
        await see_each_household_by_itself(bob, rest)

        await ada.reload()
        await household(ada).get_by_label(f"Role of {BOB}").select_option("viewer")
        await expect(message(ada)).to_contain_text("Viewer")
        await household(ada).get_by_role("button", name=f"Remove: {BOB}").click()
        await ada.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
        await expect(message(ada)).to_contain_text(f"Removed: {BOB}")
        await (
            bob.get_by_role("navigation", name="Main").get_by_role("link", name="Products").click()
        )
        await expect(message(bob)).to_contain_text("not a member of “Kitchen” any more")
        await expect(switch(bob)).to_have_count(0)


async def kitchen_of(rest: httpx.AsyncClient) -> str:
    found: str = (await rest.get("/api/me")).json()["id"]
    return found


async def test_a_role_shows_what_it_may_and_each_alert_shows_why_it_came(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser) as context,
        server.rest() as ada,
        server.rest() as bob,
    ):
        await person(ada, "grandma@useby.example")
        await sign_up(bob)
        its = await shared_by(ada, bob, "kiosk")
        milk = await add(ada, "Milk", 6, category="Dairy")  # the alert 7 days before is due
        page = await opened(context, server)
        await switch(page).select_option(its["id"])
        lot = row(page, "Milk")
        actions = lot.get_by_role("button")
        await expect(actions).to_have_text(["Used", "Thrown away", "Opened", "More"])
        links = page.get_by_role("navigation", name="Main").get_by_role("link")
        await expect(links).to_have_text(["Due", "Products", "Inbox", "Insights", "Settings"])
        await page.keyboard.press("a")
        await lot.get_by_role("button", name="Opened").click()
        await expect(lot).to_contain_text("opened")
        await page.get_by_role("button", name="Undo").click()
        await expect(lot).not_to_contain_text("opened")

        await page.get_by_role("link", name="Inbox").click()
        alert = page.get_by_role("listitem", name="Milk expires in 6 days")
        await expect(alert).to_contain_text("Kitchen")
        await alert.get_by_text("Why was I told?").click()
        await expect(alert).to_contain_text("7 days before the date, because nobody has set")
        await alert.get_by_role("button", name="Change the rule").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Everything")
        await dialog.get_by_label("When it expires").select_option("no")
        assert await violations(page) == []
        await dialog.get_by_role("button", name="Save").click()
        await expect(alert).to_contain_text("because nobody has set")

        member = f"/api/households/{its['id']}/members/{(await bob.get('/api/me')).json()['id']}"
        assert (await ada.patch(member, json={"role": "viewer"})).is_success
        await page.goto(f"{server.url}/#/products/{milk['id']}")
        await page.reload()
        await expect(row(page, "Milk")).to_be_visible()
        await expect(row(page, "Milk").get_by_role("button")).to_have_count(0)
        headings = page.get_by_role("main").get_by_role("heading", level=2)
        await expect(headings).to_have_text(["Lots", "What will be sent, and why", "History"])
        for width, height in ((320, 640), PHONE):
            await page.set_viewport_size({"width": width, "height": height})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_each_household_is_kept_for_the_time_without_the_node(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser, *LOST, service_workers="allow") as context,
        server.rest() as ada,
        server.rest() as bob,
    ):
        await person(ada, "grandma@useby.example")
        await sign_up(bob)
        its = await shared_by(ada, bob, "editor")
        await add(ada, "Milk", 2)
        await add(bob, "Tea", 3)
        page = await opened(context, server)
        await ready(page, "Tea")
        await switch(page).select_option(its["id"])
        await ready(page, "Milk")
        await cut(context, page)
        await page.reload()
        await expect(row(page, "Milk")).to_be_visible()
        await row(page, "Milk").get_by_role("button", name="Used").click()
        await expect(page.get_by_text("1 change waits to be sent")).to_be_visible()
        await switch(page).select_option(index=0)
        await expect(row(page, "Tea")).to_be_visible()
        await expect(row(page, "Milk")).to_have_count(0)
        await mend(context, page)
        await expect(page.get_by_text("1 change waits to be sent")).to_have_count(0)

        async def is_used() -> bool:
            found = (await ada.get("/api/movements")).json()["items"]
            return bool(found[0]["kind"] == "consumed")

        await until(is_used)
        await expect(row(page, "Tea")).to_be_visible()
        await switch(page).select_option(its["id"])
        await expect(page.get_by_text("Nothing is kept yet")).to_be_visible()
