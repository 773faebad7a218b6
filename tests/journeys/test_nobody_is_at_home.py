"""The third journey: nobody is connected, and a webhook gets the notification; real parts."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.in_process_node import InProcessNode
from tests.support.process_node import Person, post, serving, until
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.webhook_receiver import LOOPBACK, OK, Receiver, receiving

from useby.delivery import attempts


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


async def a_webhook(
    http: httpx.AsyncClient, receiver: Receiver, headers: dict[str, str], **fields: Any
) -> str:
    hook = {"kind": "webhook", "name": "Hook", "url": receiver.url()} | fields
    answer = await http.post("/api/channels", json=hook, headers=headers)
    assert answer.status_code == 201, answer.text
    return f"/api/channels/{answer.json()['id']}"


async def states(http: httpx.AsyncClient, channel: str, headers: dict[str, str]) -> list[str]:
    """Oldest first."""
    found = (await http.get(f"{channel}/deliveries", headers=headers)).json()["items"]
    return [each["state"] for each in reversed(found)]


async def test_an_alert_reaches_a_webhook_when_nobody_is_connected(
    start: Any, receiver: Receiver
) -> None:
    house: InProcessNode = await start(outbound_allowed_networks=LOOPBACK)
    user = await house.add_user()
    headers = {"Authorization": f"Bearer {await house.token(user)}"}
    async with httpx.AsyncClient(base_url=house.node.url, timeout=HANG_TIMEOUT) as http:
        channel = await a_webhook(http, receiver, headers)
        milk = {"name": "Milk", "expiryDate": "2020-01-01"}
        assert (await http.post("/api/products", json=milk, headers=headers)).is_success
        await receiver.until_count(1)
        await until(lambda: _is(http, channel, headers, ["sent"]))
    (got,) = receiver.received
    assert (got.json["event"], got.json["productName"]) == ("expired", "Milk")


async def test_a_device_in_use_takes_the_place_of_a_channel_that_is_for_absence(
    start: Any, receiver: Receiver
) -> None:
    house: InProcessNode = await start(outbound_allowed_networks=LOOPBACK)
    user = await house.add_user()
    token = await house.token(user)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=house.node.url, timeout=HANG_TIMEOUT) as http:
        channel = await a_webhook(http, receiver, headers, onlyWhenAway=True)
        async with house.connected(token) as client:
            await house.post(user, "on a device that sends nothing")
            await client.recv()
            await receiver.until_count(1)
            await client.send("PING")
            assert json.loads(await client.recv()) == {"type": "pong"}
            await house.post(user, "on a device in use")
            await client.recv()
            await until(lambda: _is(http, channel, headers, ["sent", "skipped_seen"]))
        await house.post(user, "without a device")
        await receiver.until_count(2)
    assert receiver.messages() == ["on a device that sends nothing", "without a device"]


async def test_a_notification_that_is_read_on_a_device_is_not_delivered_later(
    start: Any, receiver: Receiver
) -> None:
    house: InProcessNode = await start(outbound_allowed_networks=LOOPBACK)
    user = await house.add_user()
    token = await house.token(user)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=house.node.url, timeout=HANG_TIMEOUT) as http:
        channel = await a_webhook(http, receiver, headers, after="PT10M")
        first, _ = await house.post(user, "first", "second")
        async with house.connected(token) as client:
            await client.send(json.dumps({"action": "mark_read", "id": first.id}))
            await client.send("PING")
            while "pong" not in str(await client.recv()):
                pass
        house.wall.jump(minutes=11)
        house.node.delivery.wake()
        await receiver.until_count(1)
        await until(lambda: _is(http, channel, headers, ["skipped_read", "sent"]))
    assert receiver.messages() == ["second"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", ["before it is claimed", "while it is sent", "after it is sent"])
async def test_a_node_that_is_killed_loses_nothing_and_repeats_with_the_same_id(
    step: str, tmp_path: Path, receiver: Receiver
) -> None:
    """A claim of a killed node ends after 20 seconds, so this test takes so long."""
    words = [str(number) for number in range(5)]
    if step == "while it is sent":
        receiver.answer = lambda _: None
    elif step == "before it is claimed":
        receiver.answer = lambda _: OK
    with serving(tmp_path, outbound_allowed_networks=LOOPBACK) as node:
        ada: Person = node.person()
        async with node.rest() as http:
            channel = await a_webhook(http, receiver, ada.headers)
            ids = [(await post(http, ada, each))["id"] for each in words[:1]]
            if step != "before it is claimed":
                await receiver.until_count(1)
            ids += [(await post(http, ada, each))["id"] for each in words[1:]]
        await asyncio.to_thread(node.kill)
        receiver.answer = lambda _: OK
        await asyncio.to_thread(node.start)
        async with node.rest() as http:
            await until(lambda: _is(http, channel, ada.headers, ["sent"] * 5))
    got = [each.json["id"] for each in receiver.received]
    firsts = list(dict.fromkeys(got))
    assert firsts == ids
    assert got == sorted(got, key=ids.index)
    assert {each.headers["webhook-id"] for each in receiver.received} == set(ids)
    assert "whsec_" not in node.log


async def _is(
    http: httpx.AsyncClient, channel: str, headers: dict[str, str], wanted: list[str]
) -> bool:
    return await states(http, channel, headers) == wanted


async def test_dead_targets_delay_neither_other_channels_nor_users_scheduler_requests_or_sockets(
    start: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempts on 60 targets that hang last longer than the test waits for anything."""
    monkeypatch.setattr(attempts, "ATTEMPT_SECONDS", 2 * HANG_TIMEOUT)
    receiver.answer = lambda request: None if request.path == "/dead" else OK
    house: InProcessNode = await start(outbound_allowed_networks=LOOPBACK)
    async with httpx.AsyncClient(base_url=house.node.url, timeout=HANG_TIMEOUT) as http:
        for number in range(3):
            victim = await house.add_user(f"victim{number}")
            own = {"Authorization": f"Bearer {await house.token(victim)}"}
            for _ in range(20 if number else 19):
                await a_webhook(http, receiver, own, url=receiver.url("/dead"))
            if not number:
                await a_webhook(http, receiver, own, url=receiver.url("/beside"))
            await house.post(victim, "lost")
        await receiver.until(lambda: len(receiver.received) == 60)
        assert receiver.messages("/beside") == ["lost"]
        user = await house.add_user()
        token = await house.token(user)
        headers = {"Authorization": f"Bearer {token}"}
        await a_webhook(http, receiver, headers)
        async with house.connected(token) as client:
            milk = {"name": "Milk", "expiryDate": "2020-01-01"}
            assert (await http.post("/api/products", json=milk, headers=headers)).is_success
            async with asyncio.timeout(HANG_TIMEOUT):
                assert json.loads(await client.recv())["productName"] == "Milk"
        await receiver.until(lambda: len(receiver.messages("/hook")) == 1)
