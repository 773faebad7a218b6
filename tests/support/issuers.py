"""An outside issuer: its keys, its tokens, and the address at which its keys are asked for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SIGNERS: dict[str, Any] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
    "ES256": EC,
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ED,
}


def pem_of(signer: Any) -> str:
    """The public half, as settings take it."""
    public = signer.public_key()
    pem: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def jwk_of(algorithm: str, kid: str, signer: Any = None) -> dict[str, Any]:
    """The public half, as a key set has it."""
    public = (signer or SIGNERS[algorithm]).public_key()
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    return {**made, "kid": kid, "use": "sig", "alg": algorithm}


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


class KeyServer:
    """Answers every request with ``body``, and counts them."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[str] = []
        self.body = b""
        self.status = "200 OK"
        self.headers = ""
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        self.asked.set()
        await self.may_answer.wait()
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\n{self.headers}\r\n"
        writer.write(head.encode() + self.body)
        writer.close()


@asynccontextmanager
async def key_server() -> AsyncIterator[KeyServer]:
    """A key server on this machine."""
    keys = KeyServer()
    async with await asyncio.start_server(keys.answer, "127.0.0.1", 0) as listening:
        keys.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/jwks.json"
        try:
            yield keys
        finally:
            keys.may_answer.set()
