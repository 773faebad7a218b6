"""The view `Settings`: the account, the page's choices, export, and the end of an account."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect
from tests.support.axe import violations
from tests.support.pages import (
    EMAIL,
    PASSWORD,
    a_window,
    add,
    connection,
    enter,
    message,
    opened,
    person,
    row,
    shared_by,
    sign_in,
    sign_up,
    switch,
)
from tests.support.process_node import NodeProcess, serving

HEADINGS = (
    "Account",
    "Alerts",
    "Household",
    "This browser",
    "Channels",
    "Import and export",
    "Signed-in devices",
)


def section(page: Page, name: str) -> Locator:
    """A section of the view, by its heading."""
    return page.get_by_role("region", name=name, exact=True)


async def test_settings_of_the_account_alerts_and_household_are_stored(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        for heading in HEADINGS:
            await expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        account = section(page, "Account")
        await expect(account.get_by_text(EMAIL)).to_be_visible()
        await account.get_by_label("Name").fill("Ada")
        await account.get_by_label("Time zone").select_option("Europe/Berlin")
        await account.get_by_role("button", name="Save").click()
        await expect(message(page)).to_contain_text("Saved")
        alerts = section(page, "Alerts")
        await alerts.get_by_label("Time of day").fill("07:30")
        await alerts.get_by_label("Days before the date").fill("5; 1 0")
        await alerts.get_by_label("Alerts at one time").fill("12")
        async with page.expect_response("**/api/me"):
            await alerts.get_by_role("button", name="Save").click()
        household = section(page, "Household")
        await household.get_by_label("Currency").fill("eur")
        await expect(household.get_by_text("Euro", exact=True)).to_be_visible()
        async with page.expect_response("**/api/households/*"):
            await household.get_by_role("button", name="Save the household").click()

        me = (await rest.get("/api/me")).json()
        assert (me["name"], me["timeZone"]) == ("Ada", "Europe/Berlin")
        assert (me["alertTime"], me["leadDays"], me["floodCap"]) == ("07:30", [5, 1, 0], 12)
        (its,) = (await rest.get("/api/households")).json()["items"]
        assert (its["currency"], its["timeZone"]) == ("EUR", "Europe/Berlin")
        await page.reload()
        await expect(alerts.get_by_label("Days before the date")).to_have_value("5, 1, 0")


async def test_a_setting_that_is_refused_stays_in_its_field_with_the_reason(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "status of 422") as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        leads = section(page, "Alerts").get_by_label("Days before the date")
        await leads.fill("soon")
        await leads.press("Enter")
        await expect(page.get_by_text("Type whole numbers")).to_be_visible()
        await expect(leads).to_have_attribute("aria-invalid", "true")
        currency = section(page, "Household").get_by_label("Currency")
        await currency.fill("ABC")
        await currency.press("Enter")
        await expect(page.get_by_text("ISO 4217")).to_be_visible()
        await expect(currency).to_have_value("ABC")
        assert (await rest.get("/api/me")).json()["currency"] is None


async def test_a_new_password_needs_the_present_one_and_keeps_this_device_signed_in(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "status of 403") as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        account = section(page, "Account")
        await account.get_by_text("Change the password").click()
        await account.get_by_label("Current password").fill("a wrong password")
        await account.get_by_label("New password").fill("another long password")
        await account.get_by_role("button", name="Change").click()
        await expect(account.get_by_text("The password is wrong.")).to_be_visible()
        await account.get_by_label("Current password").fill(PASSWORD)
        await account.get_by_role("button", name="Change").click()
        await expect(message(page)).to_contain_text("Saved")
        await expect(account.get_by_label("New password")).to_have_value("")
        await page.reload()
        await expect(connection(page)).to_have_text("Live")
        given = {"email": EMAIL, "password": "another long password"}
        assert (await rest.post("/api/auth/login", json=given)).status_code == 200


async def test_the_language_of_the_account_is_chosen_and_every_browser_follows_it(
    browser: Browser, server: NodeProcess
) -> None:
    """A language without texts of the page leaves the page in the browser's language."""
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        await page.get_by_label("Language").select_option("Deutsch")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Optionen")
        await expect(page.locator("html")).to_have_attribute("lang", "de")
        async with a_window(browser) as elsewhere:
            other = await opened(elsewhere, server, "settings")
            await expect(other.get_by_label("Sprache")).to_have_value("de")
        await page.get_by_label("Sprache").select_option("polski")
        await expect(page.get_by_label("Language")).to_have_value("pl")
        assert (await rest.get("/api/me")).json()["language"] == "pl"


