"""A token explained: ``useby token --check``."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.support.cli_result import CliResult, Useby

from useby.auth.tokens import Issuer

SECRET = "a secret that a backend shares with us"


@pytest.fixture
def backend(useby: Useby, database_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a node that takes a backend's tokens."""
    assert useby("user", "add", "ada@example.org").status == 0
    monkeypatch.setenv("USEBY_JWT_SECRET", SECRET)
    monkeypatch.setenv("USEBY_JWT_AUDIENCE", "useby")
    monkeypatch.setenv("USEBY_JWT_AUTO_PROVISION", "true")


def of_backend(secret: str = SECRET, **changes: Any) -> str:
    second = int(datetime.now(UTC).timestamp())
    claims = {"sub": 42, "aud": "useby", "iat": second, "exp": second + 60} | changes
    return jwt.encode(claims, secret, "HS256")


def checked(useby: Useby, token: str) -> CliResult:
    result = useby("token", "--check", stdin=f"Bearer {token}\n")
    for part in token.split(".")[1:]:
        assert part not in result.out + result.err, "a part of the token was printed"
    return result


@pytest.mark.usefixtures("nodes_key")
def test_a_token_of_the_node_is_accepted_until_its_sign_in_ends(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    token = useby("token", "ada@example.org").out.strip()
    result = checked(useby, token)
    assert result.status == 0
    lines = result.out.splitlines()
    assert "iss       useby" in lines
    assert lines[-1] == "accepted  the account and the sign-in are open"
    useby("user", "sessions", "ada@example.org", "--end")
    result = checked(useby, token)
    assert (result.status, "refused   its sign-in has ended" in result.out) == (1, True)


def test_an_expired_token_is_refused_with_the_time(useby: Useby, nodes_key: bytes) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    result = checked(useby, Issuer(nodes_key, 60).access("ada", "s1", long_ago))
    assert result.status == 1
    assert "user      ada" in result.out
    assert "refused   expiry: exp was " in result.out


@pytest.mark.usefixtures("nodes_key", "backend")
def test_a_token_of_a_backend_is_explained(useby: Useby) -> None:
    result = checked(useby, of_backend())
    assert (result.status, "accepted  the account will be created" in result.out) == (0, True)
    result = checked(useby, of_backend(aud="shop"))
    assert result.status == 1
    assert "user      42" in result.out
    assert "refused   audience: USEBY_JWT_AUDIENCE is 'useby', and aud is 'shop'" in result.out
    result = checked(useby, of_backend("another secret of a good many characters"))
    assert "refused   signature: it was not made with USEBY_JWT_SECRET" in result.out
    assert "user " not in result.out, "an unverified subject is not shown"


def test_without_the_nodes_key_a_token_of_the_node_can_not_be_checked(useby: Useby) -> None:
    token = Issuer(b"n" * 32, 60).access("ada", "s1", datetime.now(UTC))
    result = checked(useby, token)
    assert (result.status, result.out) == (1, "")
    assert "the node's signing key is needed" in result.err


@pytest.mark.parametrize("text", ["", "t_abc", "hello"])
def test_a_text_that_is_no_jwt_is_refused_in_one_line(useby: Useby, text: str) -> None:
    result = useby("token", "--check", stdin=text)
    assert (result.status, result.out) == (1, "")
    assert "this is no access token" in result.err


@pytest.mark.parametrize("text", [".", "a.b.c", "e30.e30.", "\x1b[31m.\u202e.x"])
def test_a_malformed_jwt_is_refused_with_a_reason(
    useby: Useby, nodes_key: bytes, text: str
) -> None:
    assert nodes_key
    result = useby("token", "--check", stdin=text)
    assert result.status == 1
    assert "refused   " in result.out
    assert "\x1b" not in result.out


@pytest.mark.usefixtures("nodes_key")
def test_a_token_whose_account_cannot_be_looked_up_is_neither_accepted_nor_refused(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USEBY_JWT_SECRET", SECRET)
    monkeypatch.setenv("USEBY_DATABASE_URL", "sqlite:///elsewhere.db")
    result = checked(useby, of_backend())
    last = result.out.splitlines()[-1]
    assert result.status == 3
    assert last.startswith("unknown   signature and claims are good, but the account could not")
    assert last.endswith("run this with the node's environment")
    assert "accepted" not in result.out
