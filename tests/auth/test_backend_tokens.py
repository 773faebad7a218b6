"""Tokens that an application's own backend signs with a shared secret."""

import hmac
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from pydantic import ValidationError
from tests.support.issuers import RSA, pem_of
from tests.support.settings import SettingsWithoutFile

from useby.auth.claims import FailedCheck
from useby.auth.tokens import InvalidToken, Issuer, Verifier

KEY = b"only the tests sign with this key"
SECRET = "a secret that a backend shares with us"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = int(NOW.timestamp())
GOOD = {"iss": "https://shop.example", "userId": 42, "iat": SECOND, "exp": SECOND + 60}
ALGORITHMS = ["HS256", "HS384", "HS512"]


def verifier_for(**settings: Any) -> Verifier:
    wanted = {"jwt_secret": SECRET, "jwt_user_claim": "userId"}
    return Verifier(SettingsWithoutFile(**(wanted | settings)), KEY)


def token(
    algorithm: str = "HS256", secret: str | bytes = SECRET, header: Any = None, **changes: Any
) -> str:
    """A token signed by hand: PyJWT warns of a secret that is shorter than the hash."""
    claims = {name: value for name, value in (GOOD | changes).items() if value is not None}
    head = {"alg": algorithm, **(header or {})}
    text = b".".join(
        jwt.utils.base64url_encode(json.dumps(part).encode()) for part in (head, claims)
    )
    key = secret.encode() if isinstance(secret, str) else secret
    mac = hmac.digest(key, text, f"sha{algorithm[2:]}")
    return f"{text.decode()}.{jwt.utils.base64url_encode(mac).decode()}"


def refused(verifier: Verifier, token: str) -> InvalidToken:
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(token, NOW)
    return caught.value


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_the_backend_is_verified_and_a_numeric_id_is_its_text(algorithm: str) -> None:
    claims = verifier_for().verify(token(algorithm), NOW)
    assert (claims.user_id, claims.session_id) == ("42", None)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_another_secret_is_refused_without_its_subject(algorithm: str) -> None:
    found = refused(verifier_for(), token(algorithm, "another secret of a good many characters"))
    assert (found.reason, found.subject) == (FailedCheck.SIGNATURE, None)


def test_issuer_and_audience_are_those_of_the_settings() -> None:
    verifier = verifier_for(jwt_issuer="https://shop.example", jwt_audience="useby")
    assert verifier.verify(token(aud=["useby", "shop"]), NOW).user_id == "42"
    found = refused(verifier, token(aud="shop"))
    assert (found.reason, found.subject) == (FailedCheck.AUDIENCE, "42")
    assert "USEBY_JWT_AUDIENCE is 'useby', and aud is 'shop'" in str(found)
    found = refused(verifier, token(aud="useby", iss="https://evil.example"))
    assert (found.reason, found.subject) == (FailedCheck.ISSUER, "42")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": SECOND}, FailedCheck.EXPIRY),
        ({"exp": None}, FailedCheck.CLAIM),
        ({"iat": SECOND + 61}, FailedCheck.NOT_YET),
        ({"userId": None, "sub": "ada"}, FailedCheck.CLAIM),
        ({"userId": 4.2}, FailedCheck.CLAIM),
    ],
    ids=str,
)
def test_claims_are_checked_as_those_of_any_issuer(
    changes: dict[str, Any], reason: FailedCheck
) -> None:
    assert refused(verifier_for(), token(**changes)).reason is reason


def test_our_own_tokens_are_verified_with_our_key_beside_those_of_the_backend() -> None:
    claims = verifier_for().verify(Issuer(KEY, 60).access("ada", "s1", NOW), NOW)
    assert (claims.user_id, claims.session_id) == ("ada", "s1")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_backends_secret_can_not_sign_a_token_of_ours(algorithm: str) -> None:
    """A token with our type and our issuer is verified with our key and nothing else."""
    ours = {"iss": "useby", "sub": "ada", "sid": "s1"}
    forged = token(algorithm, header={"typ": "at+jwt"}, **ours)
    assert refused(verifier_for(), forged).reason in (FailedCheck.SIGNATURE, FailedCheck.ALGORITHM)
    unmarked = verifier_for().verify(token(algorithm, **ours), NOW)
    assert (unmarked.user_id, unmarked.session_id) == ("42", None), "it is the backend's own"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_our_key_verifies_hs256_only(algorithm: str) -> None:
    ours = {"iss": "useby", "sub": "ada", "sid": "s1"}
    for verifier in (verifier_for(), Verifier(SettingsWithoutFile(), KEY)):
        found = refused(verifier, token(algorithm, KEY, {"typ": "at+jwt"}, **ours))
        assert found.reason is FailedCheck.ALGORITHM


