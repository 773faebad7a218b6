"""The page on a tablet on the fridge: large, without settings, and with a screen that stays on."""

from typing import Final

from playwright.async_api import Browser, expect
from tests.support.axe import violations
from tests.support.pages import (
    SCREEN,
    a_window,
    add,
    enter,
    person,
    row,
    shared_by,
    sign_up,
    switch,
    until,
)
from tests.support.process_node import NodeProcess

WAKE_LOCK: Final = """
    globalThis.locks = [];
    globalThis.refused = false;
    WakeLock.prototype.request = async (type) => {
      if (globalThis.refused) throw new DOMException("battery", "NotAllowedError");
      const lock = Object.assign(new EventTarget(), {type, released: false});
      globalThis.locks.push(lock);
      return lock;
    };
    globalThis.show = (state) => {
      Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
      if (state === "hidden") for (const lock of locks) lock.released = true;
      document.dispatchEvent(new Event("visibilitychange"));
    };
"""
"""Script that keeps the locks in place of the screen, and shows or hides the page."""


async def test_a_kiosk_is_large_and_has_no_settings(browser: Browser, server: NodeProcess) -> None:
    async with a_window(browser, size=SCREEN) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 1)
        page = await context.new_page()
        await page.goto(f"{server.url}/?kiosk=1#/settings")
        await enter(page, "Sign in")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Due")
        links = page.get_by_role("navigation", name="Main").get_by_role("link")
        await expect(links).to_have_text(["Due", "Products", "Add", "Inbox", "Insights"])
        size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
        assert await page.evaluate(size) == 20
        used = row(page, "Milk").get_by_role("button", name="Used")
        box = await used.bounding_box()
        assert box
        assert box["height"] >= 48
        assert await violations(page) == []
        await page.reload()
        await expect(row(page, "Milk")).to_be_visible()
        await links.filter(has_text="Add").click()
        assert page.url == f"{server.url}/?kiosk=1#/add"
        await page.goto(f"{server.url}/#/settings")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Settings")


async def test_a_kiosk_needs_no_more_than_its_role(browser: Browser, server: NodeProcess) -> None:
    async with (
        a_window(browser, size=SCREEN) as context,
        server.rest() as ada,
        server.rest() as fridge,
    ):
        await person(ada, "grandma@useby.example")
        await sign_up(fridge)
        its = await shared_by(ada, fridge, "kiosk")
        milk = await add(ada, "Milk", 7, quantity="2")
        page = await context.new_page()
        await page.goto(f"{server.url}/?kiosk=1")
        await enter(page, "Sign in")
        await switch(page).select_option(its["id"])
        links = page.get_by_role("navigation", name="Main").get_by_role("link")
        await expect(links).to_have_text(["Due", "Products", "Inbox", "Insights"])
        await row(page, "Milk").get_by_role("button", name="More").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Amount").fill("1")
        await expect(dialog.get_by_role("button")).to_have_text(
            ["Used", "Thrown away", "Opened", "Close"]
        )
        await dialog.get_by_role("button", name="Used").click()
        await expect(row(page, "Milk").get_by_text("× 2")).to_have_count(0)

        await page.goto(f"{server.url}/?kiosk=1#/products/{milk['id']}")
        history = page.get_by_role("region", name="History")
        await history.get_by_role("button", name="Undo: 1 used").click()
        await expect(row(page, "Milk")).to_contain_text("× 2")
        for view in ("Inbox", "Insights", "Products"):
            await links.filter(has_text=view).click()
            await expect(page.get_by_role("heading", level=1)).to_have_text(view)
        await expect(row(page, "Milk")).to_be_visible()
        for refused in ("add", "settings"):
            await page.goto(f"{server.url}/?kiosk=1#/{refused}")
            await expect(page.get_by_role("heading", level=1)).to_have_text("Due")


async def test_a_kiosk_keeps_its_screen_on_again_after_it_was_hidden_or_refused(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context:
        page = await context.new_page()
        await page.add_init_script(WAKE_LOCK)
        await page.goto(f"{server.url}/?kiosk=1")
        await until(page, "locks.length === 1 && locks[0].type === 'screen'")
        await page.evaluate("show('visible')")
        await page.evaluate("show('hidden')")
        assert await page.evaluate("locks.length") == 1
        await page.evaluate("show('visible')")
        await until(page, "locks.length === 2")
        await page.evaluate("show('hidden'); refused = true; show('visible')")
        await page.evaluate("refused = false")
        await page.get_by_role("heading", level=1).click()
        await until(page, "locks.length === 3")

        await page.goto(server.url)
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert await page.evaluate("locks.length") == 0
