"""Lots in `Due`, and what a person does to them."""

import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, Page, Route, expect
from tests.support.pages import SCREEN, a_window, add, enter, message, opened, row, sign_up
from tests.support.process_node import NodeProcess, until


async def heading(page: Page, text: str) -> None:
    await expect(page.get_by_role("heading", name=text, exact=True)).to_be_visible()


async def test_due_groups_lots_by_urgency_with_the_nodes_counts(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        for name, days in (("Ham", -1), ("Milk", 0), ("Tea", 3), ("Jam", 7), ("Rice", 8)):
            await add(rest, name, days)
        await add(rest, "Salt", None)
        page = await opened(context, server)
        for group in ("Expired", "Today", "Next 3 days", "Next 7 days", "Later", "Never"):
            await heading(page, f"{group} (1)")
        rows = page.get_by_role("region").get_by_role("listitem")
        await expect(rows).to_contain_text(
            ["expired yesterday", "today", "in 3 days", "in 7 days", "in 8 days", "no date"]
        )

        await add(rest, "Eggs", 3)
        await heading(page, "Next 3 days (2)")
        await expect(row(page, "Eggs")).to_be_visible()


async def test_an_action_shows_at_once_and_can_be_undone_by_the_button_or_by_z(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Ham", 1)
        await add(rest, "Milk", 2)
        page = await opened(context, server)
        await row(page, "Ham").get_by_role("button", name="Used").press("Enter")
        await expect(message(page)).to_contain_text("Ham: used")
        await expect(row(page, "Ham").get_by_role("button")).to_have_count(0)
        used = row(page, "Milk").get_by_role("button", name="Used")
        await expect(used).to_be_focused()
        await heading(page, "Next 3 days (1)")
        await expect(row(page, "Ham")).to_have_count(0)

        await message(page).get_by_role("button", name="Undo").click()
        await expect(row(page, "Ham").get_by_role("button", name="Used")).to_be_visible()
        await heading(page, "Next 3 days (2)")

        await row(page, "Milk").get_by_role("button", name="Opened").dblclick()
        await expect(row(page, "Milk")).to_contain_text("opened")
        await expect(row(page, "Milk").get_by_role("button", name="Opened")).to_have_count(0)
        await expect(message(page)).to_contain_text("Milk: opened")
        await page.keyboard.press("z")
        await expect(row(page, "Milk").get_by_role("button", name="Opened")).to_be_visible()
        products = (await rest.get("/api/products?include=lots")).json()["items"]
        assert [lot["state"] for each in products for lot in each["lots"]] == ["sealed", "sealed"]


async def test_an_action_that_the_node_refuses_is_taken_back_with_its_reason(
    browser: Browser, server: NodeProcess
) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=409, json={"detail": "There is nothing left."})

    async with a_window(browser, "status of 409") as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await opened(context, server)
        await page.route("**/api/lots/*/discard", refuse)
        await row(page, "Milk").get_by_role("button", name="Thrown away").click()
        await expect(message(page)).to_have_text(
            re.compile("Milk: taken back. There is nothing left.")
        )
        await expect(row(page, "Milk").get_by_role("button", name="Used")).to_be_visible()
        await expect(row(page, "Milk")).to_have_class(re.compile("refused"))


async def test_a_part_of_a_lot_is_frozen_at_another_day_by_more(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, size=SCREEN) as context, server.rest() as rest:
        await sign_up(rest)
        product = await add(rest, "Soup", 4, quantity="3", unit="l", receivedOn="2026-01-01")
        page = await opened(context, server)
        more = row(page, "Soup").get_by_role("button", name="More")
        await more.click()
        dialog = page.get_by_role("dialog", name="More for Soup")
        await dialog.get_by_label("Amount").fill("0,5")
        await dialog.get_by_label("When").fill("2026-01-02")
        await dialog.get_by_role("button", name="Frozen").click()
        await expect(dialog).to_have_count(0)
        await expect(more.first).to_be_focused()
        await heading(page, "Never (1)")
        await expect(page.get_by_role("listitem", name="Soup 0.5 l")).to_contain_text("frozen")
        lots = (await rest.get(f"/api/products/{product['id']}/lots")).json()["items"]
        assert {(lot["quantity"], lot["state"]) for lot in lots} == {
            ("2.5", "sealed"),
            ("0.5", "frozen"),
        }
        [moved, *_] = (await rest.get("/api/movements")).json()["items"]
        assert moved["at"].startswith("2026-01-02")


async def test_rows_stay_in_place_while_a_person_acts_in_them(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        product = await add(rest, "Ham", 1)
        page = await opened(context, server)
        await page.clock.install()
        # The clock stands, so that a slow machine does not end the second for which rows stay.
        await page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
        button = row(page, "Milk").get_by_role("button", name="Used")
        await row(page, "Milk").hover()
        before = await button.bounding_box()
        await rest.post(f"/api/products/{product['id']}/consume", json={})
        await expect(row(page, "Ham").get_by_role("button")).to_have_count(0)
        await heading(page, "Next 3 days (1)")
        await add(rest, "Eggs", 1)
        await expect(page.get_by_role("button", name="Show 1 new lot")).to_be_visible()
        assert await button.bounding_box() == before
        assert await row(page, "Eggs").count() == 0
        await page.clock.run_for(1_100)
        await expect(row(page, "Eggs")).to_be_visible()
        await expect(row(page, "Ham")).to_have_count(0)


async def test_days_are_counted_again_at_local_midnight(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 2)
        page = await context.new_page()
        await page.clock.install(time=datetime.now(UTC).replace(hour=23, minute=59, second=50))
        await page.goto(server.url)
        await enter(page, "Sign in")
        await expect(row(page, "Milk")).to_contain_text("in 2 days")
        await page.clock.run_for(20_000)
        await expect(row(page, "Milk")).to_contain_text("tomorrow")


async def test_names_are_text_and_keep_their_direction_to_themselves(
    browser: Browser, server: NodeProcess
) -> None:
    name = "\u202e<b>Milk</b> \u05d7\u05dc\u05d1"
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, name, 2)
        page = await opened(context, server)
        link = page.get_by_role("region").get_by_role("link")
        await expect(link).to_have_text(name)
        assert await link.evaluate("each => getComputedStyle(each).unicodeBidi") == "isolate"
        await expect(link.locator("b")).to_have_count(0)


async def test_sample_products_are_added_to_an_empty_list_and_removed(
    browser: Browser, server: NodeProcess
) -> None:
    # A sample that changes while it is removed is fetched in vain.
    async with a_window(browser, "status of 404") as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server)
        await page.get_by_role("button", name="Try it with sample products").click()
        await expect(page.locator(".lot").first).to_be_visible()
        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("button", name="Remove the sample products").click()
        await expect(message(page)).to_contain_text("12 samples are removed")
        await page.get_by_role("link", name="Due").click()
        await expect(page.get_by_text("Nothing is kept yet")).to_be_visible()