def test_our_key_can_not_sign_a_token_of_the_backend() -> None:
    assert refused(verifier_for(), token(secret=KEY)).reason is FailedCheck.SIGNATURE


def test_without_the_setting_no_token_of_a_backend_is_taken_and_the_setting_is_named() -> None:
    found = refused(Verifier(SettingsWithoutFile(), KEY), token())
    assert "for tokens of your own backend, set USEBY_JWT_SECRET" in str(found)


def test_a_public_key_beside_the_secret_verifies_its_own_tokens_and_is_no_secret() -> None:
    verifier = verifier_for(jwt_public_key=pem_of(RSA), jwt_algorithms="RS256")
    for good in (token(), jwt.encode(GOOD, RSA, "RS256")):
        assert verifier.verify(good, NOW).user_id == "42"
    for algorithm in ALGORITHMS:
        forged = token(algorithm, pem_of(RSA))
        assert refused(verifier, forged).reason is FailedCheck.SIGNATURE


@pytest.mark.parametrize(
    "segments", ["e30", "e30.", ".e30", "e30.e30", "e30.!.x", "e30..", "a.b.c.d"]
)
def test_a_text_that_is_no_token_is_refused_with_a_reason(segments: str) -> None:
    head = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"at+jwt"}').decode()
    for text in (segments, head, f"{head}.{segments}"):
        assert refused(verifier_for(), text).reason


def test_a_short_secret_and_the_nodes_own_key_are_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError, match="USEBY_JWT_SECRET has 7 bytes") as refusal:
        verifier_for(jwt_secret="hunter2")
    assert "hunter2" not in str(refusal.value)
    with pytest.raises(ValidationError, match="must be another secret than USEBY_SECRET_KEY"):
        verifier_for(secret_key=SECRET)
    with pytest.raises(ValidationError, match="must be another secret than USEBY_SECRET_KEY"):
        verifier_for(secret_key_previous=SECRET)
    with pytest.raises(ValueError, match="must be another secret than the node's key") as error:
        verifier_for(jwt_secret=KEY.decode())
    assert KEY.decode() not in str(error.value)


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", "HS1", "hs256", None, 256]
)
def test_a_token_without_an_algorithm_of_the_backend_is_refused(algorithm: Any) -> None:
    head, claims = (
        jwt.utils.base64url_encode(json.dumps(part).encode()).decode()
        for part in ({"alg": algorithm, "typ": "JWT"}, GOOD)
    )
    for signature in ("", token().rpartition(".")[2]):
        found = refused(verifier_for(), f"{head}.{claims}.{signature}")
        assert found.reason is FailedCheck.ALGORITHM


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../dev/null"},
        {"kid": "' UNION SELECT 'x"},
        {"kid": {"k": ""}},
        {"jku": "https://evil.example/keys.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"jwk": {"kty": "oct", "k": "ZXZpbA"}},
    ],
    ids=str,
)
def test_a_header_that_names_a_key_selects_none(header: dict[str, Any]) -> None:
    """The backend's one secret verifies, whatever the header names: it is never followed."""
    for secret in (b"", b"evil"):
        assert (
            refused(verifier_for(), token("HS256", secret, header)).reason is FailedCheck.SIGNATURE
        )
    assert verifier_for().verify(token(header=header), NOW).user_id == "42"


def test_an_iat_more_than_60_seconds_in_the_future_is_refused_of_the_backend_and_of_us() -> None:
    ahead = datetime.fromtimestamp(SECOND + 60, UTC)
    ours = Issuer(KEY, 600).access("ada", "s1", ahead)
    assert verifier_for().verify(ours, NOW).user_id == "ada"
    backends = token(iat=SECOND + 60)
    assert verifier_for().verify(backends, NOW).user_id == "42"
    too_far = datetime.fromtimestamp(SECOND + 61, UTC)
    for forged in (token(iat=SECOND + 61), Issuer(KEY, 600).access("ada", "s1", too_far)):
        assert refused(verifier_for(), forged).reason is FailedCheck.NOT_YET
