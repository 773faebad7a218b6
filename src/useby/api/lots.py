"""Routes of the caller's lots."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response

from useby.actions import inventory, lot_reads, lots
from useby.actions.lots import Done
from useby.api.context import Context, ContextDep
from useby.api.errors import Problem, problem_responses
from useby.api.idempotency import Repeatable, RepeatableDep
from useby.api.paging import Cursor, Limit, bad_cursor
from useby.api.preconditions import IfMatch, Precondition
from useby.api.refusals import refusals
from useby.api.stock_caller import CurrentStock, StockCaller
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.lot_actions import Change
from useby.domain.occasion import Occasion
from useby.domain.product import Product
from useby.schemas.etags import etag_of
from useby.schemas.fields import Id
from useby.schemas.lots import (
    ConsumeIn,
    DiscardIn,
    LotChange,
    LotDone,
    LotOut,
    LotPage,
    MoveIn,
    MovementOut,
    NewLot,
    StateIn,
    fields_of,
    past_of,
)
from useby.store import products
from useby.store.cursor import BadCursor
from useby.store.database import Transaction

router = APIRouter(prefix="/api", tags=["lots"])

ALL_OF_IT: Final = ConsumeIn()
DISCARD_ALL: Final = DiscardIn()
WHOLE_LOT: Final = StateIn()
Act = Callable[[Lot, Occasion], Change]


@router.get(
    "/products/{product_id}/lots", operation_id="listLots", responses=problem_responses(401, 404)
)
async def list_lots(
    node: ContextDep,
    caller: CurrentStock,
    product_id: Id,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> LotPage:
    """List a product's lots: open ones in the order in which they are taken, then closed ones.

    Closed ones are listed newest first. `nextCursor` leads to the next page.
    """
    try:
        found = await lot_reads.lots_of(node.database, caller.stock, product_id, cursor, limit)
    except BadCursor:
        raise bad_cursor() from None
    if found is None:
        raise Problem.not_found("product")
    now, (product, page) = node.now(), found
    return LotPage(
        items=[LotOut.of(each, product, caller.stock, now) for each in page.items],
        next_cursor=page.next_cursor,
    )


@router.post(
    "/products/{product_id}/lots",
    operation_id="addLot",
    response_model=LotDone,
    status_code=HTTPStatus.CREATED,
    responses=problem_responses(401, 404, 409, 412),
)
async def add_lot(
    node: ContextDep,
    caller: CurrentStock,
    product_id: Id,
    new: NewLot,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
) -> LotDone | Response:
    """Add a lot to a product. A product that was used up is watched again."""
    now, details = node.now(), new.details

    def receipt(product: Product, occasion: Occasion) -> Change:
        return lot_actions.receive(
            occasion,
            product_id=product.id,
            quantity=new.quantity,
            printed=new.printed,
            date_kind=new.date_kind or product.date_kind,
            lot_number=details.lot_number,
            serial=details.serial,
            location=new.location,
            price=details.price,
        )

    def work(transaction: Transaction) -> Done | None:
        owner = _owner(node, transaction, caller)
        found = products.get(transaction.connection, owner.id, product_id)
        if found is None:
            return None
        condition.require(found)
        day = None if details.received_on is None else Expiry(day=details.received_on)
        return lots.receive(transaction, owner, product_id, receipt, now, day)

    def answer(done: Done | None) -> LotDone:
        if done is None:
            raise Problem.not_found("product")
        return _answer(done, done.lots[0].id, caller, now, response, new)

    response.status_code = HTTPStatus.CREATED
    with refusals(caller, time="body.receivedOn"):
        return await repeatable.run(node, caller, response, work, answer)


@router.get("/lots/{lot_id}", operation_id="getLot", responses=problem_responses(401, 404))
async def get_lot(node: ContextDep, caller: CurrentStock, lot_id: Id, response: Response) -> LotOut:
    """Return a lot."""
    found = await lot_reads.lot(node.database, caller.stock, lot_id)
    if found is None:
        raise Problem.not_found("lot")
    product, lot = found
    response.headers["ETag"] = etag_of(lot)
    return LotOut.of(lot, product, caller.stock, node.now())


@router.patch(
    "/lots/{lot_id}", operation_id="changeLot", responses=problem_responses(401, 404, 409, 412)
)
async def change_lot(
    node: ContextDep,
    caller: CurrentStock,
    lot_id: Id,
    change: LotChange,
    condition: IfMatch,
    response: Response,
) -> LotDone:
    """Change the given fields of a lot; its date is computed again."""
    now = node.now()

    def work(transaction: Transaction) -> Done | None:
        owner = _owner(node, transaction, caller)
        _require(condition, transaction, owner, lot_id)
        return lots.change(transaction, owner, lot_id, change.given, now)

    with refusals(caller, time="body.receivedOn"):
        done = await node.database.write(work)
    return _answer(done, lot_id, caller, now, response, change)


@router.delete(
    "/lots/{lot_id}",
    operation_id="deleteLot",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404, 409, 412),
)
async def delete_lot(
    node: ContextDep, caller: CurrentStock, lot_id: Id, condition: IfMatch
) -> None:
    """Delete a lot that was entered by mistake, with its movements.

    What was sent about it is marked read. A lot that is used up is consumed or discarded instead.
    Parts that were split from it get movements of their own; too many of these are 409.
    """
    now = node.now()

    def work(transaction: Transaction) -> bool:
        owner = inventory.lock_to_delete(transaction, caller.actor, node.settings.limits)
        _require(condition, transaction, owner, lot_id)
        return lots.delete(transaction, owner, lot_id, now)

    with refusals(caller):
        existed = await node.database.write(work)
    if not existed:
        raise Problem.not_found("lot")


@router.post(
    "/lots/{lot_id}/consume",
    operation_id="consumeLot",
    response_model=LotDone,
    responses=problem_responses(401, 404, 409, 412),
)
async def consume_lot(
    node: ContextDep,
    caller: CurrentStock,
    lot_id: Id,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
    body: ConsumeIn = ALL_OF_IT,
) -> LotDone | Response:
    """Consume some of a lot, or all of it, which closes it."""

    def consume(lot: Lot, occasion: Occasion) -> Change:
        return lot_actions.consume([lot], body.quantity, occasion)

    return await _act(node, caller, lot_id, consume, body.at, condition, repeatable, response)


@router.post(
    "/lots/{lot_id}/discard",
    operation_id="discardLot",
    response_model=LotDone,
    responses=problem_responses(401, 404, 409, 412),
)
async def discard_lot(
    node: ContextDep,
    caller: CurrentStock,
    lot_id: Id,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
    body: DiscardIn = DISCARD_ALL,
) -> LotDone | Response:
    """Discard some of a lot, or all of it, which closes it."""

    def discard(lot: Lot, occasion: Occasion) -> Change:
        return lot_actions.discard([lot], body.quantity, body.reason, occasion)

    return await _act(node, caller, lot_id, discard, body.at, condition, repeatable, response)


@router.post(
    "/lots/{lot_id}/open",
    operation_id="openLot",
    response_model=LotDone,
    responses=problem_responses(401, 404, 409, 412),
)
async def open_lot(
    node: ContextDep,
    caller: CurrentStock,
    lot_id: Id,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
    body: StateIn = WHOLE_LOT,
) -> LotDone | Response:
    """Open a sealed or thawed lot. Less than all splits it: the opened `part` is a new lot."""

    def open_(lot: Lot, occasion: Occasion) -> Change:
        return lot_actions.open_(lot, body.quantity, occasion)

    return await _act(node, caller, lot_id, open_, body.at, condition, repeatable, response)


@router.post(
    "/lots/{lot_id}/freeze",
    operation_id="freezeLot",
    response_model=LotDone,
    responses=problem_responses(401, 404, 409, 412),
)
async def freeze_lot(
    node: ContextDep,
    caller: CurrentStock,
    lot_id: Id,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
    body: StateIn = WHOLE_LOT,
) -> LotDone | Response:
    """Freeze a lot, before its use-by date ends. Less than all splits it: `part` is frozen."""

    def freeze(lot: Lot, occasion: Occasion) -> Change:
        return lot_actions.freeze(lot, body.quantity, occasion)

    return await _act(node, caller, lot_id, freeze, body.at, condition, repeatable, response)


@router.post(
    "/lots/{lot_id}/thaw",
    operation_id="thawLot",
    response_model=LotDone,
    responses=problem_responses(401, 404, 409, 412),
)
async def thaw_lot(
    node: ContextDep,
    caller: CurrentStock,
    lot_id: Id,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
    body: StateIn = WHOLE_LOT,
) -> LotDone | Response:
    """Thaw a frozen lot. Less than all splits it: the thawed `part` is a new lot."""

    def thaw(lot: Lot, occasion: Occasion) -> Change:
        return lot_actions.thaw(lot, body.quantity, occasion)

    return await _act(node, caller, lot_id, thaw, body.at, condition, repeatable, response)


@router.post(
    "/lots/{lot_id}/move",
    operation_id="moveLot",
    response_model=LotDone,
    responses=problem_responses(401, 404, 409, 412),
)
async def move_lot(
    node: ContextDep,
    caller: CurrentStock,
    lot_id: Id,
    body: MoveIn,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
) -> LotDone | Response:
    """Move a lot to another location. Less than all splits it: the moved `part` is a new lot."""

    def move(lot: Lot, occasion: Occasion) -> Change:
        return lot_actions.move(lot, body.quantity, body.location, occasion)

    return await _act(node, caller, lot_id, move, body.at, condition, repeatable, response)


async def _act(
    node: Context,
    caller: StockCaller,
    lot_id: str,
    action: Act,
    at: str | None,
    condition: Precondition,
    repeatable: Repeatable,
    response: Response,
) -> LotDone | Response:
    now, time = node.now(), past_of(at)

    def act(lot: Lot, occasion: Occasion) -> Change:
        condition.require(lot)
        return action(lot, occasion)

    with refusals(caller):
        return await repeatable.run(
            node,
            caller,
            response,
            lambda t: lots.act(t, _owner(node, t, caller), lot_id, act, now, time),
            lambda done: _answer(done, lot_id, caller, now, response),
        )


def _answer(
    done: Done | None,
    lot_id: str,
    caller: StockCaller,
    now: datetime,
    response: Response,
    sent: NewLot | LotChange | None = None,
) -> LotDone:
    """Return the lot of a path with what was recorded, and its entity tag."""
    if done is None:
        raise Problem.not_found("lot")
    lot = next(each for each in done.lots if each.id == lot_id)
    part = next((each for each in done.lots if each.id != lot_id), None)
    response.headers["ETag"] = etag_of(lot)
    return LotDone(
        **fields_of(lot, done.product, caller.stock, now, sent),
        movements=[MovementOut.of(each) for each in done.movements],
        part=None if part is None else LotOut.of(part, done.product, caller.stock, now),
    )


def _require(condition: Precondition, transaction: Transaction, owner: User, lot_id: str) -> None:
    if condition.value is not None:
        found = lots.load(transaction, owner, lot_id)
        if found is not None:  # a lot that does not exist is not found
            condition.require(found[1])


def _owner(node: Context, transaction: Transaction, caller: StockCaller) -> User:
    return inventory.lock_owner(transaction, caller.actor, node.settings.limits)
