"""A person's products, over REST."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response
from uuid_utils import uuid7

from useby.api.context import Known, Node
from useby.api.errors import Problem, answers
from useby.api.product_shapes import (
    Amount,
    BatchIn,
    BatchOut,
    BatchResult,
    ProductChange,
    ProductIn,
    ProductOut,
    ProductPage,
    changed,
    product_from,
)
from useby.api.shapes import DAY_LIMIT, Id
from useby.domain import product as rules
from useby.domain import wording
from useby.domain.notification import Draft, Event, Kind
from useby.domain.product import Closing, Product, Status
from useby.store import notifications, product_search, products
from useby.store.cursor import BadCursor
from useby.store.engine import Transaction
from useby.store.product_search import Order, ProductQuery
from useby.store.products import ExternalIdTaken

router = APIRouter(prefix="/api/products", tags=["products"])

ALL_OF_IT = Amount()


def _new_id() -> str:
    return str(uuid7())


@router.post(
    "", operation_id="addProduct", status_code=HTTPStatus.CREATED, responses=answers(401, 409)
)
async def add_product(node: Node, caller: Known, new: ProductIn) -> ProductOut:
    """Add a product. One that is within its lead time is spoken of at once."""
    now = node.now()
    product = product_from(new, caller.user.id, _new_id(), now)
    try:
        await node.database.write(lambda t: products.add(t, product, caller.user, now))
    except ExternalIdTaken:
        raise _taken() from None
    return ProductOut.of(product, caller.user, now)


@router.get("", operation_id="listProducts", responses=answers(401))
async def list_products(
    node: Node,
    caller: Known,
    status: Status | None = None,
    expiring_within: Annotated[
        int | None,
        Query(alias="expiringWithin", ge=0, le=DAY_LIMIT, description="Days, today being 0."),
    ] = None,
    category: Annotated[str | None, Query(max_length=100)] = None,
    q: Annotated[str | None, Query(max_length=200, description="Text to be found.")] = None,
    sort: Order = Order.EXPIRY,
    cursor: Annotated[str | None, Query(max_length=2048)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> ProductPage:
    """A page of the caller's products; `nextCursor` leads to the next."""
    now = node.now()
    query = ProductQuery(status, expiring_within, category, q, sort, cursor, limit)
    try:
        page = await node.database.read(lambda c: product_search.list_(c, caller.user, query, now))
    except BadCursor:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The cursor is not one of this list."
        ) from None
    return ProductPage(
        items=[ProductOut.of(each, caller.user, now) for each in page.items],
        next_cursor=page.next_cursor,
    )


@router.post("/batch", operation_id="addProducts", responses=answers(401))
async def add_products(node: Node, caller: Known, batch: BatchIn) -> BatchOut:
    """Add up to 1,000 products. Each has its own result; one summary tells the devices."""
    now = node.now()
    user_id = caller.user.id
    parsed = [ProductIn.read(each) for each in batch.items]
    results: list[BatchResult] = []

    def work(transaction: Transaction) -> None:
        results.clear()
        wanted = {each.external_id for each in parsed if isinstance(each, ProductIn)}
        taken = set(
            products.by_external_id(
                transaction.connection, user_id, (name for name in wanted if name is not None)
            )
        )
        new: list[Product] = []
        for index, each in enumerate(parsed):
            if not isinstance(each, ProductIn):
                results.append(BatchResult(index=index, status=422, errors=each))
            elif each.external_id is not None and each.external_id in taken:
                results.append(BatchResult(index=index, status=409, errors=[]))
            else:
                if each.external_id is not None:
                    taken.add(each.external_id)
                product = product_from(each, user_id, _new_id(), now)
                new.append(product)
                shown = ProductOut.of(product, caller.user, now)
                results.append(BatchResult(index=index, status=201, product=shown))
        products.add_many(transaction, new, caller.user, now)
        if new:
            said = Draft(user_id, wording.added(len(new)), Kind.INFO, Event.ADDED)
            notifications.add(transaction, [said], now)

    await node.database.write(work)
    return BatchOut(results=results)


@router.get("/{product_id}", operation_id="getProduct", responses=answers(401, 404))
async def get_product(node: Node, caller: Known, product_id: Id) -> ProductOut:
    """One product."""
    product = await node.database.read(lambda c: products.get(c, caller.user.id, product_id))
    if product is None:
        raise Problem.not_found("product")
    return ProductOut.of(product, caller.user, node.now())


