"""Route each event of this node and message of the bus to the connections that it concerns.

================================  =======================================================
message                           effect
================================  =======================================================
NotificationsAdded                push the notifications to the user's connections
AccessRevoked                     close the connections of the user or of the sign-in
MarkedRead, ProductChanged        update the user's extended sessions (``updates``)
HouseholdLeft                     send the user nothing more of that household
Hint: a message of another node   reconcile the user's connections, check its updates
Gap: hints may have been lost     reconcile the users' connections, or all
================================  =======================================================

Only committed data is sent: events of this node follow a commit, hints cause a database look-up.
"""

from collections.abc import Callable
from typing import Any

from useby.bus import BusMessage, Gap
from useby.bus.hints import Hint
from useby.domain.events import (
    AccessRevoked,
    Event,
    HouseholdLeft,
    MarkedRead,
    NotificationsAdded,
    ProductChanged,
)
from useby.realtime import closes, frames
from useby.realtime.reconcile import Reconciler
from useby.realtime.registry import Registry
from useby.realtime.updates import ExtendedUpdates


class FanOut:
    """The table of messages and their effects."""

    def __init__(
        self, registry: Registry, reconciler: Reconciler, updates: ExtendedUpdates
    ) -> None:
        """Create the table for the connections of ``registry``."""
        self._registry = registry
        self._reconciler = reconciler
        self._updates = updates
        self._effects: dict[type, Callable[[Any], None]] = {
            NotificationsAdded: self._push,
            AccessRevoked: self._revoke,
            MarkedRead: updates.on_marked_read,
            ProductChanged: updates.on_product_changed,
            HouseholdLeft: self._leave,
            Hint: self._check,
            Gap: self._catch_up,
        }

    def on_event(self, message: Event | BusMessage) -> None:
        """Route a message. One of another node is never sent on: it causes a look-up."""
        effect = self._effects.get(type(message))
        if effect is not None:
            effect(message)

    def _push(self, added: NotificationsAdded) -> None:
        sockets, rows = self._registry.of(added.user_id), added.notifications
        if not sockets or not rows:
            return
        plain = extended = b""  # each encoded once for all devices
        for socket in tuple(sockets):
            if socket.session.extended:
                data = extended = extended or frames.notifications(rows, extended=True)
            else:
                data = plain = plain or frames.notifications(rows)
            try:
                socket.push(rows, data)
            except Exception:  # noqa: BLE001 - it is logged, and closes only this connection
                socket.fail()

    def _revoke(self, revoked: AccessRevoked) -> None:
        for socket in tuple(self._registry.of(revoked.user_id)):
            if revoked.session_id is None:
                ends = socket.sign_in_id not in revoked.spared
            else:
                ends = socket.sign_in_id == revoked.session_id
            if ends:
                socket.close(closes.ACCESS_REVOKED)

    def _leave(self, left: HouseholdLeft) -> None:
        self._updates.on_household_left(left)
        for socket in self._registry.of(left.user_id):
            socket.session.forget(left.household_id)

    def _check(self, hint: Hint) -> None:
        self._reconciler.users_soon([hint.user_id])
        self._updates.on_hint(hint)

    def _catch_up(self, gap: Gap) -> None:
        if gap.user_ids is None:
            self._reconciler.everything_soon()
        else:
            self._reconciler.users_soon(gap.user_ids)
