"""The pool of connections, with real sockets and a settable wall clock."""

import asyncio
import gc
import json
import uuid
from typing import Any

import asyncpg
import pytest
from tests.support.in_process_node import InProcessNode, closed
from tests.support.patient_client import connect
from tests.support.process_node import until
from tests.support.raw_websocket import close_frame, wires
from tests.support.time_limits import HANG_TIMEOUT

from useby.domain.events import NotificationsAdded
from useby.realtime import retry
from useby.realtime.session import PAGE
from useby.realtime.socket import Socket
from useby.store import accounts, sessions, slices, usage
from useby.store.database import StoreUnavailable

LATE = (
    "INSERT INTO notifications (user_id, seq, id, message, kind, event, product_name, created_at)"
    " VALUES ($1, 1, $2, '1', 'info', 'custom', '', now())"
)


def seq_of(frame: Any) -> int:
    return int(json.loads(frame)["message"])


async def test_a_token_ends_at_exp_while_connected(house: InProcessNode) -> None:
    user = await house.add_user()
    async with house.connected(await house.token(user, seconds=5)) as client:
        async with asyncio.timeout(HANG_TIMEOUT):
            assert await closed(client) == (1008, "Access token expired")


async def test_a_wall_clock_that_jumps_an_hour_ahead_ends_the_token(house: InProcessNode) -> None:
    user = await house.add_user()
    async with house.connected(await house.token(user)) as client:
        house.wall.jump(hours=1)
        async with asyncio.timeout(HANG_TIMEOUT):
            assert await closed(client) == (1008, "Access token expired")


async def test_a_wall_clock_that_jumps_back_leaves_the_connection_alive(
    house: InProcessNode,
) -> None:
    user = await house.add_user()
    async with house.connected(await house.token(user)) as client:
        house.wall.jump(hours=-1)
        await house.post(user, "1")
        assert seq_of(await client.recv()) == 1
        await client.send("PING")
        assert json.loads(await client.recv()) == {"type": "pong"}


async def _disable(house: InProcessNode, user_id: str) -> None:
    now = house.wall()
    await house.node.database.write(
        lambda t: accounts.disable_user(t, user_id, disabled=True, now=now)
    )


async def _sign_out(house: InProcessNode, user_id: str) -> None:
    now = house.wall()
    await house.node.database.write(lambda t: accounts.end_sessions(t, user_id, now))


async def _delete(house: InProcessNode, user_id: str) -> None:
    await house.node.database.write(lambda t: slices.delete_user(t, user_id))


async def _change_password(house: InProcessNode, user_id: str) -> None:
    now = house.wall()
    await house.node.database.write(
        lambda t: accounts.change_password(t, user_id, "hash", now=now, keep_session=None)
    )


async def _theft(house: InProcessNode, user_id: str) -> None:
    now = house.wall()
    await house.node.database.write(lambda t: sessions.end_session(t, user_id, "s1", now))


@pytest.mark.parametrize(
    "act", [_disable, _sign_out, _delete, _change_password, _theft], ids=lambda act: act.__name__
)
async def test_access_that_ends_closes_the_sockets_and_nothing_is_sent_after(
    house: InProcessNode, act: Any
) -> None:
    user, other = await house.add_user(), await house.add_user("eve")
    async with (
        house.connected(await house.token(user)) as client,
        house.connected(await house.token(other)) as bystander,
    ):
        await act(house, user.id)
        async with asyncio.timeout(HANG_TIMEOUT):
            assert await closed(client) == (1008, "Access revoked")
        await house.post(other, "1")
        assert seq_of(await bystander.recv()) == 1


async def test_a_changed_password_keeps_the_session_that_changed_it(house: InProcessNode) -> None:
    user = await house.add_user()
    mine, theirs = await house.token(user, "s1"), await house.token(user, "s2")
    async with house.connected(mine) as kept, house.connected(theirs) as ended:
        now = house.wall()
        await house.node.database.write(
            lambda t: accounts.change_password(t, user.id, "h", now=now, keep_session="s1")
        )
        assert await closed(ended) == (1008, "Access revoked")
        await kept.send("PING")
        assert json.loads(await kept.recv()) == {"type": "pong"}


