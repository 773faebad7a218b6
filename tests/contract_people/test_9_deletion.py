"""Section 9: the deletion of a household with its members, a slice at a time."""

from http import HTTPStatus

import httpx
import pytest
import sqlalchemy as sa
from tests.support.alert_times import send_now
from tests.support.household_alerts import unread
from tests.support.rest_app import Rest, added
from tests.support.shared_households import HEADER, a_household, listed

from useby.domain.household import Role
from useby.store import households, schema, slices
from useby.store.database import Transaction


async def alerted(rest: Rest, client: httpx.AsyncClient, count: int) -> None:
    """Add products which are due, each with an alert of its own."""
    for number in range(count):
        await added(client, name=f"Tin {number}")
        await send_now(rest)


async def test_a_deleted_household_marks_its_members_notifications_read_a_slice_at_a_time(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.store.leaving.SLICE", 4)
    shared = await a_household(rest, Role.EDITOR, Role.KIOSK, Role.VIEWER)
    await alerted(rest, shared.owner, 3)
    marked: list[int] = []
    begin = households.remove_all

    def counted(transaction: Transaction, *arguments: object) -> None:
        begin(transaction, *arguments)  # type: ignore[arg-type]
        read = schema.notifications.c.read_at.is_not(None)
        count = sa.select(sa.func.count()).select_from(schema.notifications).where(read)
        marked.append(transaction.connection.scalar(count) or 0)

    monkeypatch.setattr(households, "remove_all", counted)
    assert (await shared.owner.delete(shared.url)).status_code == HTTPStatus.NO_CONTENT
    assert marked == [4], "one of each member"
    assert await unread(shared.owner) == []
    guests = [shared.clients[role] for role in (Role.EDITOR, Role.KIOSK, Role.VIEWER)]
    for guest in guests:
        del guest.headers[HEADER]
        assert len(await unread(guest)) == 2, "the scheduler marks the rest"
    await send_now(rest)
    for guest in guests:
        assert await unread(guest) == []
        assert len(await listed(guest)) == 1
    assert not await rest.database.read(slices.are_waiting)


async def test_a_founder_who_deletes_their_household_has_read_all_about_it_and_nothing_later(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.store.leaving.SLICE", 2)
    user, hers = await rest.person()
    await alerted(rest, hers, 5)
    await hers.post("/api/notifications", json={"message": "her own"})
    assert (await hers.delete(f"/api/households/{user.id}")).status_code == HTTPStatus.NO_CONTENT
    assert await unread(hers) == ["her own"]
    await added(hers, name="Tea")
    await send_now(rest)
    assert await unread(hers) == ["Tea expires in 2 days", "her own"]


async def test_members_of_a_deleted_household_who_have_no_other_get_a_new_one(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR, Role.VIEWER)
    editor, viewer = shared.clients[Role.EDITOR], shared.clients[Role.VIEWER]
    for client in (editor, viewer):
        del client.headers[HEADER]
    own = f"/api/households/{shared.users[Role.EDITOR].id}"
    made = await editor.post(f"{own}/invitations", json={"role": "owner"})
    assert (
        await viewer.post(f"/api/invitations/{made.json()['token']}/accept")
    ).status_code == HTTPStatus.OK
    left = await editor.delete(f"{own}/members/{shared.users[Role.EDITOR].id}")
    assert left.status_code == HTTPStatus.NO_CONTENT
    assert [each["id"] for each in await listed(editor)] == [shared.id]
    assert (await shared.owner.delete(shared.url)).status_code == HTTPStatus.NO_CONTENT
    (home,) = await listed(editor)
    assert home["role"] == "owner"
    assert home["id"] not in {shared.id, shared.users[Role.EDITOR].id}
    assert len(await listed(viewer)) == 2
    assert [each["id"] for each in await listed(shared.owner)] == [shared.id]
