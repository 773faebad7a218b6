"""Tokens of an outside issuer."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from tests.support.issuers import (
    EC,
    ED,
    RSA,
    SIGNERS,
    KeyServer,
    jwk_of,
    key_server,
    key_set,
    pem_of,
)
from tests.support.settings import SettingsWithoutFile

from useby.auth.claims import FailedCheck
from useby.auth.external import load_pem
from useby.auth.tokens import InvalidToken, Issuer, IssuerUnavailable, KeysNotFetched, Verifier

KEY = b"only the tests sign with this key"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = int(NOW.timestamp())
GOOD = {
    "iss": "https://issuer.example",
    "aud": "useby",
    "sub": "auth0|ada",
    "iat": SECOND,
    "exp": SECOND + 60,
}


def verifier_for(**settings: Any) -> Verifier:
    wanted = {"jwt_issuer": "https://issuer.example", "jwt_audience": "useby"}
    return Verifier(SettingsWithoutFile(**(wanted | settings)), KEY)


def token(algorithm: str = "RS256", signer: Any = None, header: Any = None, **changes: Any) -> str:
    claims = {name: value for name, value in (GOOD | changes).items() if value is not None}
    # As bytes, since PyJWT itself makes no token whose issuer is a list.
    payload = json.dumps(claims).encode()
    return jwt.api_jws.encode(payload, signer or SIGNERS[algorithm], algorithm, headers=header)


def refused(verifier: Verifier, token: str) -> InvalidToken:
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(token, NOW)
    return caught.value


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    async with key_server() as server:
        server.body = key_set(*(jwk_of(name, f"key of {name}") for name in SIGNERS))
        yield server


@pytest.mark.parametrize("algorithm", SIGNERS)
def test_a_token_is_taken_by_the_key_in_a_pem(algorithm: str) -> None:
    verifier = verifier_for(jwt_public_key=pem_of(SIGNERS[algorithm]))
    claims = verifier.verify(token(algorithm), NOW)
    assert (claims.user_id, claims.session_id) == ("auth0|ada", None)


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_a_token_is_taken_by_the_key_that_its_kid_names(
    algorithm: str, server: KeyServer
) -> None:
    verifier = verifier_for(jwt_jwks_url=server.url)
    good = token(algorithm, header={"kid": f"key of {algorithm}"})
    with pytest.raises(KeysNotFetched):
        verifier.verify(good, NOW)
    assert (await verifier.verify_async(good, NOW)).user_id == "auth0|ada"
    assert verifier.verify(good, NOW).user_id == "auth0|ada"
    assert len(server.requests) == 1


async def test_a_storm_of_tokens_fetches_the_keys_once(server: KeyServer) -> None:
    verifier = verifier_for(jwt_jwks_url=server.url)
    good = token(header={"kid": "key of RS256"})
    forged = [token(header={"kid": f"made up {number}"}) for number in range(20)]
    outcomes = await asyncio.gather(
        *(verifier.verify_async(each, NOW) for each in [good, *forged] * 3), return_exceptions=True
    )
    assert [isinstance(each, InvalidToken) for each in outcomes] == [False, *[True] * 20] * 3
    assert len(server.requests) == 1


async def test_a_token_is_not_judged_while_its_keys_can_not_be_fetched(server: KeyServer) -> None:
    server.status = "503 Service Unavailable"
    verifier = verifier_for(jwt_jwks_url=server.url)
    with pytest.raises(IssuerUnavailable):
        await verifier.verify_async(token(header={"kid": "key of RS256"}), NOW)


async def test_our_own_tokens_need_no_issuer(server: KeyServer) -> None:
    verifier = verifier_for(jwt_jwks_url=server.url)
    assert verifier.verify(Issuer(KEY, 60).access("ada", "s1", NOW), NOW).user_id == "ada"
    assert not server.requests


@pytest.mark.parametrize("kid", ["", 7, [], {}])
def test_a_kid_that_is_no_text_refuses_the_token_without_a_fetch(kid: object) -> None:
    head = jwt.utils.base64url_encode(json.dumps({"alg": "RS256", "kid": kid}).encode()).decode()
    verifier = verifier_for(jwt_jwks_url="https://issuer.example/keys")
    found = refused(verifier, f"{head}.{token().partition('.')[2]}")
    assert found.reason is FailedCheck.KEY_ID


async def test_a_token_without_a_kid_is_taken_if_exactly_one_key_fits(server: KeyServer) -> None:
    verifier = verifier_for(jwt_jwks_url=server.url)
    assert (await verifier.verify_async(token(), NOW)).user_id == "auth0|ada"
    assert len(server.requests) == 1


async def test_a_token_without_a_kid_is_refused_if_two_keys_fit(server: KeyServer) -> None:
    server.body = key_set(jwk_of("RS256", "1"), jwk_of("RS256", "2"))
    verifier = verifier_for(jwt_jwks_url=server.url)
    with pytest.raises(InvalidToken, match="'1' for RS256, '2' for RS256") as found:
        await verifier.verify_async(token(), NOW)
    assert found.value.reason is FailedCheck.KEY_ID


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": "useby"},
        {"iss": ["https://issuer.example"]},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another", "and another"]},
        {"aud": "use"},
        {"aud": []},
        {"aud": None},
        {"nbf": SECOND + 1},
        {"exp": None},
        {"sub": None},
        {"sub": "a\x00"},
    ],
    ids=str,
)
def test_a_token_that_was_not_made_for_us_is_refused(changes: dict[str, Any]) -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA))
    assert not refused(verifier, token(**changes)).expired


def test_only_a_token_for_this_audience_is_reported_as_expired() -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA))
    assert refused(verifier, token(exp=SECOND)).expired
    assert not refused(verifier, token(exp=SECOND, iss="https://evil.example")).expired
    assert not refused(verifier, token(exp=SECOND, aud="another")).expired


def test_a_token_of_several_audiences_is_accepted_for_any_of_them() -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA))
    assert verifier.verify(token(aud=["another", "useby"]), NOW)


def test_issuer_and_audience_are_asked_for_only_if_settings_name_them() -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA), jwt_issuer=None, jwt_audience=None)
    assert verifier.verify(token(iss=None, aud=None), NOW)


def test_the_users_id_is_in_the_claim_that_settings_name() -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA), jwt_user_claim="userId")
    assert verifier.verify(token(userId="bob"), NOW).user_id == "bob"
    refused(verifier, token())


def test_an_outside_token_can_not_claim_one_of_our_sign_ins() -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA))
    assert verifier.verify(token(sid="s1"), NOW).session_id is None


def test_an_algorithm_that_settings_do_not_name_is_refused() -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA), jwt_algorithms="ES256")
    refused(verifier, token())


def test_a_key_is_used_for_algorithms_of_its_kind_only() -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA))
    for algorithm, other in (("ES256", EC), ("EdDSA", ED)):
        assert refused(verifier, token(algorithm, other)).reason is FailedCheck.ALGORITHM


def test_a_public_key_is_never_taken_for_a_shared_secret() -> None:
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    verifier = verifier_for(jwt_public_key=pem_of(RSA))
    for secret in (pem_of(RSA), pem_of(RSA).strip(), pem_of(RSA).replace("\n", "")):
        text = token().split(".")[1]
        head = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"at+jwt"}').decode()
        mac = jwt.utils.base64url_encode(hmac.sign(f"{head}.{text}".encode(), secret.encode()))
        refused(verifier, f"{head}.{text}.{mac.decode()}")


def test_keys_that_a_token_brings_along_are_not_used() -> None:
    other = rsa.generate_private_key(65537, 2048)
    verifier = verifier_for(jwt_public_key=pem_of(RSA))
    brought = {"jwk": jwk_of("RS256", "1", other), "jku": "https://evil.example/jwks.json"}
    refused(verifier, token("RS256", other, brought))
    assert verifier.verify(token(header=brought), NOW)


def test_an_unknown_crit_is_refused() -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA))
    refused(verifier, token(header={"crit": ["exp2"], "exp2": 1}))


def test_es256_and_es384_are_each_on_their_own_curve_only() -> None:
    other = ec.generate_private_key(ec.SECP384R1())
    verifier = verifier_for(jwt_public_key=pem_of(other))
    assert verifier.verify(token("ES384", other), NOW)
    text = token().split(".")[1]
    head = jwt.utils.base64url_encode(b'{"alg":"ES256"}').decode()
    es384 = jwt.get_algorithm_by_name("ES384")
    signature = jwt.utils.base64url_encode(es384.sign(f"{head}.{text}".encode(), other)).decode()
    refused(verifier, f"{head}.{text}.{signature}")


def test_a_pem_may_stand_in_settings_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "issuer.pem"
    file.write_text(pem_of(EC))
    assert load_pem(str(file)) == load_pem(pem_of(EC)) == EC.public_key()


def test_a_pem_that_can_not_be_used_stops_the_program(tmp_path: Path) -> None:
    small = rsa.generate_private_key(65537, 1024)
    with pytest.raises(ValueError, match="1024 bits; 2048 are the least"):
        verifier_for(jwt_public_key=pem_of(small))
    with pytest.raises(ValueError, match="or Ed25519 key"):
        verifier_for(jwt_public_key=pem_of(x25519.X25519PrivateKey.generate()))
    with pytest.raises(ValueError):
        verifier_for(jwt_public_key="-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")
    with pytest.raises(ValueError, match="must be an RSA, EC"):
        verifier_for(jwt_public_key=pem_of(ec.generate_private_key(ec.SECP256K1())))
    with pytest.raises(ValueError, match="neither PEM text nor the path"):
        verifier_for(jwt_public_key=str(tmp_path / "none.pem"))


@pytest.mark.parametrize(
    "secret",
    ["hunter2-" * 5, "a/b+c/" * 8, "x" * 5000, "hunter2\0", "-----BEGIN hunter2", "/etc/passwd"],
    ids=lambda secret: secret[:10],
)
def test_a_secret_where_a_pem_belongs_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="USEBY_JWT_PUBLIC_KEY") as refusal:
        verifier_for(jwt_public_key=secret)
    printed = "".join(traceback.format_exception(refusal.value))
    assert secret not in printed
    assert secret not in repr(SettingsWithoutFile(jwt_public_key=secret))


@pytest.mark.parametrize("name", ["HS256", "none", "ES256K", "rs256"])
def test_an_algorithm_that_can_not_be_used_stops_the_program(name: str) -> None:
    with pytest.raises(ValueError, match=f"and {name} is not accepted"):
        verifier_for(jwt_public_key=pem_of(RSA), jwt_algorithms=f"RS256,{name}")
