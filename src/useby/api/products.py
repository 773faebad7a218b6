"""Routes of the caller's products."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from uuid_utils import uuid7

from useby.actions import inventory, stock
from useby.actions.inventory import ExternalIdTaken
from useby.api.bodies import BatchRoute, in_turns, results_response
from useby.api.context import Caller, Context, ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.domain.account import User
from useby.domain.movement import ActionRefused
from useby.domain.product import Disposal, Product, Status
from useby.schemas.fields import DAY_LIMIT, Id, Text
from useby.schemas.problems import FieldError, shared_out
from useby.schemas.products import (
    MAX_BARCODE,
    BatchIn,
    BatchOut,
    BatchResult,
    ProductChange,
    ProductIn,
    ProductOut,
    ProductPage,
    QuantityIn,
    changed,
    product_from,
)
from useby.store import product_search, products
from useby.store.cursor import BadCursor
from useby.store.database import Transaction
from useby.store.product_search import Order, ProductQuery

router = APIRouter(prefix="/api/products", tags=["products"])
batches = APIRouter(prefix=router.prefix, tags=[*router.tags], route_class=BatchRoute)

TAKEN: Final = "Another product has this externalId."
ALL_OF_IT: Final = QuantityIn()


def _new_id() -> str:
    return str(uuid7())


def _owner(node: Context, transaction: Transaction, caller: Caller, new: int = 0) -> User:
    return inventory.lock_owner(transaction, caller.user.id, node.settings.limits, new=new)


def _render_or_404(
    product: Product | None, caller: Caller, now: datetime, sent: ProductIn | None = None
) -> ProductOut:
    if product is None:
        raise Problem.not_found("product")
    return ProductOut.of(product, caller.user, now, sent)


@router.post(
    "",
    operation_id="addProduct",
    status_code=HTTPStatus.CREATED,
    responses=problem_responses(401, 409),
)
async def add_product(node: ContextDep, caller: CurrentCaller, new: ProductIn) -> ProductOut:
    """Add a product. If it is within its lead time, its alert is sent at once."""
    now = node.now()
    product = product_from(new, caller.user.id, _new_id(), now)
    try:
        await node.database.write(
            lambda t: inventory.add(t, product, _owner(node, t, caller, 1), now)
        )
    except ExternalIdTaken:
        raise Problem(HTTPStatus.CONFLICT, TAKEN) from None
    return _render_or_404(product, caller, now, new)


@router.get("", operation_id="listProducts", responses=problem_responses(401))
async def list_products(
    node: ContextDep,
    caller: CurrentCaller,
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
    barcode: Annotated[
        Text | None,
        Query(
            max_length=MAX_BARCODE,
            description="A barcode; one GTIN is found in all its spellings.",
        ),
    ] = None,
    sort: Order = Order.EXPIRY,
    cursor: Annotated[Text | None, Query(max_length=4096)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> ProductPage:
    """List the caller's products by page; `nextCursor` leads to the next page."""
    now = node.now()
    query = ProductQuery(status, expiring_within, category, q, sort, cursor, limit, barcode)
    try:
        page = await product_search.read_folded(
            node.database,
            caller.user.id,
            lambda c: product_search.list_(c, caller.user, query, now),
        )
    except BadCursor:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The cursor is not one of this list."
        ) from None
    return ProductPage(
        items=[ProductOut.of(each, caller.user, now) for each in page.items],
        next_cursor=page.next_cursor,
    )


@batches.post(
    "/batch",
    operation_id="addProducts",
    response_model=BatchOut,
    responses=problem_responses(401, 409),
)
async def add_products(node: ContextDep, caller: CurrentCaller, batch: BatchIn) -> Response:
    """Add up to 1,000 products. Each has its own result; the devices get one summary."""
    now = node.now()
    read = await in_turns(ProductIn.read, batch.items)
    errors = shared_out([[] if isinstance(each, ProductIn) else each for each in read])
    valid = [each for each in read if isinstance(each, ProductIn)]
    new = await in_turns(lambda each: product_from(each, caller.user.id, _new_id(), now), valid)
    rows = await in_turns(lambda each: stock.new_product(each, caller.user, now), new)
    kept = await node.database.write(
        lambda t: inventory.add_many(t, new, _owner(node, t, caller, len(new)), now, rows),
        large=True,
    )
    outcomes = iter(zip(new, kept, strict=True))

    def result(numbered: tuple[int, ProductIn | list[FieldError]]) -> BatchResult:
        index, item = numbered
        if not isinstance(item, ProductIn):
            return BatchResult(index=index, status=422, errors=errors[index])
        product, added = next(outcomes)
        if added:
            shown = ProductOut.of(product, caller.user, now, item)
            return BatchResult(index=index, status=201, product=shown)
        error = FieldError(at="externalId", message=TAKEN)
        return BatchResult(index=index, status=409, errors=[error])

    return await results_response(result, enumerate(read))


