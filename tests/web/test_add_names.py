"""The names of `Add` and `Date` in the contract: in both languages, on a phone and a desktop."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect
from tests.support.pages import (
    EMAIL,
    PASSWORD,
    PHONE,
    SCREEN,
    a_window,
    connection,
    message,
    sign_up,
)
from tests.support.process_node import NodeProcess

ENGLISH: Final = {
    name: name
    for name in (
        "Add",
        "Due",
        "Name",
        "Date",
        "Quantity",
        "Unit",
        "Category",
        "Location",
        "Barcode",
        "Lot number",
        "Date kind",
        "Use by",
        "Best before",
        "No date",
        "Scan",
        "Save",
        "Save and add another",
        "Which date?",
        "Today",
        "Tomorrow",
        "End of month",
    )
}
GERMAN: Final = {
    "Add": "Neu",
    "Due": "Fällig",
    "Name": "Name",
    "Date": "Datum",
    "Quantity": "Menge",
    "Unit": "Einheit",
    "Category": "Kategorie",
    "Location": "Ort",
    "Barcode": "Barcode",
    "Lot number": "Chargennummer",
    "Date kind": "Art des Datums",
    "Use by": "Zu verbrauchen bis",
    "Best before": "Mindestens haltbar bis",
    "No date": "Ohne Datum",
    "Scan": "Scannen",
    "Save": "Speichern",
    "Save and add another": "Speichern und weiter",
    "Which date?": "Welches Datum?",
    "Today": "Heute",
    "Tomorrow": "Morgen",
    "End of month": "Monatsende",
}
FIELDS: Final = (
    "Name",
    "Date",
    "Quantity",
    "Unit",
    "Category",
    "Location",
    "Barcode",
    "Lot number",
)
READINGS: Final = {
    "en": ("Wed, 4 March 2099", "Fri, 3 April 2099"),
    "de": ("Mi., 4. März 2099", "Fr., 3. April 2099"),
}


def names(locale: str) -> dict[str, str]:
    """Return the accessible names in a language by those in English."""
    return GERMAN if locale.startswith("de") else ENGLISH


async def signed_in(page: Page, server: NodeProcess) -> None:
    await page.goto(server.url)
    await page.locator("input[name=email]").fill(EMAIL)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(connection(page)).to_have_text("Live")


def end_of_month(today: date) -> date:
    return (today.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


@pytest.mark.parametrize("locale", ["en-US", "de-AT"])
async def test_add_has_the_names_of_the_contract_from_the_key_that_opens_it_to_the_last_save(
    browser: Browser, server: NodeProcess, locale: str
) -> None:
    name = names(locale)
    async with a_window(browser, locale=locale) as context, server.rest() as rest:
        await sign_up(rest)
        page = await context.new_page()
        await signed_in(page, server)
        await page.keyboard.press("a")
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_have_text(name["Add"])
        await expect(heading).to_be_focused()
        assert page.url.endswith("#/add")
        await check_buttons_are_seen(page, name)
        for field in FIELDS:
            box = page.locator("main").get_by_role("textbox", name=name[field], exact=True)
            await expect(box.or_(page.get_by_role("combobox", name=name[field]))).to_be_visible()
        kind = page.get_by_role("radiogroup", name=name["Date kind"], exact=True)
        for each in ("Use by", "Best before"):
            await kind.get_by_role("radio", name=name[each], exact=True).check()
        await check_dates_are_understood(page, locale)
        await save_two(page, name)
        items = (await rest.get("/api/products")).json()["items"]
        today = datetime.now(UTC).date()
        assert {each["name"]: (each["expiryDate"], each["location"]) for each in items} == {
            "Milch": (str(today + timedelta(days=2)), "Regal"),
            "Salz": (None, "Regal"),
        }


async def check_buttons_are_seen(page: Page, name: dict[str, str]) -> None:
    """On a desktop and on a phone, the buttons are on the screen before anything is scrolled."""
    for width, height in (SCREEN, PHONE):
        await page.set_viewport_size({"width": width, "height": height})
        for each in ("Scan", "Save", "Save and add another"):
            button = page.get_by_role("button", name=name[each], exact=True)
            await expect(button).to_be_in_viewport(ratio=1)


async def check_dates_are_understood(page: Page, locale: str) -> None:
    """Press the chips, type dates in several forms, and choose one of two readings."""
    name = names(locale)
    typed = page.get_by_role("textbox", name=name["Date"], exact=True)
    today = datetime.now(UTC).date()
    for chip, expected in {
        name["Today"]: today,
        name["Tomorrow"]: today + timedelta(days=1),
        "+3": today + timedelta(days=3),
        "+7": today + timedelta(days=7),
        name["End of month"]: end_of_month(today),
    }.items():
        await page.get_by_role("button", name=chip, exact=True).click()
        await expect(typed).to_have_value(str(expected))
    in_four = today + timedelta(days=4)
    meaning = page.locator(".date-field").get_by_role("status")
    for text in ("+4", in_four.strftime("%d.%m.%Y"), str(in_four)):
        await typed.fill(text)
        await expect(meaning).to_contain_text(str(in_four.year))
        await expect(meaning).to_contain_text("in 4 Tagen" if name is GERMAN else "in 4 days")
    await typed.fill("")
    await expect(meaning).to_have_text("")

    await typed.fill("03/04/2099")
    which = page.get_by_role("group", name=name["Which date?"], exact=True)
    readings = READINGS[locale[:2]]
    await expect(which.get_by_role("button")).to_have_text(list(readings))
    await which.get_by_role("button", name=readings[1], exact=True).click()
    await expect(meaning).to_contain_text(readings[1])
    await expect(which).to_have_count(0)
    no_date = page.get_by_role("checkbox", name=name["No date"], exact=True)
    await no_date.check()
    await expect(typed).to_be_disabled()
    await no_date.uncheck()


async def save_two(page: Page, name: dict[str, str]) -> None:
    """Save two products; the focus goes to the next name, and then to what is due."""
    product = page.get_by_role("textbox", name=name["Name"], exact=True)
    more = page.get_by_role("button", name=name["Save and add another"], exact=True)
    await product.fill("Milch")
    await page.get_by_role("textbox", name=name["Date"], exact=True).fill("+2")
    await page.get_by_label(name["Location"], exact=True).fill("Regal")
    await more.click()
    await expect(product).to_be_focused()
    await expect(product).to_have_value("")
    await expect(page.get_by_role("textbox", name=name["Date"], exact=True)).to_have_value("")
    await expect(page.get_by_label(name["Location"], exact=True)).to_have_value("Regal")
    await expect(message(page)).to_contain_text("Milch")
    await expect(more).to_be_in_viewport(ratio=1)

    await page.keyboard.type("Salz")
    await page.get_by_role("checkbox", name=name["No date"], exact=True).check()
    await page.get_by_role("button", name=name["Save"], exact=True).press("Enter")
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text(name["Due"])
    await expect(heading).to_be_focused()
