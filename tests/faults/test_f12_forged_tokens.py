"""F12: forged tokens of every kind get one and the same answer, and fetch nothing."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.foreign_clients import Ended, client_of, take, until_closed
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

ISSUER, AUDIENCE = "https://issuer.example", "useby"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The outside issuer's key."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pem: bytes) -> Iterator[NodeProcess]:
    """A node that takes tokens of an outside issuer and its own."""
    with watched(
        tmp_path_factory.mktemp("f12"),
        jwt_public_key=pem.decode(),
        jwt_algorithms="RS256",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwt_auto_provision="true",
    ) as server:
        yield server


@pytest.fixture
async def bait() -> AsyncIterator[tuple[str, list[str]]]:
    """The address of a server that nobody is to ask, and who did."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(headers: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """A token by HMAC with any key, PyJWT's own care left aside."""
    text = f"{part(json.dumps(headers).encode())}.{part(json.dumps(claims).encode())}"
    mac = HMAC(key, SHA256())
    mac.update(text.encode())
    return f"{text}.{part(mac.finalize())}"


@dataclass(frozen=True)
class GoodTokens:
    """The claims of good tokens of a node and of an outside issuer, and what signs them."""

    outside_key: rsa.RSAPrivateKey
    outside_claims: dict[str, Any]
    key: bytes
    claims: dict[str, Any]

    @property
    def now(self) -> int:
        return int(self.outside_claims["iat"])

    def outside(
        self, signer: rsa.RSAPrivateKey | None = None, headers: Any = None, **changes: Any
    ) -> str:
        """A token of the issuer, with some claims changed, or left out if they are ``None``."""
        changed = self.outside_claims | changes
        claims = {name: value for name, value in changed.items() if value is not None}
        return jwt.encode(claims, signer or self.outside_key, "RS256", headers=headers)

    def inside(self, headers: Any = None, **changes: Any) -> str:
        """A token of the node, with some claims changed."""
        all_headers = {"alg": "HS256", "typ": "at+jwt"} | (headers or {})
        return signed(all_headers, self.claims | changes, self.key)


def good_tokens(server: NodeProcess, key: rsa.RSAPrivateKey, token: str) -> GoodTokens:
    now = int(datetime.now(UTC).timestamp())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "outsider",
        "iat": now,
        "exp": now + 600,
        "jti": "1",
    }
    ours = jwt.decode(token, options={"verify_signature": False})
    return GoodTokens(key, good, server.key.encode(), ours)


def with_forged_signatures(tokens: GoodTokens, pem: bytes, token: str, url: str) -> dict[str, str]:
    """Tokens without a signature, by a wrong key, or with a key or its address of their own."""
    ours, good, key = tokens.claims, tokens.outside_claims, tokens.outside_key
    other = rsa.generate_private_key(65537, 2048)
    public_jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(other.public_key()))
    outside, inside = tokens.outside, tokens.inside
    unsigned = f"{part(json.dumps({'alg': 'none', 'typ': 'at+jwt'}).encode())}."
    return {
        "alg none": unsigned + part(json.dumps(ours).encode()) + ".",
        "alg None": jwt.encode(good, "", "none"),
        "alg none with the old signature": unsigned + ".".join(token.split(".")[1:]),
        "HS256 by the public key": signed({"alg": "HS256", "typ": "at+jwt"}, good, pem),
        "HS256 by the public key, claims of ours": signed({"alg": "HS256"}, ours, pem.strip()),
        "our claims by the outside key": jwt.encode(ours, key, "RS256"),
        "another RSA key": outside(other),
        "a kid that is a path": outside(other, {"kid": "../../x"}),
        "a kid that is no text": inside({"kid": 1}) + "x",
        "jku": outside(other, {"jku": f"{url}/jwks.json", "kid": "1"}),
        "x5u": outside(other, {"x5u": f"{url}/cert.pem"}),
        "jwk": outside(other, {"jwk": public_jwk}),
        "an unknown crit": outside(key, {"crit": ["exp2"], "exp2": 1}),
        "an unknown crit in ours": inside({"crit": ["b64"], "b64": False}),
    }


def with_wrong_claims(tokens: GoodTokens) -> dict[str, str]:
    """Tokens that are signed well, for another purpose, another service or another time."""
    outside, inside, now = tokens.outside, tokens.inside, tokens.now
    return {
        "foreign aud": outside(aud="another"),
        "foreign aud in a list": outside(aud=["another", "and another"]),
        "no aud": outside(aud=None),
        "foreign iss": outside(iss="https://evil.example"),
        "no iss": outside(iss=None),
        "our iss by the outside key": outside(iss="useby"),
        "nbf in the future": outside(nbf=now + 300),
        "nbf in the future in ours": inside(nbf=now + 300),
        "iat more than a minute ahead": outside(iat=now + 75),
        "iat more than a minute ahead in ours": inside(iat=now + 75),
        "no exp": outside(exp=None),
        "an exp that is text": inside(exp=str(now + 600)),
        "an exp of 1e30": inside(exp=1e30),
        "an exp that is true": inside(exp=True),
        "a sub that is a number": inside(sub=7),
        "a sub of 129 characters": inside(sub="x" * 129),
        "a sub with a line's end": inside(sub="a\nb"),
        "a sub that is empty": inside(sub=""),
        "typ JWT": inside({"typ": "JWT"}),
        "typ of a refresh token": inside({"typ": "rt+jwt"}),
    }


async def test_forged_tokens_are_all_1008_invalid_access_token_and_nothing_is_fetched(
    server: NodeProcess,
    key: rsa.RSAPrivateKey,
    pem: bytes,
    bait: tuple[str, list[str]],
    record_property: live.Record,
) -> None:
    url, asked = bait
    person = server.person()
    async with server.rest() as rest:
        account = {"email": "forger@example.org", "password": "correct horse battery"}
        await rest.post("/api/auth/signup", json=account)
        refresh = (await rest.post("/api/auth/login", json=account)).json()["refreshToken"]
        server.secrets.add(refresh)
    tokens = good_tokens(server, key, person.token)
    forged = {
        **with_forged_signatures(tokens, pem, person.token, url),
        **with_wrong_claims(tokens),
        "a refresh token as access token": refresh,
    }
    server.secrets |= set(forged.values())
    expected: tuple[list[str], Ended] = ([], Ended(1008, "Invalid access token"))

    async def attack(_: Wires) -> None:
        async with client_of("aiohttp") as connect:
            answers = {
                name: await until_closed(await connect(server.socket_url(token)))
                for name, token in forged.items()
            }
            assert {name: answer for name, answer in answers.items() if answer != expected} == {}
            for token in (
                tokens.outside(),
                tokens.outside(aud=["x", AUDIENCE]),
                tokens.inside(),
            ):
                server.secrets.add(token)
                await take(await connect(server.socket_url(token)), 1)

    await unharmed(server, record_property, attack)
    assert asked == []
