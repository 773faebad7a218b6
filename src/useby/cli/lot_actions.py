"""``useby lot open`` and other actions on one lot."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from useby.actions import lots as actions
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.lot_doing import (
    At,
    Given,
    LotActionResult,
    QuantityText,
    Reason,
    carry_out,
    change_by,
    deed_of,
    run_and_print,
)
from useby.cli.lot_reading import words_for
from useby.cli.naming import LotName, lot_named
from useby.cli.options import AsJson, DatabaseUrl, Owner, checked
from useby.cli.typed_dates import typed_time
from useby.domain.movement import MovementKind
from useby.store.database import Database


def open_(
    lot_id: LotName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Open a lot that is sealed or thawed; a part of it becomes a lot of its own."""
    given = checked(Given, {}, quantity=quantity)
    _act(
        MovementKind.OPENED,
        lot_id,
        (email_or_id, household),
        given,
        at,
        as_json=as_json,
        url=database,
    )


def freeze(
    lot_id: LotName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Freeze a lot; a part of it becomes a lot of its own."""
    given = checked(Given, {}, quantity=quantity)
    _act(
        MovementKind.FROZEN,
        lot_id,
        (email_or_id, household),
        given,
        at,
        as_json=as_json,
        url=database,
    )


def thaw(
    lot_id: LotName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Thaw a frozen lot; a part of it becomes a lot of its own."""
    given = checked(Given, {}, quantity=quantity)
    _act(
        MovementKind.THAWED,
        lot_id,
        (email_or_id, household),
        given,
        at,
        as_json=as_json,
        url=database,
    )


def move(
    lot_id: LotName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    location: Annotated[str, typer.Option(help="New place, e.g. Freezer.")],
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Move a lot to another place; a part of it becomes a lot of its own."""
    given = checked(Given, {}, quantity=quantity, location=location)
    _act(
        MovementKind.MOVED,
        lot_id,
        (email_or_id, household),
        given,
        at,
        as_json=as_json,
        url=database,
    )


def consume(
    lot_id: LotName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Consume some of a lot, or all of it."""
    given = checked(Given, {}, quantity=quantity)
    _act(
        MovementKind.CONSUMED,
        lot_id,
        (email_or_id, household),
        given,
        at,
        as_json=as_json,
        url=database,
    )


def discard(
    lot_id: LotName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    reason: Reason = None,
    quantity: QuantityText = None,
    at: At = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Throw away some of a lot, or all of it."""
    given = checked(Given, {}, quantity=quantity, reason=reason)
    _act(
        MovementKind.DISCARDED,
        lot_id,
        (email_or_id, household),
        given,
        at,
        as_json=as_json,
        url=database,
    )


def _act(
    kind: MovementKind,
    lot_id: str,
    whose: tuple[str, str | None],
    given: Given,
    at: str | None,
    *,
    as_json: bool,
    url: str | None,
) -> None:
    """Carry out an action on a lot of a person's household and print it."""

    async def work(database: Database) -> LotActionResult:
        user, now = await stock_of(database, *whose, deed_of(kind)), datetime.now(UTC)
        when = typed_time(at, user, now)
        wanted = await lot_named(database, user, lot_id)
        words = await database.read(lambda c: words_for(c, user, now))
        change = change_by(kind, given)
        return await carry_out(
            database,
            user,
            words.lot(wanted.id),
            lambda t, owner: actions.act(t, owner, wanted.id, change, now, when),
            now,
            deed_of(kind),
        )

    run_and_print(url, work, as_json=as_json)