@router.patch("/{product_id}", operation_id="changeProduct", responses=answers(401, 404, 409))
async def change_product(
    node: Node, caller: Known, product_id: Id, change: ProductChange
) -> ProductOut:
    """Change what is given; what is left out stays. A moved date has its alerts placed anew."""
    now = node.now()

    def work(transaction: Transaction) -> Product | None:
        before = products.get(transaction.connection, caller.user.id, product_id)
        if before is None:
            return None
        after = changed(before, change, now)
        name = after.external_id
        is_new = name is not None and name != before.external_id
        if is_new and products.by_external_id(transaction.connection, caller.user.id, [name or ""]):
            raise ExternalIdTaken
        return products.replace(transaction, after, caller.user, now)

    try:
        product = await node.database.write(work)
    except ExternalIdTaken:
        raise _taken() from None
    if product is None:
        raise Problem.not_found("product")
    return ProductOut.of(product, caller.user, now)


@router.delete(
    "/{product_id}",
    operation_id="deleteProduct",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=answers(401, 404),
)
async def delete_product(node: Node, caller: Known, product_id: Id) -> None:
    """Delete a product for good; what was said of it counts as read."""
    now = node.now()
    deleted = await node.database.write(
        lambda t: products.delete(t, caller.user.id, product_id, now)
    )
    if not deleted:
        raise Problem.not_found("product")


@router.post(
    "/{product_id}/consume", operation_id="consumeProduct", responses=answers(401, 404, 409)
)
async def consume_product(
    node: Node, caller: Known, product_id: Id, amount: Amount = ALL_OF_IT
) -> ProductOut:
    """Use up some of a product, or all of it, which closes it."""
    return await _take(node, caller, product_id, amount, Closing.CONSUMED)


@router.post(
    "/{product_id}/discard", operation_id="discardProduct", responses=answers(401, 404, 409)
)
async def discard_product(
    node: Node, caller: Known, product_id: Id, amount: Amount = ALL_OF_IT
) -> ProductOut:
    """Throw some of a product away, or all of it, which closes it."""
    return await _take(node, caller, product_id, amount, Closing.DISCARDED)


@router.post("/{product_id}/reopen", operation_id="reopenProduct", responses=answers(401, 404, 409))
async def reopen_product(
    node: Node, caller: Known, product_id: Id, amount: Amount = ALL_OF_IT
) -> ProductOut:
    """Take a closing back; without a quantity there is as much of it as there last was."""
    now = node.now()
    return await _transform(
        node, caller, product_id, lambda _, before: rules.reopened(before, amount.quantity, now)
    )


async def _take(
    node: Node, caller: Known, product_id: str, amount: Amount, how: Closing
) -> ProductOut:
    now = node.now()

    def take(transaction: Transaction, before: Product) -> Product:
        after = rules.taken(before, amount.quantity, how, now)
        quantity = before.quantity if amount.quantity is None else amount.quantity
        message = wording.closing(
            after.name, how, quantity, after.unit, left=before.quantity - quantity
        )
        said = Draft(caller.user.id, message, Kind.INFO, Event(how.value), after.name, after.id)
        if after.closed_as is not None:
            notifications.read_of_product(transaction, caller.user.id, after.id, now)
        notifications.add(transaction, [said], now)
        return after

    return await _transform(node, caller, product_id, take)


async def _transform(
    node: Node,
    caller: Known,
    product_id: str,
    change: Callable[[Transaction, Product], Product],
) -> ProductOut:
    now = node.now()

    def work(transaction: Transaction) -> Product | None:
        before = products.get(transaction.connection, caller.user.id, product_id)
        if before is None:
            return None
        return products.replace(transaction, change(transaction, before), caller.user, now)

    try:
        product = await node.database.write(work)
    except ValueError as error:
        raise Problem(HTTPStatus.CONFLICT, f"It can't be done: {error}.") from None
    if product is None:
        raise Problem.not_found("product")
    return ProductOut.of(product, caller.user, now)


def _taken() -> Problem:
    return Problem(HTTPStatus.CONFLICT, "Another product has this externalId.")
