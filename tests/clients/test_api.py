"""REST through the typed client, against a real node, with and without an event loop.

covers: useby.client.api, useby.client.models, useby.client.params
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.process_node import NodeProcess

from useby.client import (
    Api,
    ApiError,
    Conflict,
    FileCursor,
    Invalid,
    NoResponse,
    NotFound,
    Notifications,
    NotSignedIn,
    SyncRunner,
    TooMany,
    Unauthorized,
    Unavailable,
)
from useby.client.params import QuietWindow

PASSWORD = "correct horse battery"


@contextlib.asynccontextmanager
async def _api(node: NodeProcess) -> AsyncIterator[Api]:
    async with Api(node.url, tokens=node.person().token) as api:
        yield api


async def test_a_person_signs_up_and_in_and_out(node: NodeProcess) -> None:
    async with Api(node.url) as api:
        await api.sign_up("ada@useby.example", PASSWORD, name="Ada", time_zone="Europe/Berlin")
        first = await api.sign_in("ada@useby.example", PASSWORD)
        node.secrets |= {first.access_token, first.refresh_token}
        assert first.access_token not in repr(first)
        me = await api.me()
        assert (me.name, me.time_zone, me.lead_days) == ("Ada", "Europe/Berlin", (7, 2, 0))
        assert (await api.change_me(lead_days=[3])).lead_days == (3,)
        assert (await api.me()).currency is None
        assert (await api.change_me(currency="EUR")).currency == "EUR"
        night: QuietWindow = {"days": ["mon"], "from": "22:00", "until": "07:00"}
        quiet = await api.change_me(quiet_hours=[night], digest={"every": "day", "at": "07:30"})
        assert (quiet.quiet_hours, quiet.urgent_passes_quiet_hours) == ((night,), False)
        assert quiet.digest is not None
        assert (quiet.digest["every"], quiet.digest["at"]) == ("day", "07:30")
        assert await api.token() == first.access_token
        second, third = await asyncio.gather(api.refresh(), api.refresh())
        assert second == third != first
        await api.sign_out()
        with pytest.raises(Unauthorized) as refused:
            await api.me()
        assert refused.value.status == 401
        with pytest.raises(Unauthorized, match="password is wrong"):
            await api.sign_in("ada@useby.example", "not this one")


async def test_a_token_near_its_end_is_exchanged_before_it_is_used(
    node: NodeProcess,
) -> None:
    async with Api(node.url) as api:
        await api.sign_up("bea@useby.example", PASSWORD)
        first = await api.sign_in("bea@useby.example", PASSWORD)
        api._rest._ends -= first.expires_in - 100
        assert await api.token() != first.access_token


async def test_a_client_that_was_idle_for_long_is_still_signed_in(node: NodeProcess) -> None:
    async with Api(node.url) as api:
        await api.sign_up("cay@useby.example", PASSWORD)
        first = await api.sign_in("cay@useby.example", PASSWORD)
        api._rest._ends -= first.expires_in  # the access token's time is over
        api._rest._token = "of-long-ago"
        me, count = await asyncio.gather(api.me(), api.unread())
        assert (me.email, count) == ("cay@useby.example", 0)
        assert api.tokens is not None
        assert api.tokens != first
        api._rest._ends -= first.expires_in
        api._rest._token = "of-long-ago"
        await api.sign_out()
        with pytest.raises(Unauthorized):
            await api.me()


async def test_short_lived_tokens_are_not_exchanged_for_every_request(node: NodeProcess) -> None:
    async with Api(node.url) as api:
        await api.sign_up("dan@useby.example", PASSWORD)
        brief = api._rest.keep(
            replace(await api.sign_in("dan@useby.example", PASSWORD), expires_in=20)
        )
        await api.me()
        assert api.tokens == brief
        assert await api.token() != brief.access_token  # a socket is to stand longer


async def test_a_failed_exchange_fails_no_request_whose_token_is_valid(
    node: NodeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> None:
        raise NoResponse("away")

    async with Api(node.url) as api:
        await api.sign_up("eli@useby.example", PASSWORD)
        await api.sign_in("eli@useby.example", PASSWORD)
        monkeypatch.setattr(api._rest, "refresh", away)
        api._rest._ends = time.monotonic() + 30
        assert (await api.me()).email == "eli@useby.example"
        api._rest._ends = time.monotonic()
        with pytest.raises(NoResponse):
            await api.me()


async def test_products_are_added_found_changed_used_up_and_deleted(node: NodeProcess) -> None:
    async with _api(node) as api:
        milk = await api.add_product("Milk", date(2026, 3, 4), quantity=Decimal("1.5"), unit="l")
        assert (milk.expiry_date, milk.quantity) == ("2026-03-04", Decimal("1.5"))
        outcomes = await api.add_products(
            {"name": f"Tea {each}", "expiry_date": "2030-01-01"} for each in range(60)
        )
        assert {each.status for each in outcomes} == {201}
        names = [each.name async for each in api.products(limit=25)]
        assert len(names) == 61
        assert [each.name async for each in api.products(q="milk")] == ["Milk"]
        assert (await api.change_product(milk.id, notes="sour")).notes == "sour"
        assert (await api.consume(milk.id, Decimal(1))).quantity == Decimal("0.5")
        assert (await api.discard(milk.id)).closed_as == "discarded"
        assert (await api.reopen(milk.id)).closed_as is None
        assert (await api.product(milk.id)).name == "Milk"
        await api.delete_product(milk.id)
        with pytest.raises(NotFound):
            await api.product(milk.id)


async def test_a_batch_has_a_result_for_each_item(node: NodeProcess) -> None:
    async with _api(node) as api:
        good, bad = await api.add_products(
            [
                {"name": "Milk", "expiry_date": "2030-01-01", "external_id": "x"},
                {"name": "", "expiry_date": "soon"},
            ]
        )
        assert good.kept is not None and good.kept.name == "Milk"  # noqa: PT018
        assert (bad.status, bad.kept) == (422, None)
        assert tuple(where for where, _ in bad.errors) == ("name", "expiryDate")
        with pytest.raises(Conflict, match="externalId"):
            await api.add_product("Tea", "2030-01-01", external_id="x")
        with pytest.raises(Invalid) as invalid:
            await api.add_product("", "2030-01-01")
        assert [where for where, _ in invalid.value.errors] == ["body.name"]


async def test_notifications_are_posted_once_listed_and_read(node: NodeProcess) -> None:
    async with _api(node) as api:
        received = await api.notify("Tea is ready", type="warning", product_name="Tea", key="k")
        assert (
            await api.notify("Tea is ready", type="warning", product_name="Tea", key="k")
            == received
        )
        await api.notify_many([{"message": "one"}, {"message": "two"}])
        assert await api.unread() == 3
        await received.mark_read()
        unread = [each.message async for each in api.notifications(unread=True)]
        assert unread == ["two", "one"]
        assert [e.message async for e in api.notifications(since=received.id)] == ["one", "two"]
        assert await api.mark_all_read() == 2
        await api.delete_notification(received.id)
        with pytest.raises(NotFound):
            await api.mark_read(received.id)


async def test_an_error_has_the_retry_after_of_its_response() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode()
        status = path.rpartition("/")[2]
        writer.write(
            f"HTTP/1.1 {status} No\r\nRetry-After: 7\r\nContent-Length: 1\r\n"
            "Connection: close\r\n\r\n[".encode()
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Api(url, tokens="t0k") as api:
            for status, kind in ((429, TooMany), (503, Unavailable), (502, Unavailable)):
                with pytest.raises(kind) as refused:
                    await api.product(str(status))
                assert refused.value.retry_after == 7
                assert "t0k" not in str(refused.value)
            with pytest.raises(ApiError):
                await api.product("418")


async def test_an_application_passes_its_own_token_or_a_function_to_the_rest_client(
    node: NodeProcess,
) -> None:
    person = node.person()
    called = []

    def fresh() -> str:
        called.append("plain")
        return person.token

    async def fetched() -> str:
        called.append("async")
        return person.token

    for token in (person.token, fresh, fetched):
        async with Api(node.url, token=token) as api:
            assert (await api.me()).id == person.id
            assert await api.token() == person.token
    assert called == ["plain"] * 2 + ["async"] * 2
    async with Api(node.url, token=fresh) as api:
        await api.sign_out_everywhere()
        with pytest.raises(NotSignedIn):
            await api.token()


async def test_an_error_of_the_token_function_reaches_the_caller_of_the_rest_client(
    node: NodeProcess,
) -> None:
    def fails() -> str:
        raise Unavailable(503, "the backend is away", (), 1.0)

    async with Api(node.url, token=fails) as api:
        with pytest.raises(Unavailable, match="the backend is away"):
            await api.me()
    async with Api(node.url, token=lambda: 7) as api:  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="must return a string"):
            await api.me()


def test_a_script_needs_no_event_loop(node: NodeProcess, tmp_path: Path) -> None:
    person = node.person()
    with SyncRunner() as run:
        api = Api(node.url, tokens=person.token)
        for message in ("one", "two", "three"):
            run(api.notify(message))
        notifications = Notifications(
            node.url, token=api.token, cursor=FileCursor(tmp_path / "place")
        )
        received = []
        for notification in run.each(notifications):
            received.append(notification.message)
            run(notification.mark_read())
            if len(received) == 3:
                break
        assert notifications.state.name == "closed"
        assert received == ["one", "two", "three"]
        assert run(api.unread()) == 0
        run(api.close())
        nobody = Api(node.url)
        with pytest.raises(Unauthorized):
            run(nobody.me())
        run(nobody.close())
    assert json.loads((tmp_path / "place").read_text())["marks"] == []