async def test_the_sweep_repairs_the_loss_of_every_event(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await start(ping_interval=0.4)
    monkeypatch.setattr(house.node.hub, "on_event", lambda _: None)
    user = await house.add_user()
    async with house.connected(await house.token(user)) as client:
        await house.post(user, *map(str, range(1, 8)))
        async with asyncio.timeout(HANG_TIMEOUT):
            assert [seq_of(await client.recv()) for _ in range(7)] == list(range(1, 8))


async def test_the_sweep_finds_a_post_that_commits_after_later_ones(
    start: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction of another program has its number, while the sweep passes, and commits late."""
    house = await start(database_url=postgres_url, ping_interval=0.4)
    monkeypatch.setattr(house.node.hub, "on_event", lambda _: None)
    ada, eve = await house.add_user(), await house.add_user("eve")
    other = await asyncpg.connect(postgres_url)
    async with house.connected(await house.token(ada)) as late:
        async with house.connected(await house.token(eve)) as prompt, other.transaction():
            await other.execute("UPDATE users SET seq = seq + 1 WHERE id = $1", ada.id)
            await other.execute(LATE, ada.id, str(uuid.uuid4()))
            for number in range(1, 4):  # three turns of the sweep
                await house.post(eve, str(number))
                assert seq_of(await prompt.recv()) == number
        assert seq_of(await late.recv()) == 1
    await other.close()


async def test_repeated_reordered_and_forged_events_send_no_notification_twice(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, other = await house.add_user(), await house.add_user("eve")
    async with (
        house.connected(await house.token(user)) as client,
        house.connected(await house.token(other)) as bystander,
    ):
        held: list[Any] = []
        hub = house.node.hub
        monkeypatch.setattr(hub, "on_event", held.append)
        await house.post(user, "1")
        await house.post(user, "2", "3")
        monkeypatch.undo()
        for news in (held[1], held[0], held[1], held[0], NotificationsAdded(user.id, ()), *held):
            hub.on_event(news)
        assert [seq_of(await client.recv()) for _ in range(3)] == [1, 2, 3]
        await house.post(user, "4")
        assert seq_of(await client.recv()) == 4
        await house.post(other, "1")
        assert seq_of(await bystander.recv()) == 1


async def test_a_replay_of_several_pages_is_followed_by_newer_notifications(
    house: InProcessNode,
) -> None:
    user = await house.add_user()
    count = 3 * PAGE + 7
    await house.post(user, *map(str, range(1, count + 1)))
    token = await house.token(user)
    async with connect(f"{house.socket_url}?access_token={token}") as client:
        posting = asyncio.create_task(_post_one_by_one(house, user, range(count + 1, count + 51)))
        await client.recv()
        seen = [seq_of(await client.recv()) for _ in range(count + 50)]
        await posting
    assert seen == list(range(1, count + 51))


async def _post_one_by_one(house: InProcessNode, user: Any, numbers: range) -> None:
    for number in numbers:
        await house.post(user, str(number))


async def test_marks_of_one_connection_are_durable_before_the_next_frame(
    house: InProcessNode,
) -> None:
    user = await house.add_user()
    answer = await house.post(user, "1", "2")
    async with house.connected(await house.token(user)) as client:
        await client.recv()
        await client.recv()
        for each in answer:
            await client.send(json.dumps({"action": "mark_read", "id": each.id}))
        await client.send("PING")
        assert json.loads(await client.recv()) == {"type": "pong"}
        unread = await house.node.database.read(lambda c: usage.of(c, user.id).unread)
        assert unread == 0


async def test_sockets_stay_open_and_requests_are_retried_while_the_database_is_unavailable(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "RETRY_SECONDS", 0.01)
    user = await house.add_user()
    (answer,) = await house.post(user, "1")
    token = await house.token(user)
    real, failures = house.node.database.read, iter(range(3))

    async def sometimes(work: Any, **how: Any) -> Any:
        for _ in failures:
            raise StoreUnavailable("as if the disk were gone")
        return await real(work, **how)

    monkeypatch.setattr(house.node.database, "read", sometimes)
    async with house.connected(token) as client:
        assert json.loads(await client.recv())["id"] == answer.id


async def test_a_connection_that_fails_closes_no_other(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, other = await house.add_user(), await house.add_user("eve")
    async with (
        house.connected(await house.token(user)) as bad,
        house.connected(await house.token(other)) as good,
    ):
        (socket,) = house.node.hub.registry.of(user.id)

        def fails(*_: Any) -> Any:
            raise RuntimeError("as if by a bug")

        monkeypatch.setattr(type(socket.session), "try_push", fails)
        await house.post(user, "1")
        assert (await closed(bad))[0] == 1011
        monkeypatch.undo()
        await house.post(other, "1")
        assert seq_of(await good.recv()) == 1


async def test_a_closed_connection_leaves_the_pool_at_once(house: InProcessNode) -> None:
    user = await house.add_user()
    async with house.connected(await house.token(user)):
        assert user.id in house.node.hub.registry.users
    async with asyncio.timeout(HANG_TIMEOUT):
        while house.node.hub.registry.users or house.node.hub.registry:
            await asyncio.sleep(0.01)


async def test_a_mark_sent_just_before_a_close_is_durable_at_the_next_connection(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await house.add_user()
    (answer,) = await house.post(user, "1")
    token = await house.token(user)
    real, may_write = house.node.database.write, asyncio.Event()

    async def slowly(work: Any, **how: Any) -> Any:
        await may_write.wait()
        return await real(work, **how)

    async with house.connected(token) as client:
        await client.recv()
        monkeypatch.setattr(house.node.database, "write", slowly)
        await client.send(json.dumps({"action": "mark_read", "id": answer.id}))
        leaving = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        assert not leaving.done()
        may_write.set()
        await leaving
    async with house.connected(token) as again:
        await again.send("PING")
        assert json.loads(await again.recv()) == {"type": "pong"}


async def test_a_closed_connection_leaves_no_cycle_for_the_garbage_collector(
    house: InProcessNode,
) -> None:
    url = f"{house.socket_url}?access_token={await house.token(await house.add_user())}"
    gc.collect()
    kinds = asyncio.Transport | Socket
    # Those of other tests that something still refers to, and perhaps not for long.
    others = [each for each in gc.get_objects() if isinstance(each, kinds)]
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        async with wires() as opened:
            for politely in (True, False):
                wire = await opened.opened(url)
                if politely:
                    await wire.send(close_frame(1000))
                    await wire.read_to_end()
                wire.close()
        await until(lambda: not house.node.hub.registry)
        gc.collect()
        left = [each for each in gc.garbage if isinstance(each, kinds)]
        assert [each for each in left if not any(each is other for other in others)] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
