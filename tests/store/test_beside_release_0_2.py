"""A node of release 0.2 runs beside one of today on one database: nothing is lost or sent twice.

Its code comes from the history of the repository, which a shallow clone lacks.

covers: useby.store.alerts
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.alert_times import send_now
from tests.support.databases import database_url
from tests.support.factories import NOON
from tests.support.rest_app import Rest
from tests.support.shared_households import HEADER, join
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions import floods, memberships
from useby.actions.alerts import send_due
from useby.store import slices
from useby.store.database import Transaction

__all__ = ["database_url"]

ROOT = Path(__file__).parents[2]
COMMIT = "a9375d9"
"""The last commit of release 0.2."""
PROGRAM = ROOT / "tests/support/programs/earlier_node.py"


class EarlierNode:
    """A process that runs release 0.2 on one database after another."""

    def __init__(self, code: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": f"{code / 'src'}:{code}"},
            text=True,
        )
        self._token = ""

    def _ask(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    async def _ordered(self, **order: Any) -> Any:
        async with asyncio.timeout(HANG_TIMEOUT):
            return await asyncio.to_thread(self._ask, order)

    @contextlib.asynccontextmanager
    async def running(self, database_url: str, token: str) -> AsyncIterator[None]:
        """Run it on a database, for the person with a token."""
        self._token = token
        await self._ordered(open=database_url)
        yield
        await self._ordered(close=True)

    def end(self) -> int:
        """End the process; return its status."""
        with self._process as process:
            assert process.stdin
            process.stdin.close()
            return process.wait(HANG_TIMEOUT)

    async def call(self, now: datetime, method: str, path: str, body: Any = None) -> Any:
        """Return the body of a successful answer."""
        status, answer = await self._ordered(
            now=now.isoformat(), method=method, path=path, token=self._token, json=body
        )
        assert status < 300, answer
        return answer

    async def send_due(self, now: datetime) -> int:
        """Send the alerts that are due; return their number."""
        return int(await self._ordered(now=now.isoformat()))

    async def do_slices(self, now: datetime, most: int) -> int:
        """Do slices of large writes; return their number."""
        return int(await self._ordered(now=now.isoformat(), slices=most))


@pytest.fixture(scope="module")
def earlier_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of release 0.2."""
    folder = tmp_path_factory.mktemp("release_0_2")
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", COMMIT, "src", "tests/support"],
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        pytest.fail(f"this clone has no commit {COMMIT}: run `git fetch --unshallow`")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


@pytest.fixture
async def today(rest: Rest) -> httpx.AsyncClient:
    """A client of today's node."""
    _, client = await rest.person()
    return client


@pytest.fixture
async def rest(database: Any) -> AsyncIterator[Rest]:
    rest = Rest(database)
    yield rest
    await rest.close()


@pytest.fixture(scope="module")
def earlier_node(earlier_code: Path) -> Iterator[EarlierNode]:
    """A process of release 0.2, which takes longer to start than the tests use it."""
    node = EarlierNode(earlier_code)
    yield node
    assert node.end() == 0


@pytest.fixture
async def earlier(
    database_url: str, today: httpx.AsyncClient, earlier_node: EarlierNode
) -> AsyncIterator[EarlierNode]:
    """A node of release 0.2 on the same database, for the same person."""
    token = today.headers["authorization"].removeprefix("Bearer ")
    async with earlier_node.running(database_url, token):
        yield earlier_node