@router.get("/{product_id}", operation_id="getProduct", responses=problem_responses(401, 404))
async def get_product(node: ContextDep, caller: CurrentCaller, product_id: Id) -> ProductOut:
    """Return a product."""
    product = await node.database.read(lambda c: products.get(c, caller.user.id, product_id))
    return _render_or_404(product, caller, node.now())


@router.patch(
    "/{product_id}", operation_id="changeProduct", responses=problem_responses(401, 404, 409)
)
async def change_product(
    node: ContextDep, caller: CurrentCaller, product_id: Id, change: ProductChange
) -> ProductOut:
    """Change the given fields of a product. A new date reschedules its alerts."""
    now = node.now()

    def work(transaction: Transaction) -> Product | None:
        owner = _owner(node, transaction, caller)
        before = products.get(transaction.connection, owner.id, product_id)
        if before is None:
            return None
        return inventory.replace(transaction, changed(before, change, now), owner, now)

    try:
        product = await node.database.write(work)
    except ExternalIdTaken:
        raise Problem(HTTPStatus.CONFLICT, TAKEN) from None
    except ActionRefused as error:
        raise Problem(HTTPStatus.CONFLICT, f"This change is not possible: {error}.") from None
    return _render_or_404(product, caller, now, change)


@router.delete(
    "/{product_id}",
    operation_id="deleteProduct",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def delete_product(node: ContextDep, caller: CurrentCaller, product_id: Id) -> None:
    """Delete a product permanently; its notifications are marked read."""
    now = node.now()
    deleted = await node.database.write(
        lambda t: inventory.delete(t, caller.user.id, product_id, now)
    )
    if not deleted:
        raise Problem.not_found("product")


@router.post(
    "/{product_id}/consume",
    operation_id="consumeProduct",
    responses=problem_responses(401, 404, 409),
)
async def consume_product(
    node: ContextDep, caller: CurrentCaller, product_id: Id, amount: QuantityIn = ALL_OF_IT
) -> ProductOut:
    """Consume some of a product, or all of it, which closes it."""
    return await _use(node, caller, product_id, amount, Disposal.CONSUMED)


@router.post(
    "/{product_id}/discard",
    operation_id="discardProduct",
    responses=problem_responses(401, 404, 409),
)
async def discard_product(
    node: ContextDep, caller: CurrentCaller, product_id: Id, amount: QuantityIn = ALL_OF_IT
) -> ProductOut:
    """Discard some of a product, or all of it, which closes it."""
    return await _use(node, caller, product_id, amount, Disposal.DISCARDED)


@router.post(
    "/{product_id}/reopen", operation_id="reopenProduct", responses=problem_responses(401, 404, 409)
)
async def reopen_product(
    node: ContextDep, caller: CurrentCaller, product_id: Id, amount: QuantityIn = ALL_OF_IT
) -> ProductOut:
    """Reopen a closed product; without a quantity it has the one from before it was closed."""
    now = node.now()

    def work(transaction: Transaction) -> Product | None:
        owner = _owner(node, transaction, caller)
        return inventory.reopen(transaction, owner, product_id, quantity=amount.quantity, now=now)

    return await _change_state(node, caller, work, now)


async def _use(
    node: Context, caller: Caller, product_id: str, amount: QuantityIn, how: Disposal
) -> ProductOut:
    now = node.now()

    def work(transaction: Transaction) -> Product | None:
        owner = _owner(node, transaction, caller)
        return inventory.use(
            transaction, owner, product_id, quantity=amount.quantity, how=how, now=now
        )

    return await _change_state(node, caller, work, now)


async def _change_state(
    node: Context, caller: Caller, work: Callable[[Transaction], Product | None], now: datetime
) -> ProductOut:
    """Run a change; answer 409 if the product's present state does not allow it."""
    try:
        product = await node.database.write(work)
    except ValueError as error:
        raise Problem(HTTPStatus.CONFLICT, f"This change is not possible: {error}.") from None
    return _render_or_404(product, caller, now)
