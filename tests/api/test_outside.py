"""REST with the tokens of an outside issuer."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from tests.support.issuers import SIGNERS, pem_of
from tests.support.rest_app import Rest

from useby.api.errors import NO_ACCOUNT
from useby.store import accounts
from useby.store.database import Database, Transaction

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
    assert answer.json()["detail"] == NO_ACCOUNT
    assert await closed_house.database.read(lambda c: accounts.user(c, ADA)) is None


async def test_a_disabled_user_gets_no_new_account(open_house: Rest) -> None:
    client = open_house.client(**token(open_house))
    await client.get("/api/me")
    await open_house.database.write(
        lambda t: accounts.disable_user(t, ADA, disabled=True, now=open_house.now)
    )
    answer = await client.get("/api/me")
    assert (answer.status_code, answer.json()["detail"]) == (401, NO_ACCOUNT)


@pytest.mark.parametrize("disabled", [False, True])
@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "/api/me", {}),
        ("GET", "/api/notifications", {}),
        ("POST", "/api/notifications", {"json": {"message": "Bread is out"}}),
        (
            "POST",
            "/api/notifications",
            {"json": {"message": "Bread is out"}, "headers": {"idempotency-key": "k"}},
        ),
        ("POST", "/api/notifications/batch", {"json": {"items": [{"message": "Bread is out"}]}}),
        ("POST", "/api/notifications/n1/read", {}),
        ("POST", "/api/notifications/read-all", {}),
        ("POST", "/api/ws/ticket", {}),
    ],
)
async def test_a_token_without_an_open_account_gets_the_reason_and_a_log_line(
    closed_house: Rest,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    sent: dict[str, Any],
    disabled: bool,
) -> None:
    found = f"there is none for user {ADA!r}, and USEBY_JWT_AUTO_PROVISION is off"
    if disabled:
        found = f"{ADA!r} is disabled"

        def disable(transaction: Transaction) -> None:
            accounts.provision(transaction, [ADA], closed_house.now)
            accounts.disable_user(transaction, ADA, disabled=True, now=closed_house.now)

        await closed_house.database.write(disable)
    headers = token(closed_house)
    with caplog.at_level(logging.INFO):
        answer = await closed_house.client(**headers).request(method, path, **sent)
    assert (answer.status_code, answer.json()["detail"]) == (401, NO_ACCOUNT)
    assert caplog.messages.count(f"a token was refused: account: {found}") == 1
    assert headers["authorization"].split()[1] not in caplog.text


async def test_two_subjects_are_two_users(open_house: Rest) -> None:
    ada = open_house.client(**token(open_house))
    bob = open_house.client(**token(open_house, "auth0|bob"))
    received = (await ada.post("/api/notifications", json={"message": "Bread is out"})).json()
    assert (await bob.get("/api/notifications")).json()["items"] == []
    assert (await bob.post(f"/api/notifications/{received['id']}/read")).status_code == 404
