"""Notifications on the page."""

from playwright.async_api import Browser, expect
from tests.support.axe import violations
from tests.support.pages import a_window, add, day, opened, row, sign_up
from tests.support.process_node import NodeProcess


async def test_a_notification_is_marked_read_on_all_devices(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        pages = [await opened(context, server, "inbox"), await context.new_page()]
        await pages[1].goto(f"{server.url}/#/inbox")
        for page in pages:
            await expect(page).to_have_title("(1) useby")
            items = page.get_by_role("list", name="Notifications").get_by_role("listitem")
            await expect(items).to_contain_text(["Milk expires in 2 days"])
        [here, there] = pages
        await here.get_by_role("button", name="Mark read").click()
        for page in pages:
            await expect(page).to_have_title("useby")
            await expect(page.get_by_role("button", name="Mark read")).to_have_count(0)

        await add(rest, "Tea", 0)
        await add(rest, "Ham", 1)
        await expect(there.get_by_text("2 unread").first).to_be_visible()
        await there.get_by_role("radio", name="Unread").check()
        items = there.get_by_role("list", name="Notifications").get_by_role("listitem")
        await expect(items).to_have_count(2)
        await there.get_by_role("button", name="Mark all read").click()
        await expect(here).to_have_title("useby")
        await there.get_by_role("radio", name="All").check()
        await expect(items).to_have_count(3)


async def test_the_link_of_a_mail_or_a_push_opens_its_notification(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        items = [{"message": f"Message {number}"} for number in range(120)]
        answer = await rest.post("/api/notifications/batch", json={"items": items})
        ids = [each["notification"]["id"] for each in answer.json()["results"]]
        await rest.delete(f"/api/notifications/{ids[5]}")
        page = await opened(context, server, f"inbox/{ids[0]}")
        oldest = page.get_by_role("listitem", name="Message 0", exact=True)
        await expect(oldest).to_be_focused()
        await expect(oldest).to_be_in_viewport()
        await page.evaluate(f"location.hash = '#/inbox/{ids[-1]}'")  # as the service worker does
        newest = page.get_by_role("listitem", name="Message 119", exact=True)
        await expect(newest).to_be_focused()
        await page.goto(f"{server.url}/#/inbox/{ids[5]}")
        await expect(page.get_by_text("not listed any more")).to_be_visible()
        assert await violations(page) == []


async def test_a_summary_lists_its_items(browser: Browser, server: NodeProcess) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "inbox")
        items = [{"name": f"Egg {number}", "expiryDate": day(1)} for number in range(8)]
        answer = await rest.post("/api/products/batch", json={"items": items})
        assert answer.is_success, answer.text
        summary = page.get_by_role("listitem", name="8 products need attention")
        await summary.get_by_text("Show all").click()
        await expect(summary.get_by_role("listitem")).to_have_count(8)
        await summary.get_by_role("link", name="Egg 3").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Egg 3")


async def test_a_notification_is_snoozed_by_a_menu_of_the_keyboard_in_the_zone_of_the_account(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, zone="Pacific/Kiritimati") as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await opened(context, server, "inbox")
        item = page.get_by_role("listitem", name="Milk expires in 2 days")
        sent = (await rest.get("/api/notifications")).json()["items"][0]["created_at"]
        await expect(item.locator("time")).to_contain_text(f", {sent[11:16]}")
        snooze = item.get_by_role("button", name="Snooze")
        await snooze.press("Enter")
        menu = page.get_by_role("menu", name="Snooze")
        await expect(menu.get_by_role("menuitem")).to_have_text(
            ["1 hour", "This evening", "Tomorrow", "Choose a date"]
        )
        await expect(menu.get_by_role("menuitem", name="1 hour")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(snooze).to_be_focused()
        await snooze.press("Enter")
        await expect(menu.get_by_role("menuitem", name="1 hour")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page).to_have_title("useby")
        await expect(item).to_contain_text("snoozed until")
        await page.get_by_role("radio", name="Snoozed").check()
        await expect(item).to_be_visible()
        (snoozed,) = (await rest.get("/api/notifications?snoozed=true")).json()["items"]
        await expect(item).to_contain_text(f", {snoozed['snoozedUntil'][11:16]}")
        await page.get_by_role("link", name="Due", exact=True).click()
        await expect(row(page, "Milk")).to_contain_text("in 2 days")


async def test_notifications_stay_in_place_while_a_person_acts_in_them(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await rest.post("/api/notifications", json={"message": "Taste it"})
        page = await opened(context, server, "inbox")
        button = page.get_by_role("button", name="Mark read")
        before = await button.bounding_box()
        assert before
        await button.hover()
        await rest.post("/api/notifications", json={"message": "Cook it"})
        new = page.get_by_role("button", name="1 new notification")
        at = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
        while not await new.is_visible():  # a person who acts moves, so the rows stay
            at = at[0], at[1] + (1 if at[1] < before["y"] + before["height"] / 2 + 1 else -1)
            await page.mouse.move(*at)
        assert await button.bounding_box() == before
        items = page.get_by_role("list", name="Notifications").get_by_role("listitem")
        await expect(items).to_have_count(1)
        await expect(page).to_have_title("(2) useby")
        await expect(items).to_contain_text(["Cook it", "Taste it"])
