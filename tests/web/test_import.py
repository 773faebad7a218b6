"""The dialog `Import`: what a file contains is shown first, and stored only after a press."""

from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, FilePayload, Locator, Page, expect
from tests.support.axe import violations
from tests.support.pages import SCREEN, a_window, message, opened, row, sign_up
from tests.support.process_node import NodeProcess

GOOD: Final = "name,expiryDate,Colour\nMilk,2099-03-04,white\nTea,2099-05-01,green\n"
BAD: Final = "Artikel;MHD;Lagerort\nMilch;03/04/2099;Fridge\nTea;soon;Shelf\n"
DROP: Final = """
    ([name, text]) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([text], name));
      for (const type of ["dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(type, {dataTransfer, bubbles: true}));
      }
    }
"""
"""Script that drops a file, as a mouse would; it has no other way into a page."""
PASTE: Final = """
    (text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
    }
"""


def dialog_of(page: Page) -> Locator:
    """The dialog."""
    return page.get_by_role("dialog", name="Import")


async def choose(page: Page, name: str, text: str) -> Locator:
    """Open the dialog and choose a file."""
    await page.get_by_role("button", name="Import").click()
    dialog = dialog_of(page)
    file = FilePayload(name=name, mimeType="text/csv", buffer=text.encode())
    await dialog.get_by_label("File").set_input_files(file)
    return dialog


