"""The programs of connect-an-app.md run as they are printed; its last section has every refusal."""

import json
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.support.pupil import Pupil, browser, read_until
from tests.support.time_limits import HANG_TIMEOUT

from useby.realtime import bare_http, closes

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = (ROOT / "docs" / "how-to" / "connect-an-app.md").read_text()
NODE: Final = "http://127.0.0.1:8000"
"""Address of the node on the page; in the tests the node has another port."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


def section(title: str) -> str:
    """Text of the page from a heading to the next one."""
    pattern = rf"^#+ {re.escape(title)}\n(.*?)(?=^##|\Z)"
    (text,) = re.finditer(pattern, PAGE, re.DOTALL | re.MULTILINE)
    return text[1]


def blocks(title: str, language: str) -> list[str]:
    """Blocks of code of a section."""
    return re.findall(rf"```{language}\n(.*?)```", section(title), re.DOTALL)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pupil(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pupil]:
    """A reader who has started the node as the page begins."""
    pupil = Pupil(tmp_path_factory.mktemp("app"))
    (start,) = blocks("Connect an app", "sh")
    origin = re.fullmatch(r"(USEBY_\w+)=(\S+) make run\n", start)
    assert origin
    pupil.environment[origin[1]] = origin[2]
    export, *_ = blocks("Users and tokens", "sh")
    pupil.environment |= {
        name: quoted or plain
        for name, quoted, plain in re.findall(r"(USEBY_JWT_\w+)=(?:'([^']+)'|(\S+))", export)
    }
    async with pupil.demo():
        yield pupil


async def test_the_python_program_sends_a_notification_and_receives_it(pupil: Pupil) -> None:
    (program,), (command,) = (blocks("A first notification in Python", k) for k in ("python", "sh"))
    assert NODE in program
    (pupil.folder / "first.py").write_text(program.replace(NODE, pupil.printed["url"]))
    command = command.replace("the printed password", pupil.printed["password"])
    async with pupil.pastes(command) as running:
        await read_until(running, "info: Tea is ready\n")


async def test_the_page_in_a_browser_sends_a_notification_and_receives_it(pupil: Pupil) -> None:
    (program,), (command,) = (
        blocks("A first notification in a browser", k) for k in ("html", "sh")
    )
    folder = pupil.folder / "first"
    folder.mkdir()
    (folder / "index.html").write_text(program)
    async with pupil.pastes(command.replace("5173", "0")) as server:
        port = (await read_until(server, "Serving HTTP")).split("port ")[1].split()[0]
        rules = f"MAP 127.0.0.1:8000 127.0.0.1:{pupil.port},MAP 127.0.0.1:5173 127.0.0.1:{port}"
        async with browser(f"--host-resolver-rules={rules}") as page:
            assert "`http://127.0.0.1:5173/`" in PAGE
            await page.goto("http://127.0.0.1:5173/")
            await page.get_by_label("Password").fill("a wrong password")
            await page.get_by_role("button", name="Sign in").click()
            status = page.get_by_role("status")
            await expect(status).to_contain_text("password")
            await page.get_by_label("Password").fill(pupil.printed["password"])
            await page.get_by_role("button", name="Sign in").click()
            await expect(status).to_contain_text("connected")
            await page.get_by_role("button", name="Send").click()
            sent = page.get_by_role("listitem").filter(has_text="Coffee is ready")
            await expect(sent).to_have_count(1)
            assert page.url == "http://127.0.0.1:5173/"


async def test_the_curl_commands_send_a_notification_and_list_it(pupil: Pupil) -> None:
    (script,) = blocks("A first notification with curl", "sh")
    (pupil.folder / ".curlrc").write_text(f'connect-to = "127.0.0.1:8000:127.0.0.1:{pupil.port}"\n')
    pupil.environment["CURL_HOME"] = str(pupil.folder)
    async with pupil.pastes(script) as running:
        printed, _ = await running.communicate()
    assert running.returncode == 0
    first, end = json.JSONDecoder().raw_decode(printed.decode())
    listed = json.loads(printed.decode()[end:])
    assert first["message"] == "Dinner is ready"
    assert first["id"] in [item["id"] for item in listed["items"]]


async def test_the_program_with_a_token_of_the_application_itself_sends_a_notification(
    pupil: Pupil,
) -> None:
    title = "Users and tokens"
    (program,), (_, command) = blocks(title, "python"), blocks(title, "sh")
    (pupil.folder / "own.py").write_text(program.replace(NODE, pupil.printed["url"]))
    async with pupil.pastes(command) as running:
        printed, _ = await running.communicate()
    assert printed.decode() == "Soup is ready for 42\n"
    assert "It prints `Soup is ready for 42`." in section(title)


async def test_the_page_has_the_way_out_of_a_taken_port_and_of_another_origin() -> None:
    assert "put `USEBY_PORT=8123` in front too" in section("Connect an app")
    assert "Each of\nthe other commands goes into a terminal of its own" in section(
        "Connect an app"
    )
    assert "(`localhost` is another origin)" in section("A first notification in a browser")
    assert "`/web/client.js` (CORS)" in section("Pages of another origin")


async def test_the_last_section_has_every_close_of_the_contract() -> None:
    rows = re.findall(r"^\| (\d{4}.*?) \|", section("Why was I refused?"), re.MULTILINE)
    explained = {
        (int(code), "".join(re.findall(r"`(.+)`", row)))
        for row in rows
        for code in re.findall(r"\d{4}", row)
    }
    assert explained - {(1006, "")} == {(close.code, close.reason) for close in closes.ALL}


async def test_the_last_section_has_every_status_of_an_error(pupil: Pupil) -> None:
    async with httpx.AsyncClient(
        base_url=pupil.printed["url"], trust_env=False, timeout=HANG_TIMEOUT
    ) as rest:
        paths = (await rest.get("/api/openapi.json")).json()["paths"]
    declared = {
        int(status)
        for path in paths.values()
        for route in path.values()
        for status in route["responses"]
    }
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", section("Why was I refused?"), re.MULTILINE)
    explained = {int(status) for row in rows for status in row.split(", ")}
    others = {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.INTERNAL_SERVER_ERROR}
    proxies = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
    errors = {status for status in declared if status >= HTTPStatus.BAD_REQUEST}
    assert explained == errors | set(bare_http._STATUS) | others | proxies


async def test_the_page_ends_with_why_a_client_was_refused() -> None:
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE)[-1] == "Why was I refused?"
