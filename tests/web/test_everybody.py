"""The page for everybody: accessibility rules, narrow screens, keyboard, two languages."""

from typing import Final, Literal

import pytest
from playwright.async_api import Browser, Page, expect
from tests.support.axe import violations
from tests.support.pages import PHONE, SCREEN, a_window, add, connection, row, sign_up
from tests.support.process_node import NodeProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
VIEWS: Final = ("due", "products", "product", "add", "inbox", "insights", "settings")


async def show(page: Page, url: str, view: str, product: str) -> None:
    fragment = f"products/{product}" if view == "product" else view
    await page.goto(f"{url}/#/{fragment}")
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    await page.wait_for_load_state("networkidle")


@pytest.mark.parametrize(
    ("locale", "scheme", "size"),
    [("en-GB", "light", PHONE), ("en-US", "dark", SCREEN), ("de-DE", "dark", PHONE)],
)
async def test_each_view_follows_the_rules_of_axe(
    browser: Browser,
    server: NodeProcess,
    locale: str,
    scheme: Literal["light", "dark"],
    size: tuple[int, int],
) -> None:
    async with (
        a_window(browser, locale=locale, scheme=scheme, size=size) as context,
        server.rest() as rest,
    ):
        await sign_up(rest)
        for name, days in (("Ham", -1), ("Milk", 0), ("Tea", 2), ("Jam", 7), ("Rice", 90)):
            product = await add(rest, name, days, location="Fridge")
        await add(rest, "Salt", None)
        page = await context.new_page()
        await page.goto(server.url)
        await expect(page.locator("input[name=password]")).to_be_visible()
        assert await violations(page) == []
        await page.locator("input[name=email]").fill("ada@useby.example")
        await page.locator("input[name=password]").fill("the quick brown fox")
        await page.keyboard.press("Enter")
        await expect(connection(page)).to_have_text("Live")
        for view in VIEWS:
            await show(page, server.url, view, product["id"])
            assert await violations(page) == [], view
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0], view
        html = page.locator("html")
        await expect(html).to_have_attribute("lang", locale[:2])


async def test_no_view_scrolls_sideways_at_320_pixels_in_german(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser, size=(320, 640), locale="de-DE") as context,
        server.rest() as rest,
    ):
        await sign_up(rest)
        product = await add(rest, "Donaudampfschifffahrtsgesellschaftskapitänsbrot", 2)
        page = await context.new_page()
        await page.goto(server.url)
        await page.get_by_label("E-Mail").fill("ada@useby.example")
        await page.get_by_label("Passwort").fill("the quick brown fox")
        await page.get_by_role("button", name="Anmelden").click()
        await expect(row(page, "Donau")).to_contain_text("übermorgen")
        for view in VIEWS:
            await show(page, server.url, view, product["id"])
            assert await page.evaluate("document.documentElement.scrollWidth") == 320, view


async def test_each_view_is_reached_by_the_keyboard_and_gives_its_heading_the_focus(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await context.new_page()
        await page.goto(server.url)
        await page.get_by_label("E-mail").fill("ada@useby.example")
        await page.get_by_label("Password").fill("the quick brown fox")
        await page.keyboard.press("Enter")
        await expect(connection(page)).to_have_text("Live")
        main = page.get_by_role("navigation", name="Main")
        for name in ("Products", "Add", "Inbox", "Insights", "Settings", "Due"):
            await main.get_by_role("link", name=name).press("Enter")
            heading = page.get_by_role("heading", level=1)
            await expect(heading).to_have_text(name)
            await expect(heading).to_be_focused()
            await expect(main.get_by_role("link", name=name)).to_have_attribute(
                "aria-current", "page"
            )
