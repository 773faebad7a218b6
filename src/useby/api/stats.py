"""Route of what the household has taken and thrown away."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from useby.actions import stats
from useby.api.context import ContextDep
from useby.api.errors import Problem, problem_responses
from useby.api.stock_caller import CurrentStock
from useby.domain.stats import By, Period
from useby.schemas.dates import Day
from useby.schemas.stats import StatsOut

router = APIRouter(prefix="/api/stats", tags=["products"])


@router.get("", operation_id="getStats", responses=problem_responses(401))
async def get_stats(
    node: ContextDep,
    caller: CurrentStock,
    first: Annotated[
        Day | None,
        Query(alias="from", description="First day that counts, in the caller's time zone."),
    ] = None,
    last: Annotated[
        Day | None,
        Query(alias="to", description="Last day that counts, in the caller's time zone."),
    ] = None,
    by: Annotated[By, Query(description="Grouping of the numbers.")] = By.CATEGORY,
) -> StatsOut:
    """Return what the caller has taken and thrown away, without what was undone.

    A lot counts once, on the day on which it was closed. A quantity, and its money, counts on the
    day on which it was taken.
    """
    if first is not None and last is not None and first > last:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"from must not be after to, e.g. from={last}&to={first}.",
        )
    period = Period(first, last)
    return StatsOut.of(await stats.report(node.database, caller.stock, by, period, node.now()))
