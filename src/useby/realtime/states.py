"""States of a session, and the answers that each of them awaits. Pure."""

from enum import Enum


class SessionState(Enum):
    """State of a session; ``session`` has a drawing."""

    OPENING = "opening"
    """The token is valid and the user is being looked up. Nothing has been sent yet."""
    REPLAYING = "replaying"
    """Pages of the notifications unread at the look-up are sent, as fast as the peer reads."""
    LIVE = "live"
    """Committed notifications are pushed if they follow the last one sent without a gap."""
    CATCHING_UP = "catching up"
    """All notifications after the last one sent are fetched, those read elsewhere, too."""
    REWINDING = "rewinding"
    """The page that shows where the database agrees with the trail is being fetched."""
    CLOSED = "closed"
    """Every input is ignored."""


OPENING, REPLAYING, LIVE, CATCHING_UP, REWINDING, CLOSED = SessionState
"""The states again: Python 3.11 takes three times as long to find an attribute of an ``Enum``."""
ESTABLISHED = REPLAYING, CATCHING_UP, LIVE, REWINDING
ACCEPTS = {
    "opened": (OPENING,),
    "page": (REPLAYING, CATCHING_UP, REWINDING),
    "marked": ESTABLISHED,
    "authenticated": ESTABLISHED,
}
"""States in which a session accepts each answer to its requests; elsewhere one is a bug of ours.
All other inputs come from outside and are accepted in every state."""


class UnexpectedReply(Exception):  # noqa: N818 - named after the condition
    """An answer in a state that does not await it."""
