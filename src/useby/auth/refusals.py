"""Log why tokens and origins are refused: a few lines for each reason, however many there are.

Anybody can send invalid tokens, so the lines are limited. They are limited by reason, so that a
flood of forged signatures does not hide the one line about a wrong audience.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from useby.auth.claims import Claims, FailedCheck, InvalidToken
from useby.domain.account import TokenStatus

log = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 10.0
LINES: Final = 5
"""Maximum lines for each reason in a window."""
MOST_ORIGIN: Final = 200
"""Maximum length of an origin in a line, in characters; longer ones are cut."""


class RefusalLog:
    """Writes a line for a refusal: the reason, the expected value, never the token."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without windows.

        Args:
            clock: A monotonic clock, in seconds.
        """
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        """End of the present window and the refusals in it, by reason."""

    def write(self, refused: InvalidToken) -> None:
        """Log a refusal, unless its reason has had its lines in this window."""
        subject = "" if refused.subject is None else f" (user {refused.subject!r})"
        self._write(refused.reason, f"a token was refused: {refused}{subject}")

    def write_origin(self, origin: str) -> None:
        """Log a page's origin that is not allowed, unless origins have had their lines."""
        shown = origin[:MOST_ORIGIN]
        self._write("origin", f"an origin was refused: USEBY_ALLOWED_ORIGINS lacks {shown!r}")

    def _write(self, reason: str, line: str) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        now = self._clock()
        ends, count = self._windows.get(reason, (0.0, 0))
        omitted = 0
        if now >= ends:
            ends, omitted, count = now + WINDOW_SECONDS, max(0, count - LINES), 0
        self._windows[reason] = ends, count + 1
        if count < LINES:
            more = f" ({omitted} more for this reason were not logged)" if omitted else ""
            log.info("%s%s", line, more)

    def write_standing(self, standing: TokenStatus, claims: Claims, *, provisions: bool) -> None:
        """Log the refusal of a token with a good signature by its account or sign-in.

        Args:
            standing: The status of the token, which is not ``GOOD``.
            claims: The claims of the token.
            provisions: Whether a new subject of an outside issuer becomes a user.
        """
        user = repr(claims.user_id)
        reason, found = FailedCheck.ACCOUNT, f"{user} is disabled"
        if standing is TokenStatus.REVOKED:
            reason, found = FailedCheck.SIGN_IN, f"it has ended (user {user})"
        elif standing is TokenStatus.UNKNOWN:
            off = claims.session_id is None and not provisions
            more = ", and USEBY_JWT_AUTO_PROVISION is off" if off else ""
            found = f"there is none for user {user}{more}"
        self.write(InvalidToken(reason, found))
