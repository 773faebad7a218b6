"""Route of the alerts that are still to come."""

from fastapi import APIRouter

from useby.actions import upcoming
from useby.api.context import ContextDep
from useby.api.errors import Problem, problem_responses
from useby.api.stock_caller import CurrentStock
from useby.schemas.alerts import AlertList
from useby.schemas.fields import Id

router = APIRouter(prefix="/api/products", tags=["products"])


@router.get(
    "/{product_id}/alerts", operation_id="listAlerts", responses=problem_responses(401, 404)
)
async def list_alerts(node: ContextDep, caller: CurrentStock, product_id: Id) -> AlertList:
    """List the alerts that the caller will get about a product's open lots, if nothing changes.

    Lots that fall due in the same words are one notification: their alerts have the same
    `message`, and `lotIds` names all of them.
    """
    found = await upcoming.alerts_of(
        node.database, caller.user, caller.stock, product_id, node.now()
    )
    if found is None:
        raise Problem.not_found("product")
    return AlertList.of(found)
