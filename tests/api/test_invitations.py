"""An invited person sets a password, once."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from tests.support.cheap_passwords import Counted, cheap_passwords
from tests.support.rest_app import KEY, Rest

from useby.auth.invitations import new_invitation
from useby.domain.account import User
from useby.store import accounts

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> Counted:
    hasher = Counted()
    cheap_passwords(hasher, monkeypatch).close()
    return hasher


async def invited(rest: Rest) -> tuple[User, httpx.AsyncClient, dict[str, str]]:
    """A person who is signed in, and the body that accepts their invitation."""
    user, client = await rest.person(email="ada@useby.example")
    invitation = new_invitation(KEY, user.id, None, rest.now + timedelta(days=7))
    return user, client, {"invitation": invitation, "password": PASSWORD}


async def test_an_invitation_sets_a_password_and_ends_sign_ins(rest: Rest) -> None:
    user, before, body = await invited(rest)
    anybody = rest.client()
    assert (await anybody.post("/api/auth/invitation", json=body)).status_code == 204
    login = await anybody.post("/api/auth/login", json={"email": user.email, "password": PASSWORD})
    assert login.status_code == 200
    assert (await before.get("/api/me")).status_code == 401


async def test_an_invitation_works_once_also_for_two_at_the_same_time(rest: Rest) -> None:
    _, _, body = await invited(rest)
    anybody = rest.client()
    answers = await asyncio.gather(
        *(anybody.post("/api/auth/invitation", json=body) for _ in range(2))
    )
    assert sorted(each.status_code for each in answers) == [204, 403]
    again = await anybody.post("/api/auth/invitation", json=body)
    assert again.status_code == 403
    assert "expired or was used" in again.json()["detail"]


async def test_a_forged_or_disabled_invitation_is_refused_without_hashing(
    rest: Rest, hasher: Counted
) -> None:
    user, _, body = await invited(rest)
    anybody = rest.client()
    forged = new_invitation(b"x" * 32, user.id, None, rest.now + timedelta(days=7))
    answer = await anybody.post("/api/auth/invitation", json=body | {"invitation": forged})
    assert answer.status_code == 403
    assert hasher.work == []
    await rest.database.write(
        lambda t: accounts.disable_user(t, user.id, disabled=True, now=rest.now)
    )
    assert (await anybody.post("/api/auth/invitation", json=body)).status_code == 403


async def test_guesses_of_invitations_are_limited_by_network(rest: Rest) -> None:
    _, _, body = await invited(rest)
    anybody = rest.client()
    answers = [
        (await anybody.post("/api/auth/invitation", json=body | {"invitation": f"{n}"})).status_code
        for n in range(11)
    ]
    assert answers == [403] * 10 + [429]
