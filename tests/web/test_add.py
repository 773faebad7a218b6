"""Adding a product on the page."""

from playwright.async_api import Browser, expect
from tests.support.pages import a_window, add, day, message, opened, row, sign_up
from tests.support.process_node import NodeProcess


async def test_a_product_is_added_with_all_its_fields(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server)
        await page.keyboard.press("a")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Add")
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        for field, text in {
            "Name": "Oat Milk",
            "Quantity": "1,5",
            "Unit": "l",
            "Category": "Dairy",
            "Location": "Fridge",
            "Barcode": "4012345678901",
            "Lot number": "A1",
            "Date": "+4",
        }.items():
            await page.get_by_label(field, exact=True).fill(text)
        await page.get_by_role("radiogroup", name="Date kind").get_by_label("Use by").check()
        await expect(page.get_by_text(", in 4 days")).to_be_visible()
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(message(page)).to_contain_text("Oat Milk is saved")
        await expect(row(page, "Oat Milk 1.5 l")).to_contain_text("in 4 days")
        [product] = (await rest.get("/api/products?include=lots")).json()["items"]
        assert product["expiryDate"] == day(4)
        assert (product["dateKind"], product["barcode"]) == ("use_by", "4012345678901")
        assert (product["category"], product["location"]) == ("Dairy", "Fridge")
        assert product["lots"][0]["lotNumber"] == "A1"


async def test_a_date_that_can_be_read_in_two_ways_is_chosen_by_a_person(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "status of 422") as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "add")
        await page.get_by_label("Name").fill("Tea")
        save = page.get_by_role("button", name="Save and add another")
        date = page.get_by_label("Date", exact=True)
        await save.click()
        await expect(page.get_by_text("Type a date, or tick")).to_be_visible()
        await expect(date).to_be_focused()
        await date.fill("31/02/2027")
        await expect(date).to_have_attribute("aria-invalid", "true")
        await date.fill("03/04/2099")
        which = page.get_by_role("group", name="Which date?")
        await expect(which.get_by_role("button")).to_have_text(
            ["Wed, 4 March 2099", "Fri, 3 April 2099"]
        )
        await save.click()
        await expect(page.get_by_text("Choose which date is meant.")).to_be_visible()
        await which.get_by_role("button", name="Fri, 3 April 2099").click()
        await save.click()
        await expect(message(page)).to_contain_text("Tea is saved")
        await expect(page.get_by_label("Name")).to_be_focused()
        await expect(page.get_by_label("Name")).to_have_value("")

        await page.get_by_label("Name").fill("Salt")
        await page.get_by_role("checkbox", name="No date").check()
        await save.click()
        await expect(message(page)).to_contain_text("Salt is saved")
        items = (await rest.get("/api/products")).json()["items"]
        assert {each["name"]: each["expiryDate"] for each in items} == {
            "Tea": "2099-04-03",
            "Salt": None,
        }


async def test_a_chip_gives_a_date_and_a_code_fills_the_empty_fields(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Cheese", 3, barcode="04012345678901", unit="kg", category="Dairy")
        page = await opened(context, server, "add")
        await page.get_by_role("button", name="+7").click()
        await expect(page.get_by_text("in 7 days")).to_be_visible()
        barcode = page.get_by_label("Barcode")
        await barcode.fill("(01)04012345678901(17)990331(10)B7")
        await barcode.press("Enter")
        await expect(page.get_by_label("Name")).to_have_value("Cheese")
        await expect(page.get_by_label("Lot number")).to_have_value("B7")
        await expect(page.get_by_label("Unit")).to_have_value("kg")
        await expect(page.get_by_label("Use by")).to_be_checked()


async def test_keys_act_only_outside_of_fields_and_can_be_switched_off(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "products")
        await page.get_by_label("Search").press("a")
        await expect(page.get_by_label("Search")).to_have_value("a")
        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("checkbox", name="Single keys").uncheck()
        await page.keyboard.press("a")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
        await page.get_by_role("checkbox", name="Single keys").check()
        await page.keyboard.press("a")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Add")


async def test_a_product_that_is_not_saved_yet_is_kept_over_other_views_and_a_reload(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "add")
        name, lot = page.get_by_label("Name"), page.get_by_label("Lot number")
        kept = page.get_by_text("This was not saved yet.")
        await name.fill("Oat Milk")
        await lot.fill("A1")
        await page.get_by_role("button", name="+7").click()
        await page.get_by_role("link", name="Due", exact=True).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Due")
        await page.get_by_role("link", name="Add", exact=True).click()
        await expect(kept).to_be_visible()
        await page.reload()
        await expect(name).to_have_value("Oat Milk")
        await expect(lot).to_have_value("A1")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(row(page, "Oat Milk")).to_contain_text("in 7 days")

        await page.get_by_role("link", name="Add", exact=True).click()
        await expect(name).to_have_value("")
        await expect(kept).to_have_count(0)
        await lot.fill("B2")
        await page.get_by_role("link", name="Due", exact=True).click()
        await page.get_by_role("link", name="Add", exact=True).click()
        await page.get_by_role("button", name="Start again").click()
        await expect(lot).to_have_value("")
        await expect(name).to_be_focused()
        await page.reload()
        await expect(name).to_have_value("")
        await expect(kept).to_have_count(0)
