"""All products on the page, several at once, and one product."""

from playwright.async_api import Browser, expect
from tests.support.axe import violations
from tests.support.pages import SCREEN, a_window, add, message, opened, row, sign_up
from tests.support.process_node import NodeProcess


async def test_several_products_are_taken_moved_and_deleted_at_once(
    browser: Browser, server: NodeProcess
) -> None:
    # A product that changes while it is deleted is asked for in vain.
    async with a_window(browser, "status of 404") as context, server.rest() as rest:
        await sign_up(rest)
        for name, days in (("Ham", 1), ("Milk", 2), ("Tea", 90)):
            await add(rest, name, days)
        page = await opened(context, server, "products")
        tools = page.get_by_role("toolbar", name="Selection")
        await expect(tools).to_have_count(0)
        await page.get_by_role("checkbox", name="Select Ham").check()
        await page.get_by_role("checkbox", name="Select Milk").check()
        await tools.get_by_role("button", name="Used").click()
        await expect(message(page)).to_contain_text("2 products used")
        await expect(row(page, "Ham").get_by_role("button")).to_have_count(0)
        await message(page).get_by_role("button", name="Undo").click()
        await expect(row(page, "Ham").get_by_role("button", name="Used")).to_be_visible()
        await expect(row(page, "Milk").get_by_role("button", name="Used")).to_be_visible()

        await page.get_by_role("checkbox", name="Select Tea").check()
        await tools.get_by_role("button", name="Move").click()
        dialog = page.get_by_role("dialog", name="Move to")
        await dialog.get_by_label("Location").fill("Cellar")
        await dialog.get_by_role("button", name="Move").click()
        await expect(row(page, "Tea")).to_contain_text("Cellar")

        await page.get_by_role("checkbox", name="Select Tea").check()
        await tools.get_by_role("button", name="Delete").click()
        dialog = page.get_by_role("dialog", name="Delete 1 product?")
        await dialog.get_by_role("button", name="Delete for good").click()
        await expect(row(page, "Tea")).to_have_count(0)
        items = (await rest.get("/api/products")).json()["items"]
        assert [(each["name"], each["closedAs"]) for each in items] == [
            ("Ham", None),
            ("Milk", None),
        ]


async def test_products_are_searched_filtered_and_sorted(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, size=SCREEN) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Käse", 9, category="Dairy", location="Fridge")
        await add(rest, "Milk", 5, category="Dairy")
        await add(rest, "Rice", 500, location="Cellar")
        page = await opened(context, server, "products")
        rows = page.locator("main").get_by_role("listitem")
        await expect(rows).to_contain_text(["Milk", "Käse", "Rice"])
        await page.get_by_label("Search").fill("kase")
        await expect(rows).to_contain_text(["Käse"])
        await page.get_by_label("Search").fill("")
        await page.get_by_label("Category").select_option("Dairy")
        await expect(rows).to_contain_text(["Milk", "Käse"])
        await page.get_by_label("Location").select_option("Fridge")
        await expect(rows).to_contain_text(["Käse"])
        await page.get_by_label("Location").select_option("")
        await page.get_by_label("Category").select_option("")
        await page.get_by_label("Sort").select_option("name")
        await expect(rows).to_contain_text(["Käse", "Milk", "Rice"])


async def test_a_product_shows_its_lots_rules_barcodes_alerts_and_history(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "status of 404") as context, server.rest() as rest:
        await sign_up(rest)
        product = await add(rest, "Milk", 30)
        page = await opened(context, server)
        await row(page, "Milk").get_by_role("link", name="Milk").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Milk")
        alerts = page.get_by_role("region", name="What will be sent, and why")
        await expect(alerts.get_by_role("listitem").first).to_contain_text("Milk expires in 7 days")

        await page.get_by_label("After opening").fill("3")
        rules = page.get_by_role("region", name="Rules")
        await rules.get_by_role("button", name="Save").click()
        await expect(message(page)).to_contain_text("Saved")
        await row(page, "Milk").get_by_role("button", name="Opened").click()
        await expect(row(page, "Milk")).to_contain_text("in 3 days")

        history = page.get_by_role("region", name="History")
        await expect(history.get_by_role("listitem").first).to_contain_text("1 opened")
        await history.get_by_role("button", name="Undo: 1 opened").click()
        await expect(row(page, "Milk")).to_contain_text("in 30 days")

        barcodes = page.get_by_role("region", name="Barcodes")
        await barcodes.get_by_label("Barcode").fill("4012345678901")
        await barcodes.get_by_role("button", name="Add a barcode").click()
        await expect(barcodes.get_by_role("listitem")).to_contain_text(["4012345678901"])

        await page.get_by_text("Add a lot").first.click()
        lots = page.get_by_role("region", name="Lots")
        await lots.get_by_label("Date").fill("tomorrow")
        await lots.get_by_role("button", name="Add a lot").click()
        await expect(lots.get_by_role("listitem")).to_have_count(2)
        kept = (await rest.get(f"/api/products/{product['id']}")).json()
        assert (kept["afterOpening"], kept["lotCount"]) == ("P3D", 2)

        await rest.delete(f"/api/products/{product['id']}")
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_have_text("There is no such product.")
        await expect(heading).to_be_focused()


async def test_a_product_that_does_not_exist_is_stated(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "status of 404") as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "products/no-such-id")
        await expect(page.get_by_role("heading", level=1)).to_have_text("There is no such product.")


async def test_a_rule_of_a_category_is_set_on_a_product_and_ended_in_the_settings(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        ham = await add(rest, "Ham", 30, category="Meat", location="Fridge")
        page = await opened(context, server, f"products/{ham['id']}")
        await page.get_by_role("button", name="Change when I am told").click()
        dialog = page.get_by_role("dialog", name="When to tell me")
        await dialog.get_by_label("Counts for").select_option("Category Meat")
        await dialog.get_by_label("Before the date").select_option("at these times")
        await dialog.get_by_label("Times before it").fill("soon")
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_contain_text("Type times like 7, 1, 24 h or 15 %.")
        await dialog.get_by_label("Times before it").fill("9, 24 h")
        assert await violations(page) == []
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0)
        coming = page.get_by_role("region", name="What will be sent, and why")
        await expect(coming.get_by_role("listitem")).to_have_count(3)
        await expect(coming).to_contain_text("Meat")
        (policy,) = (await rest.get("/api/policies")).json()["items"]
        assert (policy["key"], policy["leads"]) == ("meat", ["9d", "24h"])

        await page.goto(f"{server.url}/#/settings")
        await page.get_by_role("button", name="Change: Category meat").click()
        await expect(dialog.get_by_label("Times before it")).to_have_value("9, 24 h")
        await dialog.get_by_role("button", name="Remove this rule").click()
        await expect(page.get_by_role("button", name="Change: Category meat")).to_have_count(0)
        assert (await rest.get("/api/policies")).json()["items"] == []


async def test_a_lot_that_is_stored_is_not_offered_again_if_its_product_can_not_be_loaded(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "Failed to load resource") as context, server.rest() as rest:
        await sign_up(rest)
        product = await add(rest, "Milk", 30)
        page = await opened(context, server, f"products/{product['id']}")
        await page.get_by_text("Add a lot").first.click()
        lots = page.get_by_role("region", name="Lots")
        await lots.get_by_label("Quantity").fill("3")
        await page.route(
            f"**/api/products/{product['id']}?include=lots", lambda route: route.abort()
        )
        await lots.get_by_role("button", name="Add a lot").click()
        await expect(message(page)).to_contain_text("Milk is saved")
        await expect(lots.get_by_label("Quantity")).to_have_value("1")
