"""A hardware scanner on the page: the keys of a code, at the times of a scanner."""

from typing import Final

from playwright.async_api import Browser, BrowserContext, Page, expect
from tests.support.pages import a_window, add, message, opened, sign_up
from tests.support.process_node import NodeProcess

GTIN: Final = "4012345678901"
SCANNER: Final = 0.004
PERSON: Final = 0.15
"""Seconds between two keys."""
START: Final = 1_900_000_000.0


class Keyboard:
    """Presses keys at times of its own, so that a busy machine changes nothing."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self._context = context
        self._page = page
        self._now = START

    async def press(self, keys: list[str], seconds: float) -> None:
        session = await self._context.new_cdp_session(self._page)
        for key in keys:
            self._now += seconds
            event: dict[str, object] = {"key": key, "timestamp": self._now}
            if len(key) == 1:
                event["text"] = key
            if key == "Ctrl+]":
                event.update(key="]", code="BracketRight", modifiers=2)
            if key == "Enter":
                event.update(text="\r", windowsVirtualKeyCode=13)
            if key == "Tab":
                event.update(windowsVirtualKeyCode=9)
            await session.send("Input.dispatchKeyEvent", {"type": "keyDown", **event})
            event.pop("text", None)
            await session.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})
        await session.detach()
        self._now += 1

    async def scan(self, code: str, end: str = "Enter") -> None:
        await self.press([*code, end], SCANNER)

    async def type(self, text: str) -> None:
        await self.press([*text], PERSON)


async def test_a_code_is_read_wherever_the_focus_is_and_stays_out_of_the_fields(
    browser: Browser, server: NodeProcess
) -> None:
    # On a busy machine, the page may ask what the keys of a code mean as a date.
    async with a_window(browser, "status of 422") as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Cheese", 3, barcode=GTIN, unit="kg", category="Dairy")
        page = await opened(context, server, "add")
        keyboard = Keyboard(context, page)
        name = page.get_by_label("Name")
        barcode = page.get_by_label("Barcode")
        for field in ("Location", "Lot number", "Date"):
            await page.get_by_label(field, exact=True).focus()
            await keyboard.type("+3" if field == "Date" else "A1")
            await keyboard.scan(GTIN, "Tab" if field == "Lot number" else "Enter")
            await expect(name).to_have_value("Cheese")
            await expect(barcode).to_have_value(GTIN)
        await expect(page.get_by_label("Location")).to_have_value("A1")
        await expect(page.get_by_label("Lot number")).to_have_value("A1")
        await expect(page.get_by_label("Date", exact=True)).to_have_value("+3")
        await expect(page.get_by_text(", in 3 days")).to_be_visible()
        await expect(page.get_by_text("Cheese is known")).to_be_visible()

        await name.focus()
        await keyboard.type("!")
        await keyboard.scan("96385074")
        await expect(barcode).to_have_value("96385074")
        await expect(name).to_have_value("Cheese!")
        await expect(page.get_by_label("Unit")).to_have_value("")


async def test_an_unknown_code_leaves_the_empty_name_focused_for_a_person_who_types(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "add")
        keyboard = Keyboard(context, page)
        heading = page.get_by_role("heading", level=1)
        await heading.focus()
        await keyboard.scan(GTIN)
        await expect(page.get_by_label("Barcode")).to_have_value(GTIN)
        await expect(page.get_by_label("Name")).to_be_focused()
        await keyboard.type("Rice 1kg")
        await expect(page.get_by_label("Name")).to_have_value("Rice 1kg")
        await page.get_by_role("button", name="Tomorrow").click()
        await page.get_by_label("Name").focus()
        await keyboard.press(["Enter"], PERSON)
        await expect(message(page)).to_contain_text("Rice 1kg is saved")
        [product] = (await rest.get("/api/products")).json()["items"]
        assert (product["name"], product["barcode"]) == ("Rice 1kg", GTIN)


async def test_a_gs1_code_has_its_separators_however_the_scanner_sends_them(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "add")
        keyboard = Keyboard(context, page)
        for number, separator in enumerate(("Ctrl+]", "F8", "\x1d")):
            lot = f"B{number}"
            code = [*f"]d2010{GTIN}17690331", *f"10{lot}", separator, *f"301{number}", "Enter"]
            await page.get_by_label("Name").focus()
            await keyboard.press(code, SCANNER)
            await expect(page.get_by_label("Lot number")).to_have_value(lot)
            await expect(page.get_by_label("Quantity")).to_have_value(f"1{number}")
            await expect(page.get_by_label("Date", exact=True)).to_have_value("2069-03-31")
            await expect(page.get_by_label("Use by")).to_be_checked()
            await expect(page.get_by_label("Barcode")).to_have_value(GTIN)
            await expect(page.get_by_label("Name")).to_have_value("")
            await expect(page.get_by_label("Name")).to_be_focused()


async def test_codes_press_no_button_and_are_no_shortcuts_and_warnings_are_shown(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "add")
        keyboard = Keyboard(context, page)
        await page.get_by_role("button", name="Save", exact=True).focus()
        await keyboard.scan("4006381333930")
        await expect(page.get_by_text("4006381333931 would be right")).to_be_visible()
        await expect(page.get_by_label("Name")).to_have_attribute("required", "")
        await expect(page.get_by_text("Type a date, or tick")).to_have_count(0)
        box = page.get_by_role("checkbox", name="No date")
        await box.focus()
        await keyboard.scan("A1 z 2 a")
        await expect(page.get_by_label("Barcode")).to_have_value("A1 z 2 a")
        await expect(box).not_to_be_checked()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Add")
