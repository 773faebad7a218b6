"""Every example, run as it stands against a node."""

import asyncio
import contextlib
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect
from tests.support.chromium import launched
from tests.support.fault_proxy import Proxy
from tests.support.process_node import NodeProcess, serving, until
from tests.support.time_limits import HANG_TIMEOUT

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "examples"
ORIGIN: Final = "http://127.0.0.1:5173"
expect.set_options(timeout=HANG_TIMEOUT * 1000)
PASSWORD: Final = "the quick brown fox"


class Person:
    """Somebody with milk that is due and nothing read yet."""

    def __init__(self, server: NodeProcess, rest: httpx.AsyncClient, email: str) -> None:
        self.server, self.rest, self.email = server, rest, email

    async def has(self, name: str) -> None:
        day = datetime.now(UTC).date() + timedelta(days=2)
        answer = await self.rest.post("/api/products", json={"name": name, "expiryDate": str(day)})
        assert answer.status_code == 201

    async def notify(self, message: str, kind: str = "info") -> None:
        given = {"message": message, "type": kind}
        answer = await self.rest.post("/api/notifications", json=given)
        assert answer.status_code == 201

    async def unread(self) -> int:
        count: int = (await self.rest.get("/api/notifications/unread-count")).json()["unread"]
        return count

    async def all_is_read(self) -> bool:
        return await self.unread() == 0

    @contextlib.asynccontextmanager
    async def proxied(self) -> AsyncIterator[tuple[Proxy, dict[str, str]]]:
        """A proxy before the node, and the environment that leads a program through it."""
        async with Proxy(int(self.server.url.rpartition(":")[2])) as proxy:
            yield proxy, {"USEBY_URL": f"http://127.0.0.1:{proxy.port}"}

    @contextlib.asynccontextmanager
    async def run(self, name: str, **more: Any) -> AsyncIterator[asyncio.subprocess.Process]:
        """A program that is ended at the end, if it has not by itself."""
        environment = os.environ | {
            "USEBY_URL": self.server.url,
            "USEBY_EMAIL": self.email,
            "USEBY_PASSWORD": PASSWORD,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            EXAMPLES / name,
            **{"env": environment | more.pop("env", {}), "stdin": subprocess.DEVNULL} | more,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            async with asyncio.timeout(HANG_TIMEOUT):
                await process.communicate()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with serving(tmp_path_factory.mktemp("examples"), allowed_origins=ORIGIN) as server:
        yield server


@pytest.fixture
async def ada(server: NodeProcess) -> AsyncIterator[Person]:
    async with server.rest() as rest:
        account = {"email": f"{uuid.uuid4()}@useby.example", "password": PASSWORD}
        await rest.post("/api/auth/signup", json=account)
        answer = await rest.post("/api/auth/login", json=account)
        rest.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        person = Person(server, rest, account["email"])
        await person.has("Milk")
        await until(person.unread)
        yield person


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(HANG_TIMEOUT):
        return (await process.stdout.readline()).decode().rstrip()


async def test_the_script_prints_due_products_and_then_notifications(ada: Person) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    async with ada.run("due.py", **pipes) as script:
        assert (await line(script)).endswith("  Milk")
        assert await line(script) == "Milk expires in 2 days"
        await ada.notify("Tea is ready")
        assert await line(script) == "Tea is ready"
        await until(ada.all_is_read)
        script.send_signal(signal.SIGINT)
        async with asyncio.timeout(HANG_TIMEOUT):
            _, received = await script.communicate()
    assert script.returncode == -signal.SIGINT
    assert received.decode().rstrip().endswith("KeyboardInterrupt")
    assert b"During handling" not in received


async def test_the_terminal_shows_products_and_notifications_across_a_restart_of_the_node(
    ada: Person,
) -> None:
    ours, its = pty.openpty()
    screen = ""

    def shown() -> None:
        nonlocal screen
        with contextlib.suppress(OSError):  # as Linux ends a terminal that nobody holds
            screen += os.read(ours, 65536).decode(errors="replace")

    loop = asyncio.get_running_loop()
    loop.add_reader(ours, shown)
    size = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    async with (
        ada.proxied() as (proxy, url),
        ada.run("terminal.py", stdout=its, env=size | url) as app,
    ):
        await until(lambda: "Milk expires in 2 days" in screen and "Unread (connected)" in screen)
        await ada.notify("Tea is ready")
        await until(lambda: "Tea is ready" in screen)
        screen = ""
        await ada.rest.post("/api/notifications/read-all")
        await until(
            lambda: (
                "Unread (connected)" in screen
                and "Tea" not in screen.rpartition("Due within a week")[2]
            )
        )
        await ada.notify("Coffee is ready")
        await until(lambda: "Coffee is ready" in screen.rpartition("Unread (connected)")[2])
        await until(lambda: "Tea" not in screen.rpartition("Due within a week")[2])

        await asyncio.to_thread(ada.server.stop)
        await until(lambda: "Unread (waiting)" in screen)
        await asyncio.to_thread(ada.server.start)
        proxy.target_port = int(ada.server.url.rpartition(":")[2])
        ada.rest.base_url = httpx.URL(ada.server.url)
        await ada.has("Butter")
        await until(lambda: "Butter" in screen.rpartition("Due within a week")[2])
        app.send_signal(signal.SIGINT)
        async with asyncio.timeout(HANG_TIMEOUT):
            assert await app.wait() == 0
    loop.remove_reader(ours)
    os.close(ours)
    os.close(its)


async def test_the_automation_marks_only_accepted_notifications_read(
    ada: Person,
) -> None:
    calls: list[tuple[str, Any]] = []
    status = 503

    async def house(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = int(head.lower().partition("content-length: ")[2].split()[0])
        assert "authorization: bearer of-the-house\r\n" in head.lower()
        calls.append((head.split()[1], json.loads(await reader.readexactly(size))))
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(house, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        more = {"HASS_URL": f"http://127.0.0.1:{port}", "HASS_TOKEN": "of-the-house"}
        call = ("/api/services/notify/notify", {"message": "Milk expires in 2 days"})
        async with ada.run("automation.py", env=more, stderr=subprocess.PIPE) as first:
            _, received = await first.communicate()
        assert b"503" in received
        assert (calls, first.returncode, await ada.unread()) == ([call], 1, 1)
        status = 200
        async with (
            ada.proxied() as (proxy, url),
            ada.run("automation.py", env=more | url, stderr=subprocess.PIPE),
        ):
            await until(ada.all_is_read)
            assert calls == [call, call]
            await proxy.refuse()
            proxy.reset()
            await ada.notify("Tea is old", "warning")
            await ada.rest.post("/api/notifications/read-all")
            await ada.notify("Coffee is old", "warning")
            await proxy.heal()
            await until(ada.all_is_read)
        assert calls[2:] == [("/api/services/notify/notify", {"message": "Coffee is old"})]


@pytest.fixture(scope="module")
def pages() -> Iterator[int]:
    """Port of the two pages, which one command installs and serves."""
    (command,) = re.findall(r"^npm .*start$", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    program = subprocess.Popen(
        [*shlex.split(command), "--", "--serve=127.0.0.1:0"],
        cwd=ROOT,
        stdin=subprocess.PIPE,  # it ends with its standard input
        stderr=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stderr
        line = next((each for each in program.stderr if "Local:" in each), None)
        assert line, "the pages are not served; is the registry of npm reachable?"
        yield int(line.strip().strip("/").rpartition(":")[2])
        assert program.stdin
        program.stdin.close()
        program.stderr.read()


@contextlib.asynccontextmanager
async def opened(
    server: NodeProcess, pages: int, path: str, *, but: str = "\0"
) -> AsyncIterator[Page]:
    """One of the pages in a browser, at its own address and with the node at its own.

    Nothing may go wrong in it ``but`` what has this in its text.
    """
    received: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            received.append(message.text)

    node = server.url.rpartition("/")[2]
    rules = f"MAP 127.0.0.1:8000 {node},MAP 127.0.0.1:5173 127.0.0.1:{pages}"
    async with async_playwright() as playwright:
        browser = await launched(playwright, f"--host-resolver-rules={rules}")
        context = await browser.new_context()
        context.on("console", note)
        context.on("weberror", lambda error: received.append(str(error.error)))
        page = await context.new_page()
        await page.goto(ORIGIN + path)
        yield page
        await browser.close()
    assert [each for each in received if but not in each] == []
    assert len(received) <= 1, f"what may go wrong does so once: {received}"


async def uses(page: Page, ada: Person) -> None:
    """Do what a person does with either page."""
    await page.get_by_label("E-mail").fill(ada.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    events = page.get_by_role("region", name="Unread").get_by_role("listitem")
    await expect(events).to_have_text(["Milk expires in 2 days Mark read"])
    await ada.notify("Tea is ready")
    await expect(events).to_have_count(2)
    await events.first.get_by_role("button").click()
    await expect(events).to_have_text(["Tea is ready Mark read"])
    await ada.rest.post("/api/notifications/read-all")
    await expect(events).to_have_count(0)
    await expect(page.get_by_role("status")).to_have_text("connected")


@pytest.mark.parametrize("path", ["/react/", "/vue/"])
async def test_a_page_shows_why_a_sign_in_is_refused_then_what_is_unread_and_marks_it(
    ada: Person, pages: int, path: str
) -> None:
    async with opened(ada.server, pages, path, but="401 (Unauthorized)") as page:
        await page.get_by_label("E-mail").fill(ada.email)
        await page.get_by_label("Password").fill("another password")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("password")
        await uses(page, ada)


async def test_a_page_stays_when_its_access_token_ends(tmp_path: Path, pages: int) -> None:
    account = {"email": "ada@useby.example", "password": PASSWORD}
    with serving(tmp_path, access_token_seconds=5, allowed_origins=ORIGIN) as server:
        async with server.rest() as rest:
            await rest.post("/api/auth/signup", json=account)
        async with opened(server, pages, "/vue/", but="401 (Unauthorized)") as page:
            await page.get_by_label("E-mail").fill(account["email"])
            await page.get_by_label("Password").fill(PASSWORD)
            async with page.expect_request("**/api/auth/refresh", timeout=HANG_TIMEOUT * 1000):
                await page.get_by_role("button", name="Sign in").click()
            await expect(page.get_by_role("status")).to_have_text("connected")


def test_the_list_names_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text()
    pages = {each.parent.name for each in EXAMPLES.glob("*/index.html")}
    assert pages == {"react", "vue"}
    assert pages | {each.name for each in EXAMPLES.glob("*.py")} == {
        each.split(")")[0].rstrip("/") for each in text.split("](")[1:]
    }