async def test_an_export_is_downloaded_in_the_chosen_format(
    browser: Browser, server: NodeProcess, tmp_path: Path
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Milk", 3)
        page = await opened(context, server, "settings")
        files: dict[str, bytes] = {}
        for format_ in ("JSON", "CSV", "XLSX"):
            await page.get_by_role("button", name="Export").click()
            dialog = page.get_by_role("dialog", name="Export")
            await dialog.get_by_role("radio", name=format_).check()
            async with page.expect_download() as download:
                await dialog.get_by_role("button", name="Download").click()
            await expect(dialog).to_be_hidden()
            await expect(page.get_by_role("button", name="Export")).to_be_focused()
            file = await download.value
            assert file.suggested_filename.endswith(f".{format_.lower()}")
            await file.save_as(tmp_path / format_)
            files[format_] = (tmp_path / format_).read_bytes()
        assert [each["name"] for each in json.loads(files["JSON"])["products"]] == ["Milk"]
        assert b"Milk" in files["CSV"]
        assert files["XLSX"].startswith(b"PK")


async def test_an_account_is_deleted_only_with_its_password(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "status of 403") as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        await page.get_by_role("button", name="Delete my account").click()
        dialog = page.get_by_role("dialog", name="Delete my account")
        await dialog.get_by_label("Password").fill("a wrong password")
        await dialog.get_by_role("button", name="Delete for good").click()
        await expect(dialog.get_by_text("The password is wrong.")).to_be_visible()
        await dialog.get_by_label("Password").fill(PASSWORD)
        await dialog.get_by_role("button", name="Delete for good").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        given = {"email": EMAIL, "password": PASSWORD}
        assert (await rest.post("/api/auth/login", json=given)).status_code == 401


async def test_signed_in_devices_are_listed_and_signed_out_one_by_one(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser) as context,
        a_window(browser, "status of 401") as other,
        server.rest() as rest,
    ):
        await sign_up(rest)
        far = await opened(other, server)
        page = await opened(context, server, "settings")
        devices = section(page, "Signed-in devices")
        rows = devices.get_by_role("listitem")
        await expect(rows).to_have_count(3)
        await expect(rows.first).to_contain_text("This device: Chrome on Linux")
        first, second = rows.nth(1), rows.nth(2)
        await expect(first).to_contain_text("Chrome on Linux")
        await expect(first).to_contain_text("last used today")
        await expect(second).to_contain_text("python-httpx")
        assert await violations(page) == []

        await first.get_by_role("button", name="Sign out: Chrome on Linux").press("Enter")
        await expect(far.get_by_role("alert")).to_have_text("Access revoked. Sign in again.")
        await expect(rows).to_have_count(2)
        await expect(message(page)).to_contain_text("Signed out: Chrome on Linux")
        await expect(page.get_by_role("button", name="Sign out: python-httpx")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(rows).to_have_count(1)
        assert (await rest.get("/api/me")).status_code == 401
        own = page.get_by_role("button", name="Sign out", exact=True)
        await expect(own).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_settings_make_a_key_that_is_shown_once_and_revoke_it(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "settings")
        section = page.get_by_role("region", name="Keys")
        await section.get_by_label("send notifications to my devices").uncheck()
        await section.get_by_label("Name of the key").fill("backup")
        await section.get_by_role("button", name="Create the key").click()
        await expect(section.get_by_role("alert")).to_contain_text("Choose at least one")
        await section.get_by_label("receive notifications").check()
        await section.get_by_role("button", name="Create the key").click()
        key = await section.locator("code").text_content()
        assert key
        server.secrets.add(key)
        for width in (1280, 360):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await violations(page) == []
        listed = section.get_by_role("listitem").filter(has_text="backup")
        await expect(listed).to_contain_text("receive notifications and mark them read")
        await expect(listed).to_contain_text("not used yet")
        program = {"Authorization": f"Bearer {key}"}
        assert (await rest.get("/api/notifications", headers=program)).status_code == 200
        await page.reload()
        await expect(listed).to_be_visible()
        assert key not in await page.content()
        await expect(listed).not_to_contain_text("household")
        await a_key_of_the_household_that_is_chosen(page, server, rest)
        await listed.get_by_role("button", name="Revoke: backup").click()
        await expect(listed).to_have_count(0)
        assert (await rest.get("/api/notifications", headers=program)).status_code == 401


async def a_key_of_the_household_that_is_chosen(
    page: Page, server: NodeProcess, rest: httpx.AsyncClient
) -> None:
    async with server.rest() as grandma:
        await person(grandma, "grandma@useby.example")
        its = await shared_by(grandma, rest, "editor")
        await add(grandma, "Milk", 2)
    await page.reload()
    await switch(page).select_option(its["id"])
    section = page.get_by_role("region", name="Keys")
    await section.get_by_label("Name of the key").fill("shelf")
    await section.get_by_label("see products and lots").check()
    await section.get_by_role("button", name="Create the key").click()
    key = await section.locator("code").text_content()
    assert key
    server.secrets.add(key)
    listed = section.get_by_role("listitem").filter(has_text="shelf")
    await expect(listed).to_contain_text("Products and lots of the household Kitchen")
    program = {"Authorization": f"Bearer {key}"}
    found = (await rest.get("/api/products", headers=program)).json()["items"]
    assert [each["name"] for each in found] == ["Milk"]


@pytest.mark.parametrize("first", ["list", "key"])
async def test_a_key_that_is_made_while_the_list_loads_is_shown_with_the_others(
    browser: Browser, server: NodeProcess, first: str
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        key = {"name": "backup", "scopes": ["listen"]}
        assert (await rest.post("/api/keys", json=key)).status_code == 201
        page = await context.new_page()
        asked, sent, shown = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def in_order(route: Route) -> None:
            if route.request.method == "POST":
                sent.set()
                if first == "list":
                    await shown.wait()
                await route.continue_()
                return
            answer = await route.fetch()
            asked.set()
            await (sent if first == "list" else shown).wait()
            await route.fulfill(response=answer)

        await page.route("**/api/keys", in_order)
        await page.goto(f"{server.url}/#/settings")
        await enter(page, "Sign in")
        keys = section(page, "Keys")
        await asked.wait()
        await keys.get_by_label("Name of the key").fill("shelf")
        await keys.get_by_role("button", name="Create the key").click()
        rows = keys.get_by_role("listitem")
        await expect(rows.filter(has_text="backup" if first == "list" else "shelf")).to_be_visible()
        shown.set()
        server.secrets.add(await keys.locator("code").text_content() or "")
        await expect(rows).to_have_count(2)
        for name in ("backup", "shelf"):
            await expect(rows.filter(has_text=name)).to_be_visible()


async def test_signing_out_everywhere_ends_the_other_devices(
    browser: Browser, server: NodeProcess
) -> None:
    async with (
        a_window(browser) as context,
        a_window(browser, "status of 401") as other,
        server.rest() as rest,
    ):
        await sign_up(rest)
        page, far = await opened(context, server, "settings"), await opened(other, server)
        await page.get_by_role("button", name="Sign out everywhere").click()
        for each in (page, far):
            await expect(each.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_a_new_account_sees_three_ways_to_begin_and_a_sample_list(
    browser: Browser, server: NodeProcess
) -> None:
    # A sample that changes while it is removed is fetched in vain.
    async with a_window(browser, "status of 404") as context, server.rest() as rest:
        page = await opened(context, server, button="Create an account")
        await sign_in(rest)
        assert await violations(page) == []
        await page.get_by_role("link", name="Scan a barcode").click()
        await page.get_by_role("dialog", name="Scan").get_by_role("button", name="Close").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Add")
        await page.go_back()
        await page.get_by_role("link", name="Type a name and a date").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Add")
        await page.go_back()
        await page.get_by_role("button", name="Import a file").click()
        await page.get_by_role("dialog", name="Import").get_by_role("button", name="Cancel").click()

        await page.get_by_role("button", name="Try it with sample products").click()
        await expect(row(page, "Olive Oil")).to_be_visible()
        await add(rest, "Bread", 1)
        await page.reload()
        await page.get_by_role("button", name="Remove the sample products").click()
        await expect(message(page)).to_contain_text("12 samples are removed")
        await expect(row(page, "Olive Oil")).to_have_count(0)
        await expect(row(page, "Bread")).to_be_visible()
        await expect(page.get_by_text("These are sample products")).to_have_count(0)
        await expect(page.get_by_role("heading", level=1)).to_be_focused()


async def test_the_page_of_a_demo_is_marked_as_one(
    browser: Browser, server: NodeProcess, tmp_path: Path
) -> None:
    with serving(tmp_path / "demo", demo=True) as demo:
        async with a_window(browser) as context:
            page = await context.new_page()
            for node, count in ((demo, 1), (server, 0)):
                async with page.expect_response("**/api/config") as received:
                    await page.goto(node.url)
                await (await received.value).finished()
                await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
                await expect(page.get_by_text("This is a demo")).to_have_count(count)
