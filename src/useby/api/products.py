"""Routes of the caller's products."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from uuid_utils import uuid7

from useby.actions import inventory, lot_reads, lots, stock, upserts
from useby.actions.lots import Done
from useby.api.bodies import BatchRoute, in_turns, results_response
from useby.api.context import Context, ContextDep
from useby.api.errors import Problem, problem_responses
from useby.api.idempotency import Repeatable, RepeatableDep
from useby.api.paging import Limit, bad_cursor
from useby.api.preconditions import IfMatch, Precondition
from useby.api.refusals import TAKEN, counted, refusals
from useby.api.stock_caller import CurrentStock, StockCaller
from useby.domain.account import User
from useby.domain.product import DateKind, Disposal, Product, Status
from useby.domain.quota import ProductFull
from useby.schemas.etags import etag_of
from useby.schemas.fields import DAY_LIMIT, Id, Text
from useby.schemas.lots import ConsumeIn, DiscardIn, past_of
from useby.schemas.problems import FieldError, shared_out
from useby.schemas.products import (
    MAX_BARCODE,
    BatchIn,
    BatchOut,
    BatchResult,
    ProductChange,
    ProductDone,
    ProductFields,
    ProductIn,
    ProductOut,
    ProductPage,
    QuantityIn,
    changed,
    product_from,
)
from useby.store import new_products, products
from useby.store.cursor import BadCursor
from useby.store.database import Transaction
from useby.store.product_search import Order, ProductQuery

router = APIRouter(prefix="/api/products", tags=["products"])
batches = APIRouter(prefix=router.prefix, tags=[*router.tags], route_class=BatchRoute)

ALL_OF_IT: Final = ConsumeIn()
DISCARD_ALL: Final = DiscardIn()
ALL_AGAIN: Final = QuantityIn()
AtLocation = Annotated[
    Text | None,
    Query(max_length=100, description="Place of an open lot; case and accents are ignored."),
]
WithBarcode = Annotated[
    Text | None,
    Query(max_length=MAX_BARCODE, description="A barcode; one GTIN is found in all its spellings."),
]
WithLots = Annotated[Literal["lots"] | None, Query(description="`lots` adds each product's lots.")]


def _owner(node: Context, transaction: Transaction, caller: StockCaller, new: int = 0) -> User:
    return inventory.lock_owner(transaction, caller.actor, node.settings.limits, new=new)


def _render_or_404(
    product: Product | None,
    caller: StockCaller,
    now: datetime,
    response: Response,
    sent: ProductFields | None = None,
) -> ProductOut:
    if product is None:
        raise Problem.not_found("product")
    response.headers["ETag"] = etag_of(product)
    return ProductOut.of(product, caller.stock, now, sent)


def _require(
    condition: Precondition, transaction: Transaction, owner: User, product_id: str
) -> None:
    """Check a condition on a product; one that does not exist is not found by what follows."""
    if condition.value is not None:
        found = products.get(transaction.connection, owner.id, product_id)
        if found is not None:
            condition.require(found)


@router.post(
    "",
    operation_id="addProduct",
    response_model=ProductOut,
    status_code=HTTPStatus.CREATED,
    responses=problem_responses(401, 409),
)
async def add_product(
    node: ContextDep,
    caller: CurrentStock,
    new: ProductIn,
    repeatable: RepeatableDep,
    response: Response,
) -> ProductOut | Response:
    """Add a product with one lot. If it is within its lead time, its alert is sent at once."""
    now = node.now()
    product = product_from(new, caller.stock.id, str(uuid7()), now)
    response.status_code = HTTPStatus.CREATED
    with refusals(caller, time="body.receivedOn"):
        return await repeatable.run(
            node,
            caller,
            response,
            lambda t: inventory.add(t, product, _owner(node, t, caller, 1), now, new.details),
            lambda added: _render_or_404(added, caller, now, response, new),
        )


@router.get("", operation_id="listProducts", responses=problem_responses(401))
async def list_products(
    node: ContextDep,
    caller: CurrentStock,
    status: Status | None = None,
    expiring_within: Annotated[
        int | None,
        Query(
            alias="expiringWithin", ge=0, le=DAY_LIMIT, description="Number of days; 0 is today."
        ),
    ] = None,
    category: Annotated[
        Text | None,
        Query(max_length=100, description="Name of a category; case and accents are ignored."),
    ] = None,
    q: Annotated[
        Text | None,
        Query(max_length=200, description="Text to search for; case and accents are ignored."),
    ] = None,
    barcode: WithBarcode = None,
    location: AtLocation = None,
    date_kind: Annotated[
        DateKind | None,
        Query(alias="dateKind", description="Kind of date of the lot that is taken next."),
    ] = None,
    include: WithLots = None,
    sort: Order = Order.EXPIRY,
    cursor: Annotated[Text | None, Query(max_length=4096)] = None,
    limit: Limit = 50,
) -> ProductPage:
    """List the caller's products by page; `nextCursor` leads to the next page."""
    now = node.now()
    query = ProductQuery(
        status, expiring_within, category, q, sort, cursor, limit, barcode, location, date_kind
    )
    try:
        page, its_lots = await lot_reads.page(
            node.database, caller.stock, query, now, with_lots=include is not None
        )
    except BadCursor:
        raise bad_cursor() from None
    return ProductPage(
        items=[
            ProductOut.of(each, caller.stock, now, lots=its_lots.get(each.id))
            for each in page.items
        ],
        next_cursor=page.next_cursor,
    )


