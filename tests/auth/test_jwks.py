"""An outside issuer's keys, by URL."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from tests.support.issuers import EC, ED, RSA, SIGNERS, KeyServer, jwk_of, key_server, key_set

from useby.auth import jwks
from useby.auth.claims import IssuerUnavailable
from useby.auth.jwks import (
    BURST,
    MAX_AGE_SECONDS,
    MAX_BYTES,
    MIN_REFETCH_SECONDS,
    REFETCH_SECONDS,
    RETRY_AFTER,
    RSA_ALGORITHMS,
    KeySet,
    parse,
)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    async with key_server() as server:
        server.body = key_set(jwk_of("RS256", "1"))
        yield server


@pytest.fixture
def keys(server: KeyServer, clock: Clock) -> KeySet:
    return KeySet(server.url, clock)


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/jwks.json",
        "http://127.0.0.1.issuer.example/jwks.json",
        "http://localhost@issuer.example/jwks.json",
        "file:///etc/passwd",
        "ftp://issuer.example/jwks.json",
        "//issuer.example/jwks.json",
        "https:///jwks.json",
        "jwks.json",
        "",
    ],
)
def test_keys_are_fetched_by_https_only(url: str) -> None:
    with pytest.raises(ValueError, match="USEBY_JWT_JWKS_URL must be an https URL"):
        KeySet(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example/jwks.json",
        "http://127.0.0.1:9000/jwks.json",
        "http://localhost/jwks.json",
        "http://[::1]:9000/jwks.json",
    ],
)
def test_keys_are_fetched_by_plain_http_on_loopback_only(url: str) -> None:
    assert KeySet(url).url == url


async def test_a_key_is_fetched_once_and_kept(keys: KeySet, server: KeyServer) -> None:
    assert keys.get("1", "RS256") is None
    assert not server.requests, "nothing is fetched before it is asked for"
    await keys.fetch()
    assert keys.get("1", "RS256") == RSA.public_key()
    await keys.fetch()
    assert len(server.requests) == 1


async def test_an_unknown_kid_causes_one_fetch_a_second(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.fetch()
    for kid in ("2", "../../x", "", "🥛"):
        with pytest.raises(KeyError):
            keys.get(kid, "RS256")
    clock.seconds += MIN_REFETCH_SECONDS - 0.001
    with pytest.raises(KeyError):
        keys.get("2", "EdDSA")
    clock.seconds += 0.001
    assert keys.get("2", "EdDSA") is None
    assert keys.get("1", "RS256") == RSA.public_key(), "a known one waits for no fetch"
    server.body = key_set(jwk_of("EdDSA", "2"))
    await keys.fetch()
    assert keys.get("2", "EdDSA") == ED.public_key()
    with pytest.raises(KeyError):
        keys.get("1", "RS256")
    assert len(server.requests) == 2


async def test_a_flood_of_invented_kids_causes_a_burst_of_fetches_and_then_one_each_12_seconds(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    times = []
    for _ in range(100):
        if await is_fetched(keys, "invented"):
            times.append(clock.seconds)
        clock.seconds += MIN_REFETCH_SECONDS
    later = [b - a for a, b in zip(times[BURST - 1 :], times[BURST:], strict=False)]
    assert times[BURST - 1] - times[0] == (BURST - 1) * MIN_REFETCH_SECONDS
    assert sum(later) / len(later) == pytest.approx(REFETCH_SECONDS, rel=0.1)
    assert len(server.requests) == len(times)


async def test_invented_kids_do_not_conceal_a_new_key_for_a_minute(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    """A visitor invents ``kid``s all the time while the issuer replaces its key."""
    for _ in range(60):
        await is_fetched(keys, "invented")
        clock.seconds += MIN_REFETCH_SECONDS
    server.body = key_set(jwk_of("EdDSA", "new"))
    replaced_at = clock.seconds
    while not await is_fetched(keys, "invented"):
        clock.seconds += MIN_REFETCH_SECONDS
    assert keys.get("new", "EdDSA") == ED.public_key()
    assert clock.seconds - replaced_at <= REFETCH_SECONDS


async def is_fetched(keys: KeySet, kid: str) -> bool:
    """Fetch the keys if a token with this ``kid`` causes it."""
    try:
        assert keys.get(kid, "EdDSA") is None
    except KeyError:
        return False
    await keys.fetch()
    return True


async def test_keys_are_fetched_again_after_an_hour(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.fetch()
    clock.seconds += MAX_AGE_SECONDS
    assert keys.get("1", "RS256") is None
    server.body = key_set(jwk_of("EdDSA", "2"))
    await keys.fetch()
    with pytest.raises(KeyError):
        keys.get("1", "RS256")


async def test_everybody_waits_for_the_same_fetch(keys: KeySet, server: KeyServer) -> None:
    server.may_answer.clear()
    waiting = [asyncio.create_task(keys.fetch()) for _ in range(50)]
    await server.asked.wait()
    assert keys.get("1", "RS256") is None, "whoever comes meanwhile waits too, and is not refused"
    server.may_answer.set()
    await asyncio.gather(*waiting)
    assert keys.get("1", "RS256") == RSA.public_key()
    assert len(server.requests) == 1


async def test_a_fetch_that_is_cancelled_counts_as_one(keys: KeySet, server: KeyServer) -> None:
    server.may_answer.clear()
    fetching = asyncio.create_task(keys.fetch())
    await server.asked.wait()
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    await keys.fetch()
    assert len(server.requests) == 1


async def refetched(keys: KeySet, clock: Clock, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Fetch again after a good fetch; what was logged."""
    clock.seconds += MIN_REFETCH_SECONDS
    with caplog.at_level(logging.WARNING, "useby.auth.jwks"):
        await keys.fetch()
    assert keys.get("1", "RS256") == RSA.public_key(), "the last good keys are kept"
    return caplog.messages


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Internal Server Error", b""),
        ("404 Not Found", key_set(jwk_of("EdDSA", "2"))),
        ("200 OK", b""),
        ("200 OK", b"[]"),
        ("200 OK", b"null"),
        ("200 OK", b'{"keys":7}'),
        ("200 OK", b'{"keys":[]}'),
        ("200 OK", b"[" * 10_000),
        ("200 OK", b"\xff\xfe"),
        ("200 OK", key_set(jwk_of("EdDSA", "2")) + b" " * MAX_BYTES),
    ],
    ids=lambda value: str(value[:16]),
)
async def test_the_last_good_keys_are_kept_after_a_bad_answer(
    keys: KeySet,
    server: KeyServer,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    status: str,
    body: bytes,
) -> None:
    await keys.fetch()
    server.status, server.body = status, body
    (answer,) = await refetched(keys, clock, caplog)
    assert server.url in answer


