"""Routes of the names from which a person picks a location or a category."""

from fastapi import APIRouter

from useby.actions import pickers
from useby.api.context import ContextDep
from useby.api.errors import problem_responses
from useby.api.stock_caller import CurrentStock
from useby.schemas.pickers import NamesOut

router = APIRouter(prefix="/api", tags=["products"])


@router.get("/locations", operation_id="listLocations", responses=problem_responses(401))
async def list_locations(node: ContextDep, caller: CurrentStock) -> NamesOut:
    """List the locations of the caller's open lots; lots without a location are left out.

    Spellings that differ only in case or accents are one location.
    """
    return NamesOut.of(await pickers.locations(node.database, caller.stock))


@router.get("/categories", operation_id="listCategories", responses=problem_responses(401))
async def list_categories(node: ContextDep, caller: CurrentStock) -> NamesOut:
    """List the categories of the caller's open lots; products without a category are left out.

    Spellings that differ only in case or accents are one category.
    """
    return NamesOut.of(await pickers.categories(node.database, caller.stock))