@batches.post(
    "/batch",
    operation_id="addProducts",
    response_model=BatchOut,
    responses=problem_responses(401, 409),
)
async def add_products(node: ContextDep, caller: CurrentStock, batch: BatchIn) -> Response:
    """Add up to 1,000 products. Each has its own result; the devices get one summary.

    A product that is used up and comes again by its `externalId` with a new date gets a new lot.
    """
    now = node.now()
    today = now.astimezone(caller.stock.zone).date()
    read = await in_turns(lambda item: _read_item(item, today), batch.items)
    errors = shared_out([[] if isinstance(each, ProductIn) else each for each in read])
    valid = [each for each in read if isinstance(each, ProductIn)]
    new = await in_turns(lambda each: product_from(each, caller.stock.id, str(uuid7()), now), valid)
    rows = await in_turns(
        lambda each: stock.new_product(each[0], caller.stock, now, each[1].details),
        zip(new, valid, strict=True),
    )

    its = new_products.statements(node.database.dialect, caller.stock.id, rows)
    statements = await in_turns(lambda each: each, its)

    def work(transaction: Transaction) -> list[Product | ProductFull | None]:
        owner = _owner(node, transaction, caller, len(new))
        added = inventory.add_many(transaction, new, owner, now, rows, statements)
        rest = [row for row, is_new in zip(rows, added, strict=True) if not is_new]
        again = upserts.receive_again(
            transaction, owner, [(row.given, row.details) for row in rest], now
        )
        return [
            product if is_new else again.get(product.id)
            for product, is_new in zip(new, added, strict=True)
        ]

    with refusals(caller, time="body.items"):
        outcomes = iter(await node.database.write(work, large=True))

    def result(numbered: tuple[int, ProductIn | list[FieldError]]) -> BatchResult:
        index, item = numbered
        if not isinstance(item, ProductIn):
            return BatchResult(index=index, status=422, errors=errors[index])
        product = next(outcomes)
        if isinstance(product, Product):
            shown = ProductOut.of(product, caller.stock, now, item)
            return BatchResult(index=index, status=201, product=shown)
        error = FieldError(at="externalId", message=TAKEN if product is None else counted(product))
        return BatchResult(index=index, status=409, errors=[error])

    return await results_response(result, enumerate(read))


def _read_item(item: Any, today: date) -> ProductIn | list[FieldError]:
    """Return an item of a batch, or its errors."""
    new = ProductIn.read(item)
    if isinstance(new, ProductIn) and (new.details.received_on or today) > today:
        return [FieldError(at="receivedOn", message=f"must not be in the future, e.g. {today}")]
    return new


@router.get("/{product_id}", operation_id="getProduct", responses=problem_responses(401, 404))
async def get_product(
    node: ContextDep,
    caller: CurrentStock,
    product_id: Id,
    response: Response,
    include: WithLots = None,
) -> ProductOut:
    """Return a product; with `include=lots` with its lots."""
    if include is None:
        product = await node.database.read(lambda c: products.get(c, caller.stock.id, product_id))
        return _render_or_404(product, caller, node.now(), response)
    found = await lot_reads.product(node.database, caller.stock, product_id)
    if found is None:
        raise Problem.not_found("product")
    response.headers["ETag"] = etag_of(found.product)
    return ProductOut.of(found.product, caller.stock, node.now(), lots=found.lots)