async def _called(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    answer = await client.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def _both_send(
    rest: Rest, earlier: EarlierNode, until: datetime, *, earlier_first: bool = True
) -> int:
    """Let a time pass, in which both send often; return how many the earlier one sent."""
    count = 0
    while rest.now < until:
        rest.now += timedelta(hours=3)
        if earlier_first:
            count += await earlier.send_due(rest.now)
        while (await rest.database.write(partial(send_due, now=rest.now))).claimed:
            pass
        count += await earlier.send_due(rest.now)
    return count


async def _alerts(client: httpx.AsyncClient) -> list[str]:
    page = await _called(client, "GET", "/api/notifications?limit=500")
    assert sorted(each["seq"] for each in page["items"]) == list(range(1, len(page["items"]) + 1))
    return [each["message"] for each in page["items"]]


def milk(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "expiryDate": "2026-03-06", "leadDays": [2]} | more


@pytest.mark.parametrize("earlier_first", [True, False])
async def test_products_of_both_nodes_are_announced_once_whichever_sends(
    rest: Rest, today: httpx.AsyncClient, earlier: EarlierNode, earlier_first: bool
) -> None:
    await _called(today, "POST", "/api/products", milk("Of today"))
    await earlier.call(rest.now, "POST", "/api/products", milk("Of 0.2"))
    batch = {"items": [milk("Batch of 0.2", leadDays=[])]}
    await earlier.call(rest.now, "POST", "/api/products/batch", batch)
    await earlier.call(rest.now, "POST", "/api/notifications", {"message": "0.2 posts"})
    await _called(today, "POST", "/api/notifications", {"message": "today posts"})
    until = NOON + timedelta(days=7)
    by_earlier = await _both_send(rest, earlier, until, earlier_first=earlier_first)
    assert by_earlier == (3 if earlier_first else 0), "it sends those of its own rows"
    expected = ["0.2 posts", "today posts", "1 product was added"]
    for name in ("Of today", "Of 0.2"):
        expected += [f"{name} expires in 2 days", f"{name} expired yesterday"]
    expected.append("Batch of 0.2 expired yesterday")
    assert Counter(await _alerts(today)) == Counter(expected)


async def test_changes_of_one_node_are_those_of_the_other(
    rest: Rest, today: httpx.AsyncClient, earlier: EarlierNode
) -> None:
    added = await _called(today, "POST", "/api/products", milk("Milk", quantity="4"))
    path = f"/api/products/{added['id']}"
    await earlier.call(rest.now, "PATCH", path, {"expiryDate": "2026-03-10", "notes": "of 0.2"})
    await earlier.call(rest.now, "POST", f"{path}/consume", {"quantity": "1.5"})
    shown = await _called(today, "GET", f"{path}?include=lots")
    (lot,) = shown["lots"]
    assert (shown["quantity"], shown["notes"]) == ("2.5", "of 0.2")
    assert (lot["quantity"], lot["printedDate"]) == ("2.5", "2026-03-10")
    await _called(today, "POST", f"{path}/consume", {"quantity": "1"})
    await _called(today, "PATCH", path, {"location": "Cellar", "expiryDate": "2026-03-08"})
    seen = await earlier.call(rest.now, "GET", path)
    assert "lotCount" not in seen, "release 0.2 answers"
    assert (seen["quantity"], seen["location"]) == ("1.5", "Cellar")
    assert seen["expiryDate"] == "2026-03-08"
    await earlier.call(rest.now, "POST", f"{path}/consume")
    closed = await _called(today, "GET", f"{path}?include=lots")
    assert (closed["closedAs"], closed["lots"][0]["closedAs"]) == ("consumed", "consumed")
    await _called(today, "POST", f"{path}/reopen")
    assert (await earlier.call(rest.now, "GET", path))["closedAs"] is None
    await _both_send(rest, earlier, NOON + timedelta(days=9))
    assert Counter(await _alerts(today)) == Counter(
        [
            "1.5 of Milk consumed, 2.5 left",
            "1 of Milk consumed, 1.5 left",
            "Milk was consumed",
            "Milk expires in 2 days",
            "Milk expired yesterday",
        ]
    )
    movements = await _called(today, "GET", f"{path}/movements")
    assert movements["items"][-1]["kind"] == "received"


async def test_products_that_release_0_2_has_checked_again_are_announced_once_after_its_end(
    rest: Rest, today: httpx.AsyncClient, earlier: EarlierNode
) -> None:
    for name in ("Milk", "Tea"):
        await _called(today, "POST", "/api/products", milk(name))
    await _called(today, "PATCH", "/api/me", {"alertTime": "08:00"})
    assert await earlier.do_slices(rest.now, 2) == 1
    assert await earlier.send_due(rest.now) == 0
    while rest.now < NOON + timedelta(days=7):
        rest.now += timedelta(hours=6)
        await rest.database.write(partial(send_due, now=rest.now))
        left = await rest.database.write(partial(send_due, now=rest.now))
        assert left.claimed == 0, "a look at a product is not repeated"
    words = ("expires in 2 days", "expired yesterday")
    expected = [f"{name} {each}" for name in ("Milk", "Tea") for each in words]
    await rest.database.write(lambda t: floods.release(t, rest.now))
    assert Counter(await _alerts(today)) == Counter(expected)


async def test_stock_of_a_shared_household_is_announced_by_todays_node_once_to_each_member(
    rest: Rest, today: httpx.AsyncClient, earlier: EarlierNode
) -> None:
    _, guest = await rest.person()
    home = (await _called(today, "GET", "/api/me"))["id"]
    await join(today, home, guest, "editor")
    await send_now(rest)
    await _called(today, "POST", "/api/products", milk("Of the founder"))
    guest.headers[HEADER] = home
    await _called(guest, "POST", "/api/products", milk("Of the guest"))
    assert await _both_send(rest, earlier, NOON + timedelta(days=7)) == 0
    words = ("expires in 2 days", "expired yesterday")
    expected = [f"Of the {name} {each}" for name in ("founder", "guest") for each in words]
    for client in (today, guest):
        assert Counter(await _alerts(client)) == Counter(expected)


async def test_the_deletion_of_a_founders_account_deletes_no_stock_of_others_also_by_release_0_2(
    rest: Rest,
    today: httpx.AsyncClient,
    earlier: EarlierNode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("useby.store.emptying.SLICE", 4)
    monkeypatch.setattr("useby.store.emptying.COSTS", {})
    _, guest = await rest.person()
    home = (await _called(today, "GET", "/api/me"))["id"]
    await join(today, home, guest, "owner")
    for number in range(3):
        await _called(today, "POST", "/api/products", milk(f"Gift {number}"))
        for _ in range(4):
            await _called(today, "POST", "/api/notifications", {"message": "posted"})
    await send_now(rest)

    def begin(transaction: Transaction) -> bool:
        memberships.end_all(transaction, home, rest.now)
        return slices.delete_user(transaction, home)

    assert not await rest.database.write(begin)
    assert await earlier.do_slices(rest.now, 9) == 9, "it takes the work for another one"
    await send_now(rest)
    assert await earlier.do_slices(rest.now, 1) == 0
    guest.headers[HEADER] = home
    page = await _called(guest, "GET", "/api/products")
    assert {each["name"] for each in page["items"]} == {f"Gift {number}" for number in range(3)}
    await _both_send(rest, earlier, NOON + timedelta(days=7))
    words = ("expires in 2 days", "expired yesterday")
    expected = [f"Gift {number} {each}" for number in range(3) for each in words]
    assert Counter(await _alerts(guest)) == Counter(expected)
