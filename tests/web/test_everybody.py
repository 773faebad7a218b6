"""The page for everybody: accessibility rules, narrow screens, keyboard, two languages."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from tests.support.axe import violations
from tests.support.pages import (
    COUNTS_REQUESTS,
    EMAIL,
    PASSWORD,
    PHONE,
    SCREEN,
    a_window,
    add,
    connection,
    message,
    row,
    settled,
    sign_up,
)
from tests.support.process_node import NodeProcess

VIEWS: Final = ("due", "products", "product", "add", "inbox", "insights", "settings")
LONG_NAME: Final = "Donaudampfschifffahrtsgesellschaftskapitänsbrot"


class Mode(NamedTuple):
    """A screen, what its person prefers, and whether axe looks at it."""

    size: tuple[int, int]
    scheme: Literal["light", "dark"]
    by_axe: bool = False
    forced_colors: Literal["active", "none"] = "none"


ZOOMED: Final = (SCREEN[0] // 2, SCREEN[1] // 2)
"""Size of a screen in the page's pixels at a zoom of 200 %."""
MODES: Final = (
    Mode(PHONE, "light", by_axe=True),
    Mode(PHONE, "dark", forced_colors="active"),
    Mode(ZOOMED, "light", by_axe=True),
    Mode(SCREEN, "dark", by_axe=True),
)
"""Axe takes each width and each scheme once: its rules depend on one or the other."""
NARROW: Final = (Mode((320, 640), "dark", by_axe=True),)
"""Where longer words need the most room."""
FOCUSED: Final = """() => {
    const each = document.activeElement;
    if (!each || each === document.body) return null;
    // The parts of a date or a time have marks of the browser.
    const isPart = walked.has(each) && /^(date|time)$/.test(each.type);
    if (isPart) return { isMarked: true, isSeen: true };
    if (walked.has(each)) return null;
    walked.add(each);
    const { left, top, width, height } = each.getBoundingClientRect();
    const over = document.elementFromPoint(left + width / 2, top + Math.min(height, 40) / 2);
    const { outlineStyle, outlineWidth } = getComputedStyle(each);
    return {
        what: each.outerHTML.slice(0, 120),
        isMarked: outlineStyle !== "none" && outlineWidth !== "0px",
        isSeen: !!over && (each.contains(over) || over.contains(each)),
    };
}"""
"""Script that describes the element with the focus; null if there is none or it had it before."""
MISSED: Final = """() => {
    const all = "a[href], button:enabled, input:enabled, select:enabled, textarea, summary";
    const radios = new Set();
    for (const { type, name } of walked) if (type === "radio") radios.add(name);
    return [...document.querySelectorAll(all)]
        .filter((each) => !walked.has(each) && each.tabIndex >= 0 && !radios.has(each.name))
        .filter((each) => each.checkVisibility({ visibilityProperty: true }))
        .map((each) => each.outerHTML.slice(0, 120));
}"""
"""Script that lists what can be pressed and did not get the focus; one of several radios does."""


async def show(page: Page, url: str, view: str, product: str) -> None:
    fragment = f"products/{product}" if view == "product" else view
    await page.goto(f"{url}/#/{fragment}")
    await settled(page)
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)


async def a_household(rest: httpx.AsyncClient) -> str:
    """Fill an account, so that no view is empty; return the id of a product."""
    await sign_up(rest)
    for name, days in (("Ham", -1), ("Milk", 0), ("Jam", 7), ("Rice", 90), ("Salt", None)):
        await add(rest, name, days, location="Fridge", category="Larder")
    used = await add(rest, "Bread", 1)
    await rest.post(f"/api/products/{used['id']}/discard", json={})
    product = await add(rest, LONG_NAME, 2, barcode="4012345678901")
    (lot,) = (await rest.get(f"/api/products/{product['id']}/lots")).json()["items"]
    await rest.post(f"/api/lots/{lot['id']}/open", json={})
    found: str = product["id"]
    return found


