"""Section 9: ``readSettlesAll``, by which an alert that one member reads is read for all.

covers: useby.store.shared_reads
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest
from tests.contract_people.conftest import EIGHT, Person, frame
from tests.contract_people.test_2_quiet_hours import set_clock
from tests.contract_people.test_9_frames import id_of, joins
from tests.support.alert_times import send_now
from tests.support.household_alerts import notifications, set_me, unread
from tests.support.policies_over_rest import put
from tests.support.process_node import until
from tests.support.rest_app import Rest, added
from tests.support.shared_households import Shared, a_household

from useby.domain.household import Role
from useby.store import shared_reads
from useby.store.database import Transaction
from useby.store.locks import try_lock_users


@pytest.fixture
async def settling(rest: Rest) -> Shared:
    """A household of three in which a read is read for all."""
    shared = await a_household(rest, Role.EDITOR, Role.VIEWER)
    await settle(shared.owner, shared.id)
    return shared


async def settle(owner: httpx.AsyncClient, household_id: str) -> None:
    answer = await owner.patch(f"/api/households/{household_id}", json={"readSettlesAll": True})
    assert answer.json()["readSettlesAll"] is True


async def unread_of_all(shared: Shared) -> list[int]:
    return [len(await unread(client)) for client in shared.clients.values()]


async def test_when_one_member_reads_an_alert_it_is_read_for_all(
    rest: Rest, settling: Shared
) -> None:
    await added(settling.owner)
    await added(settling.owner, name="Tea")
    await send_now(rest)
    assert await unread_of_all(settling) == [2, 2, 2]
    viewer = settling.clients[Role.VIEWER]
    (alert,) = [each for each in await notifications(viewer) if each["productName"] == "Tea"]
    await viewer.post(f"/api/notifications/{alert['id']}/read")
    await send_now(rest)
    for client in settling.clients.values():
        assert await unread(client) == ["Organic Milk expires in 2 days"]


async def test_an_alert_is_read_for_all_in_whatever_words_each_has_got_it(
    rest: Rest, settling: Shared
) -> None:
    await set_me(settling.clients[Role.VIEWER], language="de")
    await put(settling.clients[Role.EDITOR], "account", leads=["3d"])
    await added(settling.owner, expiryDate="2026-03-05")
    await send_now(rest)
    (alert,) = await notifications(settling.clients[Role.EDITOR])
    await settling.clients[Role.EDITOR].post(f"/api/notifications/{alert['id']}/read")
    await send_now(rest)
    assert await unread_of_all(settling) == [0, 0, 0]


async def test_reading_a_summary_reads_the_alerts_of_its_lots_for_all(
    rest: Rest, settling: Shared
) -> None:
    await set_me(settling.clients[Role.VIEWER], floodCap=20)
    for number in range(6):
        await added(settling.owner, name=f"Tin {number}")
    await send_now(rest)
    assert await unread_of_all(settling) == [1, 1, 6]
    (summary,) = await notifications(settling.owner)
    await settling.owner.post(f"/api/notifications/{summary['id']}/read")
    await send_now(rest)
    assert await unread_of_all(settling) == [0, 0, 0]


async def test_reading_all_reads_for_all_and_what_an_application_posted_stays_ones_own(
    rest: Rest, settling: Shared
) -> None:
    await added(settling.owner)
    await send_now(rest)
    for client in settling.clients.values():
        await client.post("/api/notifications", json={"message": "by an application"})
    await settling.owner.post("/api/notifications/read-all")
    await send_now(rest)
    assert await unread_of_all(settling) == [0, 1, 1]


async def test_an_alert_that_is_sent_after_the_read_is_unread(rest: Rest, settling: Shared) -> None:
    digest = {"every": "day", "at": "18:00", "severities": ["info", "warning"]}
    await set_me(settling.clients[Role.VIEWER], digest=digest)
    await added(settling.owner)
    await send_now(rest)
    (alert,) = await notifications(settling.owner)
    await settling.owner.post(f"/api/notifications/{alert['id']}/read")
    await send_now(rest)
    rest.now = rest.now.replace(hour=17)
    await send_now(rest)
    assert await unread_of_all(settling) == [0, 0, 1]


async def test_an_alert_that_one_member_snoozes_stays_unread_for_the_others(
    rest: Rest, settling: Shared
) -> None:
    await added(settling.owner)
    await send_now(rest)
    (alert,) = await notifications(settling.owner)
    url = f"/api/notifications/{alert['id']}/snooze"
    assert (await settling.owner.post(url, json={"for": "PT2H"})).status_code == HTTPStatus.OK
    await send_now(rest)
    assert await unread_of_all(settling) == [0, 1, 1]


async def test_households_do_not_wait_for_one_of_which_a_member_is_locked(
    rest: Rest, settling: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await a_household(rest, Role.VIEWER)
    await settle(other.owner, other.id)
    for number in range(4):
        await added(settling.owner, name=f"Tin {number}")
    await added(other.owner)
    await send_now(rest)
    await settling.owner.post("/api/notifications/read-all")
    rest.now += timedelta(minutes=1)
    await other.owner.post("/api/notifications/read-all")
    held, lock = settling.users[Role.VIEWER].id, try_lock_users

    def lock_others(transaction: Transaction, users: Iterable[str]) -> frozenset[str]:
        return lock(transaction, users) - {held}

    monkeypatch.setattr(shared_reads, "BATCH", 2)
    monkeypatch.setattr(shared_reads, "try_lock_users", lock_others)
    assert await rest.database.write(lambda t: shared_reads.do_slice(t, rest.now))
    assert await unread_of_all(other) == [0, 0]
    assert not await rest.database.write(lambda t: shared_reads.do_slice(t, rest.now))
    assert await unread_of_all(settling) == [0, 4, 4]
    monkeypatch.undo()
    await send_now(rest)
    assert await unread_of_all(settling) == [0, 0, 0]


async def test_a_transaction_marks_reads_for_a_limited_number_of_members(
    rest: Rest, settling: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    await added(settling.owner)
    await added(settling.owner, name="Tea")
    await send_now(rest)
    await settling.owner.post("/api/notifications/read-all")
    monkeypatch.setattr(shared_reads, "MEMBERS", len(settling.clients))
    for left in (1, 0):
        assert await rest.database.write(lambda t: shared_reads.do_slice(t, rest.now))
        assert await unread_of_all(settling) == [0, left, left]


async def test_a_read_is_not_shared_unless_the_household_wants_it(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR)
    await added(shared.owner)
    await send_now(rest)
    await shared.owner.post("/api/notifications/read-all")
    await send_now(rest)
    assert await unread_of_all(shared) == [0, 1]


async def test_a_read_on_a_socket_is_a_read_for_all_and_the_others_sockets_receive_it(
    person: Callable[[str], Awaitable[Person]],
) -> None:
    ada, bob = await person("ada"), await person("bob")
    household = await joins(ada, bob, "viewer")
    await settle(ada.http, household)
    await ada.added({"name": "Milk", "expiryDate": "2026-03-06"})
    async with bob.connected() as his, ada.connected(extended=True) as hers:
        await set_clock(ada.house, EIGHT.replace(hour=12))
        await ada.has_notified(2)
        (alert,) = [each for each in await bob.notified() if each["event"] == "expiring"]
        assert alert["householdId"] == household == await id_of(ada)
        plain = await frame(his)
        while plain.get("id") != alert["id"]:
            plain = await frame(his)
        assert list(plain) == ["id", "message", "type", "productName", "created_at"]
        await his.send(f'{{"action":"mark_read","id":"{alert["id"]}"}}')
        got = await frame(hers)
        while got["type"] != "READ":
            got = await frame(hers)

        async def read_by_both() -> bool:
            unread = await ada.notified(unread="true")
            return all(each["event"] != "expiring" for each in unread)

        await until(read_by_both)