async def test_an_answer_of_64_kib_is_read_and_a_longer_one_is_not(
    keys: KeySet, server: KeyServer
) -> None:
    server.body = server.body.ljust(MAX_BYTES)
    await keys.fetch()
    assert keys.get("1", "RS256") == RSA.public_key()


async def test_a_redirect_is_not_followed(
    keys: KeySet, server: KeyServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await keys.fetch()
    async with key_server() as elsewhere:
        elsewhere.body = key_set(jwk_of("EdDSA", "2"))
        server.status, server.headers = "302 Found", f"Location: {elsewhere.url}\r\n"
        await refetched(keys, clock, caplog)
        assert not elsewhere.requests


async def test_an_answer_is_never_unpacked(
    keys: KeySet, server: KeyServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await keys.fetch()
    assert "accept-encoding: identity" in server.requests[0].lower()
    server.body = gzip.compress(key_set(jwk_of("EdDSA", "2")) + b" " * 1024 * MAX_BYTES)
    server.headers = "Content-Encoding: gzip\r\n"
    await refetched(keys, clock, caplog)


async def test_a_fetch_from_an_issuer_that_never_answers_times_out(
    keys: KeySet,
    server: KeyServer,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await keys.fetch()
    server.may_answer.clear()
    monkeypatch.setattr(jwks, "TIMEOUT_SECONDS", 0.05)
    (answer,) = await refetched(keys, clock, caplog)
    assert "TimeoutError" in answer


async def test_an_unreachable_issuer_is_asked_again_after_seconds(clock: Clock) -> None:
    async with key_server() as server:
        keys = KeySet(server.url, clock)
    await keys.fetch()
    clock.seconds += 1
    with pytest.raises(IssuerUnavailable) as unavailable:
        keys.get("1", "RS256")
    assert unavailable.value.retry_after == RETRY_AFTER - 1
    clock.seconds += RETRY_AFTER - 1
    assert keys.get("1", "RS256") is None


async def test_an_issuer_that_fails_is_asked_once_in_that_time(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    server.status = "500 Internal Server Error"
    for _ in range(10):
        await keys.fetch()
    assert len(server.requests) == 1
    clock.seconds += RETRY_AFTER
    server.status = "200 OK"
    await keys.fetch()
    assert keys.get("1", "RS256") == RSA.public_key()
    with pytest.raises(KeyError):
        keys.get("2", "EdDSA")


async def test_after_a_failed_fetch_known_keys_verify_and_other_tokens_are_undecided(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.fetch()
    clock.seconds += MIN_REFETCH_SECONDS
    server.status = "500 Internal Server Error"
    await keys.fetch()
    assert keys.get("1", "RS256") == RSA.public_key()
    with pytest.raises(IssuerUnavailable):
        keys.get("2", "EdDSA")


def test_a_key_that_names_its_algorithm_is_for_that_one_only() -> None:
    found = parse(key_set(*(jwk_of(name, name) for name in SIGNERS)))
    assert {key.kid: key.algorithms for key in found} == {name: {name} for name in SIGNERS}


@pytest.mark.parametrize(
    ("algorithm", "fitting"),
    [("RS256", RSA_ALGORITHMS), ("ES384", {"ES384"}), ("EdDSA", {"EdDSA"})],
)
def test_a_key_without_an_algorithm_is_for_all_of_its_kind(
    algorithm: str, fitting: set[str]
) -> None:
    entry = {name: value for name, value in jwk_of(algorithm, "1").items() if name != "alg"}
    (key,) = parse(key_set(entry))
    assert key.algorithms == fitting


async def test_a_token_without_a_kid_gets_the_one_key_for_its_algorithm(
    keys: KeySet, server: KeyServer
) -> None:
    unnamed = {name: value for name, value in jwk_of("ES256", "").items() if name != "kid"}
    server.body = key_set(jwk_of("RS256", "1"), jwk_of("RS256", "2"), unnamed)
    assert keys.get(None, "ES256") is None
    await keys.fetch()
    assert keys.get(None, "ES256") == EC.public_key()
    for algorithm in ("RS256", "EdDSA"):
        with pytest.raises(KeyError, match="'1' for RS256, '2' for RS256, None for ES256"):
            keys.get(None, algorithm)


async def test_a_key_is_not_used_for_another_algorithm_than_its_own(keys: KeySet) -> None:
    await keys.fetch()
    with pytest.raises(KeyError):
        keys.get("1", "PS256")


@pytest.mark.parametrize(
    "other",
    [
        7,
        None,
        {},
        {"kid": "2"},
        {"kid": "2", "kty": ["RSA"]},
        {"kid": "2", "kty": "oct", "k": "c2VjcmV0"},
        jwk_of("RS256", "2") | {"use": "enc"},
        jwk_of("RS256", "2") | {"alg": "RSA-OAEP"},
        jwk_of("RS256", "2") | {"alg": ["RS256"]},
        jwk_of("RS256", "2") | {"n": 7},
        jwk_of("RS256", "2") | {"n": "!"},
        jwk_of("RS256", "2") | {"kid": 2},
        jwk_of("RS256", "2") | {"alg": "ES256"},
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_unusable_key_affects_no_other_key(other: Any) -> None:
    assert [key.kid for key in parse(key_set(other, jwk_of("ES256", "1"), other))] == ["1"]
    with pytest.raises(ValueError, match="no usable key"):
        parse(key_set(other))


def test_a_private_key_is_no_key_to_verify_by() -> None:
    private = jwt.get_algorithm_by_name("RS256").to_jwk(RSA, as_dict=True) | {"kid": "1"}
    with pytest.raises(ValueError, match="no usable key"):
        parse(key_set(private))


def test_a_curve_that_no_algorithm_here_takes_is_left_out() -> None:
    with pytest.raises(ValueError, match="no usable key"):
        parse(key_set(jwk_of("EdDSA", "1", ed448.Ed448PrivateKey.generate())))
    koblitz = ec.generate_private_key(ec.SECP256K1())
    with pytest.raises(ValueError, match="no usable key"):
        parse(key_set(jwk_of("ES256K", "1", koblitz) | {"alg": None}))
