"""Explain a token: its readable parts, and why a node accepts or refuses it."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from secrets import token_bytes
from typing import Any, Final

from useby.auth.claims import FailedCheck
from useby.auth.key import KEY_BYTES, SettingsError, SigningKeys, signing_keys
from useby.auth.tickets import is_ticket
from useby.auth.tokens import Claims, InvalidToken, IssuerUnavailable, Verifier
from useby.cli.database import run_on_database
from useby.cli.options import CommandError
from useby.domain.account import TokenStatus
from useby.settings import Settings
from useby.store import accounts
from useby.store.url import database_file

TIMES: Final = ("iat", "nbf", "exp")
SHOWN: Final = ("alg", "typ", "kid", "iss", "aud", *TIMES)
MAX_SHOWN: Final = 100
LATEST: Final = 253_402_300_799
"""Last second of the year 9999; a later time is printed as its number."""
VERDICTS: Final = {
    TokenStatus.GOOD: "the account and the sign-in are open",
    TokenStatus.UNKNOWN: "there is no such account",
    TokenStatus.DISABLED: "the account is disabled",
    TokenStatus.REVOKED: "its sign-in has ended",
}


class Verdict(StrEnum):
    """The result of a check, as its last line begins."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """A part of the check was not possible here: a node may accept the token or refuse it."""


EXIT: Final = {Verdict.ACCEPTED: 0, Verdict.REFUSED: 1, Verdict.UNKNOWN: 3}
"""Exit statuses; 2 is a mistake on the command line."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on a token, and the lines that explain it."""

    verdict: Verdict
    lines: tuple[str, ...]


def explain(token: str, settings: Settings) -> Explanation:
    """Explain a token as a node with these settings judges it now.

    Raises:
        CommandError: The text is no JWT, the settings cannot be used, or the token may be one of
            the node's own, whose key is not here.
    """
    if is_ticket(token):
        raise CommandError("this is no access token (a JWT): it may be a ticket or a refresh token")
    parts = tuple(_parts(token))
    try:
        claims = _verified(token, settings)
    except InvalidToken as refused:
        user = () if refused.subject is None else (_line("user", refused.subject),)
        line = _line(Verdict.REFUSED, str(refused))
        return Explanation(Verdict.REFUSED, (*parts, *user, line))
    except IssuerUnavailable as error:
        return Explanation(Verdict.UNKNOWN, (*parts, _line(Verdict.UNKNOWN, str(error))))
    verdict, reason = _standing(claims, settings)
    return Explanation(verdict, (*parts, _line("user", claims.user_id), _line(verdict, reason)))


def _parts(token: str) -> Iterator[str]:
    """Return lines about the token's header and times; nothing is verified yet."""
    header, payload = (_decoded(segment) for segment in (*token.split("."), "")[:2])
    fields = header | payload
    for name in SHOWN:
        value: Any = fields.get(name)
        if name in TIMES and isinstance(value, int) and 0 <= value <= LATEST:
            value = f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
        if value is not None:
            yield _line(name, str(value)[:MAX_SHOWN])


def _line(name: str, text: str) -> str:
    return f"{name:<9} {text}"


def _decoded(segment: str) -> dict[str, Any]:
    try:
        value = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _verified(token: str, settings: Settings) -> Claims:
    missing = None
    try:
        keys = signing_keys(settings, database_file(settings.database_url), make=False)
    except SettingsError as error:
        keys, missing = SigningKeys(token_bytes(KEY_BYTES)), error  # no token is signed with it
    try:
        verifier = Verifier(settings, keys.signing, previous=keys.previous)
        return asyncio.run(verifier.verify_async(token, datetime.now(UTC)))
    except ValueError as error:
        raise CommandError(str(error)) from None
    except InvalidToken as refused:
        if missing is not None and refused.reason is FailedCheck.SIGNATURE:
            raise CommandError(str(missing)) from None
        raise


def _standing(claims: Claims, settings: Settings) -> tuple[Verdict, str]:
    """Return the verdict on a verified token by its account, which may have ended its sign-in."""
    key = (claims.user_id, claims.session_id, claims.issued_at)
    try:
        (check,) = run_on_database(
            settings, lambda database: database.read(lambda c: accounts.check_tokens(c, [key]))
        )
    except CommandError as error:
        return Verdict.UNKNOWN, (
            "signature and claims are good, but the account could not be looked up"
            f" ({error.format_message()}): run this with the node's environment"
        )
    if check.standing is TokenStatus.UNKNOWN and claims.session_id is None:
        if settings.jwt_auto_provision:
            return Verdict.ACCEPTED, "the account will be created"
        return Verdict.REFUSED, "there is no such account, and USEBY_JWT_AUTO_PROVISION is off"
    good = check.standing is TokenStatus.GOOD
    return Verdict.ACCEPTED if good else Verdict.REFUSED, VERDICTS[check.standing]
