"""Section 9: invitations into a household, and who may govern it.

covers: useby.api.household_invitations, useby.store.household_invitations
"""

from datetime import timedelta
from functools import partial
from http import HTTPStatus

import pytest
from tests.support.rest_app import Rest
from tests.support.shared_households import (
    a_household,
    invited,
    leave,
    listed,
)

from useby.actions import households as actions
from useby.actions import memberships
from useby.domain import household as rules
from useby.domain.household import Role
from useby.store import accounts


async def test_an_invitation_has_a_role_works_once_and_shows_name_and_role_without_sign_in(
    rest: Rest,
) -> None:
    ada, hers = await rest.person(name="Ada")
    await hers.patch(f"/api/households/{ada.id}", json={"name": "Our kitchen"})
    invitation = await invited(hers, ada.id, "kiosk")
    assert set(invitation) == {
        *("id", "token", "url", "role", "createdBy", "createdAt", "expiresAt")
    }
    assert invitation["url"] == f"http://useby.test/#/invite/{invitation['token']}"
    assert invitation["expiresAt"] == "2026-03-09T12:00:00Z", "7 days later"
    (in_list,) = (await hers.get(f"/api/households/{ada.id}/invitations")).json()["items"]
    assert in_list == {k: v for k, v in invitation.items() if k not in ("token", "url")}
    opened = await rest.client().get(f"/api/invitations/{invitation['token']}")
    assert opened.json() == {
        "household": "Our kitchen",
        "role": "kiosk",
        "expiresAt": invitation["expiresAt"],
    }
    bob, his = await rest.person(name="Bob")
    joined = await his.post(f"/api/invitations/{invitation['token']}/accept")
    assert (joined.status_code, joined.json()["role"]) == (HTTPStatus.OK, "kiosk")
    assert joined.json() in await listed(his)
    people = (await hers.get(f"/api/households/{ada.id}/members")).json()["items"]
    assert [(each["userId"], each["role"]) for each in people] == [
        (ada.id, "owner"),
        (bob.id, "kiosk"),
    ]
    assert people[1]["email"] == bob.email
    seen_by_kiosk = (await his.get(f"/api/households/{ada.id}/members")).json()["items"]
    assert [each["email"] for each in seen_by_kiosk] == [None, bob.email]
    _, third = await rest.person()
    for answer in (
        await third.post(f"/api/invitations/{invitation['token']}/accept"),
        await rest.client().get(f"/api/invitations/{invitation['token']}"),
    ):
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert answer.json()["detail"] == "There is no such invitation."
    assert (await hers.get(f"/api/households/{ada.id}/invitations")).json()["items"] == []


async def test_an_invitation_ends_after_7_days_or_when_an_owner_revokes_it(rest: Rest) -> None:
    ada, hers = await rest.person()
    _, his = await rest.person()
    old, revoked = [await invited(hers, ada.id, "editor") for _ in range(2)]
    url = f"/api/households/{ada.id}/invitations/{revoked['id']}"
    assert (await hers.delete(url)).status_code == HTTPStatus.NO_CONTENT
    assert (await hers.delete(url)).status_code == HTTPStatus.NOT_FOUND
    accept = "/api/invitations/{}/accept"
    assert (await his.post(accept.format(revoked["token"]))).status_code == HTTPStatus.NOT_FOUND
    rest.now += timedelta(days=7)
    assert (await his.post(accept.format(old["token"]))).status_code == HTTPStatus.NOT_FOUND
    assert (await hers.get(f"/api/households/{ada.id}/invitations")).json()["items"] == []


async def test_a_member_cannot_accept_another_invitation_and_it_stays_for_somebody_else(
    rest: Rest,
) -> None:
    shared = await a_household(rest, Role.VIEWER)
    invitation = await invited(shared.owner, shared.id, "owner")
    accept = f"/api/invitations/{invitation['token']}/accept"
    for client in shared.clients.values():
        answer = await client.post(accept)
        assert answer.status_code == HTTPStatus.CONFLICT
        assert "member of this household already" in answer.json()["detail"]
    _, other = await rest.person()
    assert (await other.post(accept)).json()["role"] == "owner"


