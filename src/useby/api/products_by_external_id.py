"""Route of a product by its client's own key."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response
from uuid_utils import uuid7

from useby.actions import inventory, upserts
from useby.api.context import ContextDep
from useby.api.errors import Problem, problem_responses
from useby.api.preconditions import IfMatch
from useby.api.refusals import refusals
from useby.api.stock_caller import CurrentStock
from useby.domain.product import Product
from useby.schemas.etags import etag_of
from useby.schemas.problems import FieldError, sentences
from useby.schemas.products import (
    ExternalId,
    ProductIn,
    ProductPut,
    ProductStored,
    fields_of,
    product_from,
)
from useby.store.database import Transaction

router = APIRouter(prefix="/api/products/by-external-id", tags=["products"])


@router.put(
    "/{external_id:path}",
    operation_id="putProduct",
    responses={
        HTTPStatus.CREATED.value: {"model": ProductStored, "description": "Created"},
        **problem_responses(401, 409, 412),
    },
)
async def put_product(
    node: ContextDep,
    caller: CurrentStock,
    external_id: Annotated[ExternalId, Path()],
    put: ProductPut,
    condition: IfMatch,
    response: Response,
) -> ProductStored:
    """Create the product with an `externalId`, or change its given fields.

    A new date changes its only open lot; if it has several, the answer is 409 with the `lots`. If
    it is used up, a new date adds a lot, and the same date again changes nothing.
    """
    now = node.now()
    _require_same(put, external_id)

    def work(transaction: Transaction) -> tuple[Product, bool]:
        limits = node.settings.limits
        owner = inventory.lock_owner(transaction, caller.actor, limits)
        before = upserts.find(transaction, owner, external_id)
        condition.require(None if before is None else before.product)
        if before is not None:
            wanted = put.of_product(before.product, now)
            after = upserts.update(transaction, owner, before, wanted, put.details, put.of_lot, now)
            return after, False
        inventory.lock_owner(transaction, caller.actor, limits, new=1)
        new = _new(put, external_id)
        product = product_from(new, owner.id, str(uuid7()), now)
        return inventory.add(transaction, product, owner, now, new.details), True

    with refusals(caller, time="body.receivedOn"):
        product, created = await node.database.write(work)
    response.status_code = HTTPStatus.CREATED if created else HTTPStatus.OK
    response.headers["ETag"] = etag_of(product)
    return ProductStored(**fields_of(product, caller.stock, now, put), created=created)


def _new(put: ProductPut, external_id: str) -> ProductIn:
    given = {name: getattr(put, name) for name in put.model_fields_set}
    if "name" not in given:
        raise _refused("body.name", "is missing, and no product has this externalId yet")
    return ProductIn(**given | {"external_id": external_id})


def _require_same(put: ProductPut, external_id: str) -> None:
    if "external_id" in put.model_fields_set and put.external_id != external_id:
        raise _refused("body.externalId", "must be that of the path, or be left out")


def _refused(at: str, message: str) -> Problem:
    errors = [FieldError(at=at, message=message)]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentences(errors), errors=errors)
