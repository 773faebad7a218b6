"""Routes of what happened to the caller's lots, and of undoing it."""

import re
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response

from useby.actions import inventory, lot_reads, lots
from useby.actions.lots import Done
from useby.api.context import ContextDep
from useby.api.errors import Problem, problem_responses
from useby.api.idempotency import RepeatableDep
from useby.api.paging import Cursor, Limit, bad_cursor
from useby.api.preconditions import IfMatch, Precondition
from useby.api.refusals import refusals
from useby.api.stock_caller import CurrentStock
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.household import as_listed
from useby.domain.movement import Movement
from useby.schemas.etags import etag_of
from useby.schemas.fields import Id, Text
from useby.schemas.lots import MovementOut, MovementPage
from useby.schemas.problems import FieldError, sentences
from useby.schemas.products import ProductDone
from useby.store import lots as stored_lots
from useby.store import products
from useby.store.cursor import BadCursor, Page
from useby.store.database import Transaction

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
router = APIRouter(prefix="/api", tags=["movements"])

SINCE_FORM = (
    "must be the id of a movement, a day, e.g. 2026-03-04, or a date-time with its offset,"
    " e.g. 2026-03-04T10:30:00+01:00"
)


@router.get(
    "/products/{product_id}/movements",
    operation_id="listProductMovements",
    responses=problem_responses(401, 404),
)
async def list_product_movements(
    node: ContextDep,
    caller: CurrentStock,
    product_id: Id,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> MovementPage:
    """List what happened to a product's lots, newest first."""
    try:
        page = await lot_reads.movements(node.database, caller.stock, product_id, cursor, limit)
    except BadCursor:
        raise bad_cursor() from None
    if page is None:
        raise Problem.not_found("product")
    return _render(page, caller.stock)


@router.get("/movements", operation_id="listMovements", responses=problem_responses(401))
async def list_movements(
    node: ContextDep,
    caller: CurrentStock,
    since: Annotated[
        Text | None,
        Query(
            max_length=64,
            description="Only those recorded after the movement with this id, or on this day or"
            " at this time, or later.",
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> MovementPage:
    """List what happened to all lots, newest first."""
    after = _since(since, caller.stock.zone)
    try:
        page = await lot_reads.movements_of_household(
            node.database, caller.stock, after, cursor, limit
        )
    except BadCursor:
        raise bad_cursor() from None
    return _render(page, caller.stock)


@router.post(
    "/movements/{movement_id}/undo",
    operation_id="undoMovement",
    response_model=ProductDone,
    responses=problem_responses(401, 404, 409, 412),
)
async def undo_movement(
    node: ContextDep,
    caller: CurrentStock,
    movement_id: Id,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
) -> ProductDone | Response:
    """Undo a movement, if no later one of its lots stands on it; else the answer is 409.

    A split is undone together with what was done to its part. Notifications that the movement
    marked read, because it closed a lot, are unread again. The answer is the product with its
    `lots` that have changed. `If-Match` has the tag of the product or of the movement's lot.
    """
    now = node.now()

    def work(transaction: Transaction) -> Done | None:
        owner = inventory.lock_owner(transaction, caller.actor, node.settings.limits)
        _require(condition, transaction, owner, movement_id)
        return lots.undo(transaction, owner, movement_id, now)

    def answer(done: Done | None) -> ProductDone:
        if done is None:
            raise Problem.not_found("movement")
        response.headers["ETag"] = etag_of(done.product)
        return ProductDone.after(done.product, done.movements, caller.stock, now, lots=done.lots)

    with refusals(caller):
        return await repeatable.run(node, caller, response, work, answer)


def _require(
    condition: Precondition, transaction: Transaction, owner: User, movement_id: str
) -> None:
    """Check a condition on the product of a movement, or on the lot, whose tag an action returns.

    A movement that does not exist is not found by what follows.
    """
    if condition.value is None:
        return
    movement = stored_lots.movement(transaction.connection, owner.id, movement_id)
    if movement is None:
        return
    product = products.get(transaction.connection, owner.id, movement.product_id)
    lot = lots.load(transaction, owner, movement.lot_id)
    condition.require(product, None if lot is None else lot[1])


def _since(text: str | None, zone: ZoneInfo) -> datetime | str | None:
    """Return the time or the id that ``since`` means.

    An id keeps its place in the order of recording when its movement is removed with a lot.

    Raises:
        Problem: 422, it is neither a time nor an id.
    """
    if text is None or _ID.fullmatch(text):
        return text
    try:
        time = Expiry.parse(text)
    except ValueError:
        errors = [FieldError(at="query.since", message=SINCE_FORM)]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentences(errors), errors=errors) from None
    return time.starts_at(zone)


def _render(page: Page[Movement], stock: User) -> MovementPage:
    shown = [MovementOut.of(as_listed(stock, each)) for each in page.items]
    return MovementPage(items=shown, next_cursor=page.next_cursor)