async def test_a_file_is_stored_only_after_its_report_was_seen(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        dialog = await choose(page, "fridge.csv", GOOD)
        await expect(dialog.get_by_role("heading", name="fridge.csv")).to_be_focused()
        await expect(dialog.get_by_label("expiryDate")).to_have_value("expiryDate")
        await expect(dialog.get_by_label("Colour")).to_have_value("")
        await expect(dialog.get_by_text("New: 2. Changed: 0.")).to_be_visible()
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_be_hidden()
        assert (await rest.get("/api/products")).json()["items"] == []

        dialog = await choose(page, "fridge.csv", GOOD)
        await dialog.get_by_label("Colour").select_option("Notes")
        await expect(dialog.get_by_label("Colour")).to_have_value("notes")
        store = dialog.get_by_role("button", name="Import 2 products")
        await expect(store).not_to_have_attribute("aria-disabled", "true")
        await store.click()
        await expect(message(page)).to_contain_text("2 products are imported")
        await expect(dialog).to_be_hidden()
        items = (await rest.get("/api/products")).json()["items"]
        assert {each["name"]: each["notes"] for each in items} == {"Milk": "white", "Tea": "green"}


async def test_a_file_without_known_columns_is_read_by_those_that_a_person_chooses(
    browser: Browser, server: NodeProcess
) -> None:
    text = "Thing;Until\nMilk;2099-03-04\n"
    async with a_window(browser, "status of 422") as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        dialog = await choose(page, "things.csv", text)
        await expect(dialog.get_by_text("the column name is missing")).to_be_visible()
        await dialog.get_by_label("Thing").select_option("Name")
        await expect(dialog.get_by_text("the column expiryDate is missing")).to_be_visible()
        await dialog.get_by_label("Until").select_option("Date")
        await dialog.get_by_role("button", name="Import 1 product").click()
        await expect(message(page)).to_contain_text("1 product is imported")


async def test_bad_rows_are_named_and_left_out_if_a_person_chooses_so(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "status of 422") as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        dialog = await choose(page, "kühlschrank.csv", BAD)
        findings = dialog.get_by_role("list", name="2 bad values").get_by_role("listitem")
        await expect(findings).to_have_count(2)
        await expect(findings.last).to_contain_text("Line 3, Date: soon")
        await expect(findings.last).to_contain_text("must be a date")
        await expect(dialog.get_by_role("button", name="Import 0 products")).to_be_disabled()

        await dialog.get_by_role("radio", name="Day first: 03/04/2027 is Sat, 3 April").check()
        await expect(dialog.get_by_role("list", name="1 bad value")).to_be_visible()
        await dialog.get_by_role("checkbox", name="Leave out the bad rows").check()
        await dialog.get_by_role("button", name="Import 1 product").click()
        await expect(message(page)).to_contain_text("1 product is imported")
        [product] = (await rest.get("/api/products")).json()["items"]
        assert (product["name"], product["expiryDate"]) == ("Milch", "2099-04-03")


async def test_a_dropped_or_pasted_table_opens_the_dialog_on_any_view(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "inbox")
        await page.evaluate(DROP, ["fridge.csv", GOOD])
        await expect(dialog_of(page).get_by_text("New: 2.")).to_be_visible()
        await page.evaluate(DROP, ["one.csv", "name,expiryDate\nSalt,never\n"])
        await expect(dialog_of(page).get_by_role("heading", name="one.csv")).to_be_visible()
        await expect(dialog_of(page).get_by_text("New: 1.")).to_be_visible()
        await page.keyboard.press("Escape")
        # A closed dialog is hidden first, and removed when its event arrives.
        await expect(page.locator("dialog")).to_have_count(0)

        await page.evaluate(PASTE, "Artikel\tMHD\nMilch\t31.12.2099\n")
        await expect(dialog_of(page).get_by_role("heading")).to_contain_text(["", "Pasted table"])
        await dialog_of(page).get_by_role("button", name="Import 1 product").click()
        await page.get_by_role("link", name="Due").click()
        await expect(row(page, "Milch")).to_be_visible()

        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("button", name="Import").click()
        await dialog_of(page).get_by_label("Or paste a table").fill(GOOD)
        await dialog_of(page).get_by_role("button", name="Read the table").click()
        await expect(dialog_of(page).get_by_text("New: 2.")).to_be_visible()


async def test_a_file_of_2000_rows_is_imported(browser: Browser, server: NodeProcess) -> None:
    rows = "\n".join(f"Product {number},2099-01-01" for number in range(2000))
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        dialog = await choose(page, "large.csv", f"name,expiryDate\n{rows}\n")
        await dialog.get_by_role("button", name="Import 2,000 products").click()
        await expect(message(page)).to_contain_text("2,000 products are imported")
        await page.get_by_role("link", name="Due").click()
        await expect(page.get_by_role("heading", name="Later (2,000)")).to_be_visible()
        assert (await rest.get("/api/lots/counts")).json()["later"] == 2000


async def test_a_file_that_is_too_large_is_refused_before_it_is_sent(
    browser: Browser, server: NodeProcess, tmp_path: Path
) -> None:
    file = tmp_path / "huge.csv"
    with file.open("wb") as huge:
        huge.truncate(8 * 1024 * 1024 + 1)
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        await page.get_by_role("button", name="Import").click()
        await dialog_of(page).get_by_label("File").set_input_files(file)
        await expect(dialog_of(page).get_by_role("alert")).to_contain_text("larger than 8 MiB")


async def test_the_dialogs_follow_the_rules_of_axe_and_fit_the_screen(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "status of 422") as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        for button in ("Export", "Delete my account", "Import"):
            await page.get_by_role("button", name=button).click()
            await check_in_every_mode(page, page.get_by_role("dialog", name=button))
            await page.keyboard.press("Escape")
        dialog = await choose(page, "kühlschrank.csv", BAD)
        await expect(dialog.get_by_role("list", name="2 bad values")).to_be_visible()
        await check_in_every_mode(page, dialog)


async def check_in_every_mode(page: Page, dialog: Locator) -> None:
    await expect(dialog).to_be_visible()
    modes: tuple[tuple[tuple[int, int], Literal["light", "dark"]], ...] = (
        ((320, 640), "light"),
        (SCREEN, "dark"),
    )
    for (width, height), scheme in modes:
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=scheme)
        assert await violations(page) == []
        assert await dialog.evaluate("each => each.scrollWidth <= each.clientWidth")