async def enter_in_any_language(page: Page) -> None:
    await page.locator("input[name=email]").fill(EMAIL)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(connection(page)).to_have_text("Live")


@pytest.mark.parametrize(
    ("locale", "modes"), [("en-GB", MODES), ("de-DE", NARROW)], ids=["english", "german"]
)
async def test_each_view_follows_the_rules_of_axe_in_every_mode_and_never_scrolls_sideways(
    browser: Browser, server: NodeProcess, locale: str, modes: Sequence[Mode]
) -> None:
    async with a_window(browser, locale=locale) as context, server.rest() as rest:
        product = await a_household(rest)
        page = await context.new_page()
        await page.add_init_script(COUNTS_REQUESTS)
        await page.goto(server.url)
        await expect(page.locator("input[name=password]")).to_be_visible()
        await check_every_mode(page, "signing in", modes)
        await enter_in_any_language(page)
        for view in VIEWS:
            await show(page, server.url, view, product)
            await page.evaluate(
                "for (const each of document.querySelectorAll('main details')) each.open = true"
            )
            await settled(page)
            await check_every_mode(page, view, modes)
        await expect(page.locator("html")).to_have_attribute("lang", locale[:2])


async def test_no_view_sends_a_request_to_anyone_but_the_node(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        product = await a_household(rest)
        page = await context.new_page()
        asked: set[str] = set()
        context.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        page.on("websocket", lambda socket: asked.add(urlsplit(socket.url).netloc))
        await page.add_init_script(COUNTS_REQUESTS)
        await page.goto(server.url)
        await enter_in_any_language(page)
        for view in VIEWS:
            await show(page, server.url, view, product)
        assert asked == {urlsplit(server.url).netloc}


async def check_every_mode(page: Page, view: str, modes: Sequence[Mode]) -> None:
    for mode in modes:
        width, height = mode.size
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=mode.scheme, forced_colors=mode.forced_colors)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, (view, mode)
        if mode.by_axe:
            assert await violations(page) == [], (view, mode)


async def test_tab_reaches_all_that_can_be_pressed_and_marks_it(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        product = await a_household(rest)
        page = await context.new_page()
        await page.add_init_script(COUNTS_REQUESTS)
        await page.goto(server.url)
        await enter_in_any_language(page)
        for view in VIEWS:
            await show(page, server.url, view, product)
            for width, height in (SCREEN, PHONE):
                await page.set_viewport_size({"width": width, "height": height})
                await walk_by_tab(page, view)


async def walk_by_tab(page: Page, view: str) -> None:
    await page.evaluate("document.activeElement.blur(); globalThis.walked = new Set()")
    ends = 0  # behind the last element, Tab goes on with the first one
    while ends < 2:
        await page.keyboard.press("Tab")
        place = await page.evaluate(FOCUSED)
        if place is None:
            ends += 1
            continue
        assert place["isMarked"], (view, place)
        assert place["isSeen"], (view, place)
    missed = await page.evaluate(MISSED)
    assert missed == [], view


async def test_messages_appear_without_motion_for_a_person_who_wants_less(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await a_household(rest)
        page = await context.new_page()
        await page.goto(server.url)
        await enter_in_any_language(page)
        styles = (
            "each => [getComputedStyle(each).animationName, getComputedStyle(each).scrollBehavior]"
        )
        for preference, animation in (("reduce", "none"), ("no-preference", "rise")):
            await page.emulate_media(reduced_motion=preference)  # type: ignore[arg-type]
            await row(page, "Milk").get_by_role("button", name="More").click()
            await expect(page.get_by_role("dialog")).to_be_visible()
            await page.keyboard.press("Escape")
            name = "Frozen" if preference == "reduce" else "Thawed"
            await row(page, "Milk").get_by_role("button", name=name).click()
            await expect(message(page)).to_contain_text("Milk")
            assert await message(page).evaluate(styles) == [animation, "auto"]


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