async def test_lists_of_5000_lots_and_products_load_by_page_and_scroll(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        for thousand in range(5):
            items = [
                {"name": f"Box {thousand}-{each:03}", "expiryDate": "2099-01-01"}
                for each in range(1_000)
            ]
            answer = await rest.post("/api/products/batch", json={"items": items})
            assert answer.is_success, answer.text
        page = await opened(context, server)
        await heading(page, "Later (5,000)")
        rows = page.get_by_role("region").get_by_role("listitem")
        await expect(rows).to_have_count(30)
        await expect(page.get_by_role("region").get_by_role("list")).to_have_count(1)
        for _ in range(3):
            before = await rows.count()

            async def has_more(before: int = before) -> bool:
                """Scroll on, as a person does: parts that come into view change the height."""
                await page.mouse.wheel(0, 20_000)
                return await rows.count() > before

            await until(has_more, every=0.1)

        await page.get_by_role("link", name="Products").click()
        parts = page.locator(".lots__part--full")
        await expect(parts).to_have_count(6)

        async def has_parts() -> bool:
            await page.mouse.wheel(0, 20_000)
            return await parts.count() > 12

        await until(has_parts, every=0.1)
        style = "each => getComputedStyle(each).contentVisibility"
        assert await parts.last.evaluate(style) == "auto"
