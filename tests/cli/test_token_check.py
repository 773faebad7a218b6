"""A token explained: ``useby token --check``."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from tests.support.cli_result import Said, Useby

from useby.auth.tokens import Issuer

SECRET = "a secret that a backend shares with us"


@pytest.fixture
def backend(useby: Useby, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a node that takes a backend's tokens."""
    assert useby("user", "add", "ada@example.org").status == 0
    monkeypatch.setenv("USEBY_JWT_SECRET", SECRET)
    monkeypatch.setenv("USEBY_JWT_AUDIENCE", "useby")
    monkeypatch.setenv("USEBY_JWT_AUTO_PROVISION", "true")


def of_backend(secret: str = SECRET, **changes: Any) -> str:
    second = int(datetime.now(UTC).timestamp())
    claims = {"sub": 42, "aud": "useby", "iat": second, "exp": second + 60} | changes
    return jwt.encode(claims, secret, "HS256")


def checked(useby: Useby, token: str) -> Said:
    said = useby("token", "--check", stdin=f"Bearer {token}\n")
    for part in token.split(".")[1:]:
        assert part not in said.out + said.err, "a part of the token was printed"
    return said


@pytest.mark.usefixtures("nodes_key")
def test_a_token_of_the_node_is_accepted_until_its_sign_in_ends(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    token = useby("token", "ada@example.org").out.strip()
    said = checked(useby, token)
    assert said.status == 0
    lines = said.out.splitlines()
    assert "iss       useby" in lines
    assert lines[-1] == "accepted  the account and the sign-in are open"
    useby("user", "sessions", "ada@example.org", "--end")
    said = checked(useby, token)
    assert (said.status, "refused   its sign-in has ended" in said.out) == (1, True)


def test_an_expired_token_is_refused_with_the_time(useby: Useby, nodes_key: bytes) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    said = checked(useby, Issuer(nodes_key, 60).access("ada", "s1", long_ago))
    assert said.status == 1
    assert "user      ada" in said.out
    assert "refused   expiry: exp was " in said.out


@pytest.mark.usefixtures("nodes_key", "backend")
def test_a_token_of_a_backend_is_explained(useby: Useby) -> None:
    said = checked(useby, of_backend())
    assert (said.status, "accepted  the account will be created" in said.out) == (0, True)
    said = checked(useby, of_backend(aud="shop"))
    assert said.status == 1
    assert "user      42" in said.out
    assert "refused   audience: USEBY_JWT_AUDIENCE is 'useby', and aud is 'shop'" in said.out
    said = checked(useby, of_backend("another secret of a good many characters"))
    assert "refused   signature: it was not made with USEBY_JWT_SECRET" in said.out
    assert "user " not in said.out, "an unverified subject is not shown"


def test_without_the_nodes_key_a_token_of_the_node_can_not_be_checked(useby: Useby) -> None:
    token = Issuer(b"n" * 32, 60).access("ada", "s1", datetime.now(UTC))
    said = checked(useby, token)
    assert (said.status, said.out) == (1, "")
    assert "the node's signing key is needed" in said.err


@pytest.mark.parametrize("text", ["", "t_abc", "hello"])
def test_a_text_that_is_no_jwt_is_refused_in_one_line(useby: Useby, text: str) -> None:
    said = useby("token", "--check", stdin=text)
    assert (said.status, said.out) == (1, "")
    assert "this is no access token" in said.err


@pytest.mark.parametrize("text", [".", "a.b.c", "e30.e30.", "\x1b[31m.\u202e.x"])
def test_a_malformed_jwt_is_refused_with_a_reason(
    useby: Useby, nodes_key: bytes, text: str
) -> None:
    assert nodes_key
    said = useby("token", "--check", stdin=text)
    assert said.status == 1
    assert "refused   " in said.out
    assert "\x1b" not in said.out


@pytest.mark.usefixtures("nodes_key")
def test_a_token_whose_account_cannot_be_looked_up_is_neither_accepted_nor_refused(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_JWT_SECRET", SECRET)
    monkeypatch.setenv("USEBY_DATABASE_URL", "sqlite:///elsewhere.db")
    said = checked(useby, of_backend())
    last = said.out.splitlines()[-1]
    assert said.status == 3
    assert last.startswith("unknown   signature and claims are good, but the account could not")
    assert last.endswith("run this with the node's environment")
    assert "accepted" not in said.out
