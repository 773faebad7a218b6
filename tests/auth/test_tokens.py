"""Our own access tokens, made and verified."""

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from tests.support.settings import SettingsWithoutFile

from useby.auth import refresh, tokens
from useby.auth.tokens import Claims, InvalidToken, Issuer, KeysNotFetched, Verifier

KEY = b"only the tests sign with this key"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = int(NOW.timestamp())
GOOD = {"iss": "useby", "sub": "ada", "sid": "s1", "iat": SECOND, "exp": SECOND + 60, "jti": "7"}
HEADER = {"alg": "HS256", "typ": "at+jwt"}


@pytest.fixture
def verifier() -> Verifier:
    return Verifier(SettingsWithoutFile(), KEY)


def signed(claims: object = GOOD, header: dict[str, Any] = HEADER, key: bytes = KEY) -> str:
    """Any token at all, by a good signature."""
    text = b".".join(
        base64.urlsafe_b64encode(
            part if isinstance(part, bytes) else json.dumps(part).encode()
        ).rstrip(b"=")
        for part in (header, claims)
    )
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(text, key)
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def refused(verifier: Verifier, token: str) -> InvalidToken:
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(token, NOW)
    return caught.value


def test_a_token_that_was_made_is_verified(verifier: Verifier) -> None:
    claims = verifier.verify(Issuer(KEY, 900).access("ada", "s1", NOW), NOW)
    end = NOW + timedelta(minutes=15)
    assert claims == Claims("ada", "s1", NOW, end, claims.token_id)
    assert claims.token_id


def test_a_token_of_the_previous_key_is_verified_and_no_other() -> None:
    changed = Verifier(SettingsWithoutFile(), KEY[::-1], previous=KEY)
    for key in (KEY, KEY[::-1]):
        assert changed.verify(Issuer(key, 900).access("ada", "s1", NOW), NOW).user_id == "ada"
    refused(changed, Issuer(b"x" * 32, 900).access("ada", "s1", NOW))


def test_every_token_has_an_id_of_its_own() -> None:
    issuer = Issuer(KEY, 900)
    assert issuer.access("ada", "s1", NOW) != issuer.access("ada", "s1", NOW)


def test_any_jwt_library_reads_our_tokens() -> None:
    token = Issuer(KEY, 900).access("ada", "s1", NOW, seconds=5)
    claims = jwt.decode(token, KEY, ["HS256"], options={"verify_exp": False}, issuer="useby")
    assert claims | {"jti": ""} == {
        "iss": "useby",
        "sub": "ada",
        "iat": SECOND,
        "exp": SECOND + 5,
        "jti": "",
        "sid": "s1",
    }
    assert jwt.get_unverified_header(token) == HEADER


def test_a_token_that_any_jwt_library_made_with_our_key_is_verified(verifier: Verifier) -> None:
    token = jwt.encode(GOOD, KEY, "HS256", headers={"typ": "at+jwt"})
    assert verifier.verify(token, NOW).user_id == "ada"


def test_only_an_expired_token_is_reported_as_expired(verifier: Verifier) -> None:
    assert refused(verifier, signed(GOOD | {"exp": SECOND})).expired
    assert not refused(verifier, signed(GOOD | {"exp": SECOND}, key=b"x" * 32)).expired
    assert not refused(verifier, signed(GOOD | {"exp": SECOND, "iss": "another"})).expired


@pytest.mark.parametrize(
    "change",
    [
        {"exp": str(SECOND + 60)},
        {"exp": 1e30},
        {"exp": True},
        {"exp": -1},
        {"nbf": SECOND + 1},
        {"sub": "a\x07"},
        {"sub": "x" * 129},
        {"iss": "another"},
        {"iss": ["useby"]},
        {"iss": None},
        {"sid": None},
        {"sid": ""},
        {"sid": 7},
    ],
    ids=str,
)
def test_a_signed_token_with_wrong_claims_is_refused(
    verifier: Verifier, change: dict[str, Any]
) -> None:
    assert not refused(verifier, signed(GOOD | change)).expired


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"crit": ["exp2"], "exp2": 1},
        HEADER | {"crit": []},
        HEADER | {"crit": None},
        HEADER | {"typ": "JWT"},
        HEADER | {"typ": "rt+jwt"},
        {"alg": "HS256"},
        HEADER | {"alg": "none"},
        HEADER | {"alg": "hs256"},
        HEADER | {"alg": "HS512"},
        HEADER | {"alg": ["HS256"]},
        {"typ": "at+jwt"},
    ],
    ids=str,
)
def test_a_header_that_is_not_as_ours_refuses_the_token(
    verifier: Verifier, header: dict[str, Any]
) -> None:
    assert verifier.verify(signed(), NOW)
    refused(verifier, signed(header=header))


def test_a_header_that_names_keys_is_not_followed(verifier: Verifier) -> None:
    names = {"kid": "../../x", "jku": "https://x.example", "x5u": "https://x.example", "jwk": {}}
    assert verifier.verify(signed(header=HEADER | names), NOW).user_id == "ada"
    refused(verifier, signed(header=HEADER | names, key=b"x" * 32))


