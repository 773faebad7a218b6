"""Scanning with a camera: Chromium's simulated device sees barcodes, and the page reads them."""

import re
from typing import Final, Literal

import pytest
from playwright.async_api import Browser, Page, expect
from tests.support.axe import violations
from tests.support.fake_camera import Camera
from tests.support.pages import (
    EMAIL,
    PASSWORD,
    PHONE,
    SCREEN,
    a_window,
    add,
    connection,
    message,
    opened,
    sign_up,
    until,
)
from tests.support.process_node import NodeProcess

GTIN: Final = "4012345678901"
MATRIX: Final = f"(01)0{GTIN}(17)690331(10)B7(30)12"
TORCH: Final = """
    globalThis.torch = [];
    MediaStreamTrack.prototype.getCapabilities = () => ({torch: true});
    MediaStreamTrack.prototype.applyConstraints = async ({advanced}) => {
      globalThis.torch.push(advanced[0].torch);
    };
"""
"""Script that gives each camera a light, and keeps how it was switched."""
DETECTOR: Final = """
    globalThis.BarcodeDetector = class {
      static getSupportedFormats = async () =>
        ["ean_13", "ean_8", "upc_a", "upc_e", "code_128", "data_matrix", "qr_code"];
      detect = async () => [{rawValue: "96385074", format: "ean_8"}];
    };
"""
"""Script that gives the browser a reader of its own."""
FAILING: Final = """
    MediaDevices.prototype.getUserMedia = async () => {{ throw new DOMException("", "{}"); }};
"""
"""Script that makes each camera fail with an error of this name."""
TRACK: Final = "globalThis.track = document.querySelector('video').srcObject.getTracks()[0]"
NO_CAMERA: Final = "delete MediaDevices.prototype.getUserMedia;"


async def scan(page: Page) -> None:
    await page.get_by_role("button", name="Scan", exact=True).click()


async def test_a_new_barcode_is_read_by_a_library_that_is_loaded_with_the_camera(
    browser: Browser, camera: Camera, server: NodeProcess
) -> None:
    camera.show(("ean13", GTIN))
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server)
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        await page.get_by_role("link", name="Scan a barcode").click()
        await expect(page.get_by_label("Barcode")).to_have_value(GTIN)
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(page.get_by_label("Name")).to_be_focused()
        await expect(page.get_by_label("Name")).to_have_value("")
        await expect(page.get_by_text(f"Scanned: {GTIN}.")).to_be_visible()
        assert any(url.endswith("zxing_reader.wasm") for url in loaded)
        assert page.url.endswith("#/add"), "a reload would open the camera again"


async def test_a_gs1_code_fills_the_form_and_adds_a_lot_to_the_product_that_has_it(
    browser: Browser, camera: Camera, server: NodeProcess
) -> None:
    camera.show(("gs1datamatrix", MATRIX))
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await add(rest, "Syringes", 5, barcode=GTIN, unit="pcs", category="Lab")
        page = await opened(context, server, "add")
        await scan(page)
        for field, value in {
            "Name": "Syringes",
            "Date": "2069-03-31",
            "Lot number": "B7",
            "Quantity": "12",
            "Unit": "pcs",
            "Category": "Lab",
            "Barcode": GTIN,
        }.items():
            await expect(page.get_by_label(field, exact=True)).to_have_value(value)
        await expect(page.get_by_label("Use by")).to_be_checked()
        await expect(page.get_by_text("Sun, 31 March 2069, in")).to_be_visible()
        await expect(page.get_by_text("Syringes is known: saving adds a lot to it")).to_be_visible()
        save = page.get_by_role("button", name="Save", exact=True)
        await expect(save).to_be_focused()
        await save.press("Enter")
        await expect(message(page)).to_contain_text("Syringes is saved")
        [product] = (await rest.get("/api/products?include=lots")).json()["items"]
        assert [
            (each["lotNumber"], each["quantity"], each["dateKind"]) for each in product["lots"]
        ] == [("", "1", "best_before"), ("B7", "12", "use_by")]


async def test_several_codes_in_one_picture_are_chosen_from_by_a_person(
    browser: Browser, camera: Camera, server: NodeProcess
) -> None:
    codes = (("ean13", GTIN), ("datamatrix", "shelf 7"))
    camera.show(*codes)
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await opened(context, server, "add")
        await scan(page)
        which = page.get_by_role("dialog").get_by_role("group", name="Which code?")
        await expect(which.get_by_role("button")).to_have_count(2)
        await expect(which.get_by_role("button", name=GTIN)).to_be_visible()
        assert await violations(page) == []
        await which.get_by_role("button", name="shelf 7").click()
        await expect(page.get_by_label("Barcode")).to_have_value("]d1shelf 7")
        await expect(page.get_by_label("Name")).to_be_focused()


