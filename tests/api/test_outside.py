"""REST with the tokens of an outside issuer."""

from collections.abc import AsyncIterator

import jwt
import pytest
from tests.support.issuers import SIGNERS, pem_of
from tests.support.rest_app import Rest

from useby.store import accounts
from useby.store.database import Database

ADA = "auth0|ada"
OUTSIDE = {"jwt_public_key": pem_of(SIGNERS["ES256"]), "jwt_algorithms": "ES256"}


def token(rest: Rest, subject: str = ADA) -> dict[str, str]:
    """Return the headers with the outside issuer's token of this subject."""
    second = int(rest.now.timestamp())
    claims = {"sub": subject, "iat": second, "exp": second + 60}
    return {"authorization": "Bearer " + jwt.encode(claims, SIGNERS["ES256"], "ES256")}


@pytest.fixture
async def open_house(database: Database) -> AsyncIterator[Rest]:
    """An application that makes whom the issuer names a user on first sight."""
    rest = Rest(database, jwt_auto_provision=True, **OUTSIDE)
    yield rest
    await rest.close()


@pytest.fixture
async def closed_house(database: Database) -> AsyncIterator[Rest]:
    """An application that trusts the issuer, and admits only users that exist already."""
    rest = Rest(database, **OUTSIDE)
    yield rest
    await rest.close()


async def test_a_first_token_creates_its_user_once(open_house: Rest) -> None:
    client = open_house.client(**token(open_house))
    first, second = await client.get("/api/me"), await client.get("/api/me")
    assert first.status_code == 200
    assert first.json()["id"] == ADA
    assert second.json() == first.json()
    posted = await client.post("/api/notifications", json={"message": "Bread is out"})
    assert posted.status_code == 201


async def test_a_new_subject_gets_an_account_only_if_the_settings_allow_it(
    closed_house: Rest,
) -> None:
    answer = await closed_house.client(**token(closed_house)).get("/api/me")
    assert answer.status_code == 401
    assert await closed_house.database.read(lambda c: accounts.user(c, ADA)) is None


async def test_a_disabled_user_gets_no_new_account(open_house: Rest) -> None:
    client = open_house.client(**token(open_house))
    await client.get("/api/me")
    await open_house.database.write(
        lambda t: accounts.disable_user(t, ADA, disabled=True, now=open_house.now)
    )
    assert (await client.get("/api/me")).status_code == 401


async def test_two_subjects_are_two_users(open_house: Rest) -> None:
    ada = open_house.client(**token(open_house))
    bob = open_house.client(**token(open_house, "auth0|bob"))
    said = (await ada.post("/api/notifications", json={"message": "Bread is out"})).json()
    assert (await bob.get("/api/notifications")).json()["items"] == []
    assert (await bob.post(f"/api/notifications/{said['id']}/read")).status_code == 404