def test_a_token_without_a_signature_is_refused(verifier: Verifier) -> None:
    head, payload, signature = signed().split(".")
    for token in (f"{head}.{payload}.", f"{head}.{payload}", f"{head}..{signature}", payload):
        refused(verifier, token)
    refused(verifier, jwt.encode(GOOD, "", "none", headers={"typ": "at+jwt"}))


def test_a_token_with_any_character_changed_is_refused(verifier: Verifier) -> None:
    good = signed()
    for place, character in enumerate(good):
        other = "A" if character != "A" else "B"
        refused(verifier, good[:place] + other + good[place + 1 :])
        refused(verifier, good[:place] + good[place + 1 :])
    for addition in ("=", "A", ".", " ", "\n"):
        refused(verifier, good + addition)
        refused(verifier, addition + good)


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a", "é.ж.ñ", "\ud800", "\0", "e30.e30.e30", "W10.W10.W10", "!.!.!"],
    ids=ascii,
)
def test_text_that_is_no_token_is_refused(verifier: Verifier, token: str) -> None:
    refused(verifier, token)


@pytest.mark.parametrize(
    "payload", [b"[" * 2500, b"[]", b"7", b"null", b"{", b"\xff", b'{"exp":' + b"9" * 2500 + b"}"]
)
def test_a_signed_payload_that_is_no_object_is_refused(verifier: Verifier, payload: bytes) -> None:
    refused(verifier, signed(payload))


def test_a_header_of_nothing_but_brackets_is_refused(verifier: Verifier) -> None:
    refused(verifier, base64.urlsafe_b64encode(b"[" * 2500).decode() + ".e30.e30")


def test_a_token_over_four_kib_is_refused_before_it_is_looked_at(
    verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = {len(signed(GOOD | {"pad": "x" * pad})): pad for pad in range(2500, 3000)}
    assert 4096 in lengths
    assert verifier.verify(signed(GOOD | {"pad": "x" * lengths[4096]}), NOW)
    longer = signed(GOOD | {"pad": "x" * lengths[min(size for size in lengths if size > 4096)]})
    monkeypatch.setattr("useby.auth.tokens._object", lambda _: pytest.fail("it was looked at"))
    refused(verifier, longer)


def test_a_refresh_token_is_no_access_token(verifier: Verifier) -> None:
    first = refresh.new_refresh_token()
    refused(verifier, first)
    refused(verifier, refresh.successor_of(KEY, first))


async def test_without_an_outside_issuer_no_token_wants_keys(verifier: Verifier) -> None:
    token = signed(header=HEADER | {"alg": "RS256", "kid": "1"})
    with pytest.raises(InvalidToken):
        await verifier.verify_async(token, NOW)
    try:
        verifier.verify(token, NOW)
    except InvalidToken:
        pass
    except KeysNotFetched:
        pytest.fail("there is nowhere to fetch them")
    await verifier.fetch_keys()  # nor does it harm to ask


async def test_a_token_of_the_node_is_verified_asynchronously_too(verifier: Verifier) -> None:
    assert (await verifier.verify_async(signed(), NOW)).user_id == "ada"


def test_verifying_our_own_tokens_loads_neither_httpx_nor_a_jwt_library() -> None:
    script = """
import sys
from datetime import UTC, datetime
from useby.auth.tokens import Issuer, Verifier
from useby.settings import Settings
key, now = b"k" * 32, datetime.now(UTC)
token = Issuer(key, 60).access("ada", "s1", now)
print(Verifier(Settings(_env_file=None), key).verify(token, now).user_id)
print(sorted({"httpx", "jwt", "cryptography"} & sys.modules.keys()))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["ada", "[]"]


async def test_a_token_that_was_verified_before_ends_at_its_exp(verifier: Verifier) -> None:
    token = signed()
    assert await verifier.verify_async(token, NOW) is await verifier.verify_async(token, NOW)
    last = NOW + timedelta(seconds=59, microseconds=999_999)
    assert (await verifier.verify_async(token, last)).user_id == "ada"
    for moment in (NOW + timedelta(seconds=60), NOW - timedelta(days=1)):
        with pytest.raises(InvalidToken):
            await verifier.verify_async(token, moment)


async def test_a_token_that_resembles_a_verified_one_is_refused(verifier: Verifier) -> None:
    token = signed()
    await verifier.verify_async(token, NOW)
    for other in (
        token[:-1],
        token + "A",
        token.swapcase(),
        signed(GOOD | {"sub": "bob"}, key=b"x"),
    ):
        with pytest.raises(InvalidToken):
            await verifier.verify_async(other, NOW)


async def test_a_verifier_keeps_the_claims_of_few_tokens_and_of_no_refused_one(
    verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "SEEN", 3)
    issued = [signed(GOOD | {"sub": f"user {number}"}) for number in range(5)]
    for token in issued:
        await verifier.verify_async(token, NOW)
        with pytest.raises(InvalidToken):
            await verifier.verify_async(token + "A", NOW)
    assert list(verifier._seen) == issued[2:]