@pytest.mark.parametrize(
    ("locale", "scheme", "size"),
    [("en-GB", "light", PHONE), ("de-DE", "dark", SCREEN)],
)
async def test_a_camera_that_sees_no_code_is_shown_until_the_dialog_is_closed(
    browser: Browser,
    camera: Camera,
    server: NodeProcess,
    locale: str,
    scheme: Literal["light", "dark"],
    size: tuple[int, int],
) -> None:
    german = locale == "de-DE"
    camera.show()
    async with (
        a_window(browser, locale=locale, scheme=scheme, size=size) as context,
        server.rest() as rest,
    ):
        await sign_up(rest)
        page = await context.new_page()
        await page.add_init_script(TORCH)
        await page.goto(f"{server.url}/#/add")
        await page.locator("input[name=email]").fill(EMAIL)
        await page.locator("input[name=password]").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(connection(page)).to_have_text("Live")
        opener = page.get_by_role("button", name="Scannen" if german else "Scan", exact=True)
        await opener.click()
        dialog = page.get_by_role("dialog", name="Scannen" if german else "Scan")
        await expect(dialog.get_by_role("status")).to_contain_text(
            "vor die Kamera halten" if german else "Hold the barcode in front of the camera"
        )
        assert await violations(page) == []
        light = dialog.get_by_role("button", name="Licht" if german else "Light")
        for on in ("true", "false"):
            await light.click()
            await expect(light).to_have_attribute("aria-pressed", on)
        assert await page.evaluate("torch") == [True, False]
        await page.evaluate(TRACK)
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(opener).to_be_focused()
        await until(page, "track.readyState === 'ended'")

        await opener.click()
        await dialog.get_by_role("button", name="Eintippen" if german else "Type it").click()
        await expect(page.get_by_label("Barcode")).to_be_focused()


async def test_a_reader_that_could_not_be_loaded_is_loaded_by_another_try(
    browser: Browser, camera: Camera, server: NodeProcess
) -> None:
    camera.show(("ean13", GTIN))
    async with (
        a_window(browser, "wasm", "ERR_FAILED", "Failed to fetch", "falling back") as context,
        server.rest() as rest,
    ):
        await sign_up(rest)
        page = await opened(context, server, "add")
        await context.route("**/*.wasm", lambda route: route.abort())
        await scan(page)
        status = page.get_by_role("dialog").get_by_role("status")
        await expect(status).to_contain_text("The barcode reader could not be loaded")
        await context.unroute("**/*.wasm")
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_label("Barcode")).to_have_value(GTIN)


async def test_a_browser_that_reads_barcodes_itself_loads_no_library(
    browser: Browser, camera: Camera, server: NodeProcess
) -> None:
    camera.show()
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        page = await context.new_page()
        await page.add_init_script(DETECTOR)
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        await page.goto(f"{server.url}/#/add?scan")
        await page.get_by_label("E-mail").fill(EMAIL)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Barcode")).to_have_value("96385074")
        assert not [url for url in loaded if "zxing" in url or "scan_worker" in url]


async def test_the_dialog_states_what_to_do_without_a_camera(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser) as context, server.rest() as rest:
        await sign_up(rest)
        await opened(context, server)
        for script, text in {
            FAILING.format("NotAllowedError"): "allow the camera, and try again",
            FAILING.format("NotFoundError"): "No camera was found",
            FAILING.format("NotReadableError"): "Close other programs that use it",
            NO_CAMERA: "This browser gives pages no camera",
        }.items():
            page = await context.new_page()
            await page.add_init_script(script)
            await page.goto(f"{server.url}/#/add?scan")
            dialog = page.get_by_role("dialog")
            await expect(dialog.get_by_role("status")).to_contain_text(text)
            await dialog.get_by_role("button", name="Try again").click()
            await expect(dialog.get_by_role("status")).to_contain_text(text)
            await dialog.get_by_role("button", name="Type it").click()
            await expect(page.get_by_label("Barcode")).to_be_focused()
            await page.close()


async def test_the_dialog_asks_for_https_where_the_page_came_over_http(
    browser: Browser, server: NodeProcess
) -> None:
    async with a_window(browser, "Cross-Origin-Opener-Policy") as context, server.rest() as rest:
        await sign_up(rest)
        page = await context.new_page()
        await page.goto(f"{re.sub('127.0.0.1', 'fridge.example', server.url)}/#/add")
        await page.get_by_label("E-mail").fill(EMAIL)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await scan(page)
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("status")).to_contain_text("Open this page with https://")
        await expect(dialog.get_by_role("button")).to_have_text(["Type it", "Close"])