async def test_guessed_tokens_of_one_network_are_limited(rest: Rest) -> None:
    client = rest.client()
    tried = [(await client.get(f"/api/invitations/{n:043}")).status_code for n in range(12)]
    assert tried[:9] == [HTTPStatus.NOT_FOUND] * 9
    assert tried[-1] == HTTPStatus.TOO_MANY_REQUESTS


async def test_only_an_owner_governs_a_household(rest: Rest) -> None:
    shared = await a_household(rest, Role.EDITOR, Role.KIOSK, Role.VIEWER)
    founder, own = shared.users[Role.OWNER].id, await listed(shared.owner)
    invitation = await invited(shared.owner, shared.id, "viewer")
    for role in (Role.EDITOR, Role.KIOSK, Role.VIEWER):
        client = shared.clients[role]
        for method, path, body in (
            ("PATCH", "", {"name": "Mine"}),
            ("DELETE", "", None),
            ("POST", "/invitations", {"role": "owner"}),
            ("GET", "/invitations", None),
            ("DELETE", f"/invitations/{invitation['id']}", None),
            ("PATCH", f"/members/{shared.users[role].id}", {"role": "owner"}),
            ("DELETE", f"/members/{founder}", None),
        ):
            answer = await client.request(method, shared.url + path, json=body)
            assert answer.status_code == HTTPStatus.FORBIDDEN, (role, method, path)
            assert f"Your role in this household is {role.value}," in answer.json()["detail"]
        assert (await client.get(shared.url)).json()["role"] == role.value
    assert await listed(shared.owner) == own


async def test_a_household_has_at_most_50_members(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rules.MOST_MEMBERS == 50
    monkeypatch.setattr(actions, "MOST_MEMBERS", 2)
    shared = await a_household(rest, Role.EDITOR)
    _, third = await rest.person()
    invitation = await invited(shared.owner, shared.id, "viewer")
    answer = await third.post(f"/api/invitations/{invitation['token']}/accept")
    assert answer.status_code == HTTPStatus.CONFLICT
    assert answer.json()["detail"] == "The household has 50 members, and there cannot be more."
    await leave(shared, Role.EDITOR)
    again = await third.post(f"/api/invitations/{invitation['token']}/accept")
    assert again.status_code == HTTPStatus.OK


@pytest.mark.parametrize("settings", [{}, {"name": "Our kitchen"}], ids=["own", "named"])
async def test_an_invitation_of_a_founder_who_is_disabled_works_only_while_they_are_not(
    rest: Rest, settings: dict[str, str]
) -> None:
    ada, hers = await rest.person()
    await hers.patch(f"/api/households/{ada.id}", json=settings)
    url = f"/api/invitations/{(await invited(hers, ada.id, 'editor'))['token']}"
    _, his = await rest.person()
    disable = partial(accounts.disable_user, user_id=ada.id, now=rest.now)
    await rest.database.write(partial(disable, disabled=True))
    for answer in (await rest.client().get(url), await his.post(f"{url}/accept")):
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert answer.json()["detail"] == "There is no such invitation."
    await rest.database.write(partial(disable, disabled=False))
    assert (await his.post(f"{url}/accept")).status_code == HTTPStatus.OK


async def test_the_invitations_of_an_account_end_when_its_deletion_begins(rest: Rest) -> None:
    ada, hers = await rest.person()
    url = f"/api/invitations/{(await invited(hers, ada.id, 'editor'))['token']}"
    await rest.database.write(lambda t: memberships.end_all(t, ada.id, rest.now))
    assert (await rest.client().get(url)).status_code == HTTPStatus.NOT_FOUND
    assert (await hers.get(f"/api/households/{ada.id}/invitations")).json()["items"] == []
