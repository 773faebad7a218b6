"""An outside issuer's keys: fetched when needed, kept, and never by a URL that a token names."""

import asyncio
import json
import logging
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import jwt

log = logging.getLogger(__name__)

MAX_BYTES: Final = 64 * 1024
TIMEOUT_SECONDS: Final = 5.0
AT_MOST_EVERY: Final = timedelta(minutes=1)
"""How often an unknown ``kid`` may cause a fetch, or an unreachable issuer another try."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class KeySet:
    """The keys at one URL, by ``kid``. The last good ones stay when a fetch fails."""

    def __init__(self, url: str) -> None:
        """Name the URL; nothing is fetched yet.

        Raises:
            ValueError: It is not https (plain http is taken for this machine alone).
        """
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not local and (parts.scheme != "https" or not parts.hostname):
            raise ValueError("USEBY_JWT_JWKS_URL must be an https URL")
        self.url = url
        self._keys: dict[str, Any] = {}
        self._tried_at: datetime | None = None
        self._one_at_a_time = asyncio.Lock()

    def get(self, kid: str, now: datetime) -> Any:
        """The key called ``kid``; ``None`` if a fetch may bring it.

        A ``kid`` that is unknown right after a fetch stays unknown for a minute, so that a flood
        of made-up ones causes no flood of requests.

        Raises:
            KeyError: There is none, and it is too soon to ask again.
        """
        found = self._keys.get(kid)
        if found is None and not self._may_try(now):
            raise KeyError(kid)
        return found

    async def fetch(self, now: datetime) -> None:
        """Fetch the keys, unless another task just did. Failure is logged and changes nothing."""
        async with self._one_at_a_time:
            if not self._may_try(now):
                return
            self._tried_at = now
            try:
                self._keys = _parse(await self._get())
            except Exception as error:  # noqa: BLE001 - whatever it was, the last good keys stay
                log.warning("the keys at %s could not be fetched: %s", self.url, error)

    def _may_try(self, now: datetime) -> bool:
        # A wall clock that was set back must not lock us out until it has caught up.
        return self._tried_at is None or not timedelta() <= now - self._tried_at < AT_MOST_EVERY

    async def _get(self) -> bytes:
        import httpx  # noqa: PLC0415 - only who has an outside issuer pays for it

        body = bytearray()
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            httpx.AsyncClient(follow_redirects=False, trust_env=False) as client,
            client.stream("GET", self.url, headers={"accept": "application/json"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"status {answer.status_code}")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise ValueError(f"over {MAX_BYTES} bytes")
        return bytes(body)


def _parse(body: bytes) -> dict[str, Any]:
    """The usable signing keys of a key set (RFC 7517); others in it are left out."""
    value = json.loads(body)
    entries = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no key set")  # noqa: TRY004 - what the issuer sent, not a type of ours
    found: dict[str, Any] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
            continue
        if entry.get("kty") not in {"RSA", "EC", "OKP"} or entry.get("use", "sig") != "sig":
            continue
        try:
            found[entry["kid"]] = jwt.PyJWK(entry).key
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    if not found:
        raise ValueError("no usable key")
    return found
