"""Fetch and cache the keys of an outside issuer, never from a URL that a token names."""

import asyncio
import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from useby.auth.claims import IssuerUnavailable

log = logging.getLogger(__name__)

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
"""Algorithm of each elliptic curve (RFC 7518 section 3.4)."""
ALGORITHMS: Final = RSA_ALGORITHMS | {*CURVES.values(), "EdDSA"}
"""Algorithms that an outside issuer with a public key may use."""

MAX_BYTES: Final = 64 * 1024
TIMEOUT_SECONDS: Final = 5.0
REFETCH_SECONDS: Final = 12.0
"""Mean seconds between the fetches that unknown ``kid``s cause in the long run."""
BURST: Final = 5
"""Maximum number of such fetches at once, if there have been none for a minute."""
MIN_REFETCH_SECONDS: Final = 1.0
"""Minimum seconds between a successful fetch and the next."""
RETRY_AFTER: Final = 5.0
"""Seconds from a failed fetch to the next."""
MAX_AGE_SECONDS: Final = 3600.0
"""Seconds after which cached keys are fetched again, so that a withdrawn one is dropped."""
SHOWN: Final = 8
"""Maximum number of keys that an error lists."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key of a key set, and the algorithms that it is for."""

    kid: str | None
    public: PublicKey
    algorithms: frozenset[str]


def algorithms_of(key: PublicKey) -> frozenset[str]:
    """Return the algorithms that a key can be used with; none for another elliptic curve."""
    if isinstance(key, RSAPublicKey):
        return RSA_ALGORITHMS
    if isinstance(key, EllipticCurvePublicKey):
        return frozenset({CURVES[key.curve.name]} if key.curve.name in CURVES else ())
    return frozenset({"EdDSA"})


class KeySet:
    """Keys at one URL. When a fetch fails, those of the last success stay."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Check the URL; nothing is fetched yet.

        Args:
            url: An https URL; plain http is accepted only for this machine, for a sidecar.
            clock: A monotonic clock, in seconds.

        Raises:
            ValueError: The URL is neither https nor one of this machine.
        """
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not local and (parts.scheme != "https" or not parts.hostname):
            raise ValueError(
                "USEBY_JWT_JWKS_URL must be an https URL, e.g. https://issuer.example/keys"
            )
        self.url = url
        self._clock = clock
        self._keys: Sequence[IssuerKey] = ()
        self._by_kid: Mapping[str | None, IssuerKey] = {}
        self._tried_at = -math.inf
        self._paid_at = -math.inf
        """Time at which the successful fetches so far are made up for, one each 12 seconds."""
        self._failed = False
        self._one_at_a_time = asyncio.Lock()

    def get(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """Return the key that a token names; ``None`` if the keys have to be fetched first.

        A token without a ``kid`` gets the one key for its algorithm, if there is exactly one.

        A ``kid`` that is missing after a successful fetch causes another one, at most five in a
        row and then one each 12 seconds, so that a flood of invented ones causes no flood of
        requests, and conceals a new key of the issuer for that long at most. After a failed fetch
        the keys of the last success are still returned, and any other key may exist or not.

        Raises:
            KeyError: The issuer has no such key for this algorithm, and it is too soon to fetch
                again. The message has the keys that it has.
            IssuerUnavailable: The last fetch failed, and it is too soon to fetch again.
        """
        key = self._find(kid, algorithm)
        if key is not None:
            return key.public if self._clock() - self._tried_at < MAX_AGE_SECONDS else None
        wait = self._wait()
        if wait <= 0:
            return None
        if self._failed:
            raise IssuerUnavailable(wait)
        found = [
            f"{key.kid!r} for {'/'.join(sorted(key.algorithms))}" for key in self._keys[:SHOWN]
        ]
        raise KeyError(", ".join(found) or "none")

    async def fetch(self) -> None:
        """Fetch the keys, unless another task just did. A failure is logged; all keys stay."""
        async with self._one_at_a_time:
            if self._wait() > 0:
                return
            self._failed = True
            try:
                self._keys = parse(await self._get())
                self._by_kid = {key.kid: key for key in self._keys}
                self._failed = False
            except Exception as error:  # noqa: BLE001 - the keys stay after any error
                log.warning("the keys at %s could not be fetched: %r", self.url, error)
            finally:
                # This comes last: until then, all tasks that need a key wait for the lock.
                self._tried_at = now = self._clock()
                if not self._failed:
                    self._paid_at = max(self._paid_at, now) + REFETCH_SECONDS

    def _find(self, kid: str | None, algorithm: str) -> IssuerKey | None:
        if kid is not None:
            key = self._by_kid.get(kid)
            return key if key is not None and algorithm in key.algorithms else None
        fitting = [key for key in self._keys if algorithm in key.algorithms]
        return fitting[0] if len(fitting) == 1 else None

    def _wait(self) -> float:
        """Return the seconds until the keys may be fetched again."""
        if self._failed:
            return self._tried_at + RETRY_AFTER - self._clock()
        # A bucket of tokens: it has BURST of them, and gets another one each REFETCH_SECONDS.
        has_token_at = self._paid_at - (BURST - 1) * REFETCH_SECONDS
        return max(self._tried_at + MIN_REFETCH_SECONDS, has_token_at) - self._clock()

    async def _get(self) -> bytes:
        import httpx  # noqa: PLC0415 - nodes without an outside issuer need no httpx

        # The body is read without decompression: 64 KiB that unpack to 64 MiB are no keys.
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        body = bytearray()
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            httpx.AsyncClient(follow_redirects=False, trust_env=False) as client,
            client.stream("GET", self.url, headers=headers) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"status {answer.status_code}")
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > MAX_BYTES:
                    raise ValueError(f"over {MAX_BYTES} bytes")
        return bytes(body)


def parse(body: bytes) -> Sequence[IssuerKey]:
    """Return the usable signing keys of a key set (RFC 7517); skip all others.

    A key with an ``alg`` is for that algorithm only.

    Raises:
        ValueError: The body is no key set, or none of its keys can be used.
    """
    value = json.loads(body)
    entries = value.get("keys") if isinstance(value, dict) else None
    keys = []
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str | None):
            continue
        if entry.get("use", "sig") != "sig" or entry.get("alg") not in (None, *ALGORITHMS):
            continue
        with contextlib.suppress(Exception):  # skip an unreadable key, keep the others
            key = jwt.PyJWK(entry).key
            if not isinstance(key, PublicKey):
                continue
            algorithms = algorithms_of(key)
            if entry.get("alg") is not None:
                algorithms &= {entry["alg"]}
            if algorithms:
                keys.append(IssuerKey(entry.get("kid"), key, algorithms))
    if not keys:
        raise ValueError("no usable key")
    return keys