@router.patch(
    "/{product_id}", operation_id="changeProduct", responses=problem_responses(401, 404, 409, 412)
)
async def change_product(
    node: ContextDep,
    caller: CurrentStock,
    product_id: Id,
    change: ProductChange,
    condition: IfMatch,
    response: Response,
) -> ProductOut:
    """Change the given fields of a product. A new date reschedules its alerts.

    `expiryDate`, `quantity` and `location` are those of its only open lot: if it has several, the
    answer is 409 with the `lots`, one of which can be changed by itself.
    """
    now = node.now()

    def work(transaction: Transaction) -> Product | None:
        owner = _owner(node, transaction, caller)
        before = products.get(transaction.connection, owner.id, product_id)
        if before is None:
            return None
        condition.require(before)
        return inventory.replace(transaction, changed(before, change, now), owner, now)

    with refusals(caller):
        product = await node.database.write(work)
    return _render_or_404(product, caller, now, response, change)


@router.delete(
    "/{product_id}",
    operation_id="deleteProduct",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404, 412),
)
async def delete_product(
    node: ContextDep, caller: CurrentStock, product_id: Id, condition: IfMatch
) -> None:
    """Delete a product permanently, with its lots; its notifications are marked read."""
    now = node.now()

    def work(transaction: Transaction) -> bool:
        owner = inventory.lock_to_delete(transaction, caller.actor)
        _require(condition, transaction, owner, product_id)
        return inventory.delete(transaction, owner, product_id, now)

    if not await node.database.write(work, large=True):
        raise Problem.not_found("product")


@router.post(
    "/{product_id}/consume",
    operation_id="consumeProduct",
    response_model=ProductDone,
    responses=problem_responses(401, 404, 409, 412),
)
async def consume_product(
    node: ContextDep,
    caller: CurrentStock,
    product_id: Id,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
    amount: ConsumeIn = ALL_OF_IT,
) -> ProductDone | Response:
    """Consume some of a product's lots, in the order in which they are taken, or all of them."""
    return await _use(node, caller, product_id, amount, condition, repeatable, response)


@router.post(
    "/{product_id}/discard",
    operation_id="discardProduct",
    response_model=ProductDone,
    responses=problem_responses(401, 404, 409, 412),
)
async def discard_product(
    node: ContextDep,
    caller: CurrentStock,
    product_id: Id,
    condition: IfMatch,
    repeatable: RepeatableDep,
    response: Response,
    amount: DiscardIn = DISCARD_ALL,
) -> ProductDone | Response:
    """Discard some of a product's lots, in the order in which they are taken, or all of them."""
    return await _use(node, caller, product_id, amount, condition, repeatable, response)


@router.post(
    "/{product_id}/reopen",
    operation_id="reopenProduct",
    responses=problem_responses(401, 404, 409, 412),
)
async def reopen_product(
    node: ContextDep,
    caller: CurrentStock,
    product_id: Id,
    condition: IfMatch,
    response: Response,
    amount: QuantityIn = ALL_AGAIN,
) -> ProductOut:
    """Reopen a closed product; without a quantity it has the one from before it was closed."""
    now = node.now()

    def work(transaction: Transaction) -> Product | None:
        owner = _owner(node, transaction, caller)
        _require(condition, transaction, owner, product_id)
        return inventory.reopen(transaction, owner, product_id, quantity=amount.quantity, now=now)

    with refusals(caller):
        product = await node.database.write(work, large=True)
    return _render_or_404(product, caller, now, response)


async def _use(
    node: Context,
    caller: StockCaller,
    product_id: str,
    amount: ConsumeIn | DiscardIn,
    condition: Precondition,
    repeatable: Repeatable,
    response: Response,
) -> ProductDone | Response:
    now = node.now()

    def work(transaction: Transaction) -> Done | None:
        owner = _owner(node, transaction, caller)
        _require(condition, transaction, owner, product_id)
        return lots.take(
            transaction,
            owner,
            product_id,
            quantity=amount.quantity,
            how=Disposal.DISCARDED if isinstance(amount, DiscardIn) else Disposal.CONSUMED,
            now=now,
            at=past_of(amount.at),
            reason=amount.reason if isinstance(amount, DiscardIn) else None,
        )

    def answer(done: Done | None) -> ProductDone:
        if done is None:
            raise Problem.not_found("product")
        response.headers["ETag"] = etag_of(done.product)
        return ProductDone.after(done.product, done.movements, caller.stock, now)

    with refusals(caller):
        return await repeatable.run(node, caller, response, work, answer)
