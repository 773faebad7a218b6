"""An access token for the shell."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.cli_result import Useby
from tests.support.settings import SettingsWithoutFile

from useby.auth.key import key_id
from useby.auth.tokens import Claims, Verifier
from useby.domain.account import TokenStatus
from useby.store import accounts, signing_keys
from useby.store.open import open_database

pytestmark = pytest.mark.usefixtures("nodes_key")


def _claims(token: str) -> Claims:
    key = Path("useby.key").read_bytes()
    return Verifier(SettingsWithoutFile(), key).verify(token, datetime.now(UTC))


def _standing(claims: Claims, *, signed_out: bool = False) -> TokenStatus:
    async def look() -> TokenStatus:
        database = open_database("sqlite:///useby.db")
        if signed_out:
            now = datetime.now(UTC)
            await database.write(lambda t: accounts.end_sessions(t, claims.user_id, now))
        key = (claims.user_id, claims.session_id, claims.issued_at)
        ((standing, *_),) = await database.read(lambda c: accounts.check_tokens(c, [key]))
        await database.close()
        return standing

    return asyncio.run(look())


def test_the_token_stands_alone_on_stdout(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    result = useby("token", "Ada@example.org")
    assert (result.status, result.err) == (0, "")
    assert result.out.count("\n") == 1
    claims = _claims(result.out.strip())
    assert (claims.expires_at - claims.issued_at).total_seconds() == 30 * 24 * 3600
    assert _standing(claims) is TokenStatus.GOOD


def test_the_tokens_lifetime_is_an_option(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    claims = _claims(useby("token", "ada@example.org", "--expires-in", "86400").out.strip())
    assert (claims.expires_at - claims.issued_at).total_seconds() == 86400


def test_signing_out_everywhere_ends_it(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    claims = _claims(useby("token", "ada@example.org").out.strip())
    assert _standing(claims, signed_out=True) is TokenStatus.REVOKED


def test_an_unknown_e_mail_gets_no_token(useby: Useby) -> None:
    useby("user", "add", "ada@example.org")
    result = useby("token", "bob@example.org")
    assert (result.status, result.out) == (1, "")
    assert result.err == "useby: no user has the e-mail or the id bob@example.org\n"


def test_a_key_that_others_can_read_is_refused(
    useby: Useby, monkeypatch: pytest.MonkeyPatch
) -> None:
    useby("user", "add", "ada@example.org")
    useby("token", "ada@example.org")
    Path("useby.key").chmod(0o644)
    result = useby("token", "ada@example.org")
    assert result.status == 1
    assert "chmod 600" in result.err


def test_without_the_nodes_key_the_command_refuses_and_makes_none(
    useby: Useby, folder: Path
) -> None:
    useby("user", "add", "ada@example.org")
    Path("useby.key").unlink()
    result = useby("token", "ada@example.org")
    assert (result.status, result.out) == (1, "")
    assert str(folder / "useby.key") in result.err
    assert "USEBY_SECRET_KEY is not set" in result.err
    assert not Path("useby.key").exists()


@pytest.mark.parametrize("from_environment", [False, True])
def test_another_key_than_the_nodes_is_refused(
    useby: Useby, nodes_key: bytes, monkeypatch: pytest.MonkeyPatch, *, from_environment: bool
) -> None:
    useby("user", "add", "ada@example.org")
    nodes = key_id(nodes_key if from_environment else b"n" * 32)

    async def node_starts() -> None:
        database = open_database("sqlite:///useby.db")
        await signing_keys.record(database, nodes)
        await database.close()

    asyncio.run(node_starts())
    if from_environment:
        assert useby("token", "ada@example.org").status == 0
        monkeypatch.setenv("USEBY_SECRET_KEY", "x" * 32)
    result = useby("token", "ada@example.org")
    assert (result.status, result.out) == (1, "")
    where = "USEBY_SECRET_KEY" if from_environment else "useby.key"
    assert result.err.startswith(f"useby: {where} is not the key that the node signs with")
