"""Routes of the caller's open lots by their dates."""

from typing import Annotated

from fastapi import APIRouter, Query

from useby.actions import lot_reads
from useby.api.compression import CompressedRoute
from useby.api.context import ContextDep
from useby.api.errors import problem_responses
from useby.api.paging import Cursor, Limit, bad_cursor
from useby.api.stock_caller import CurrentStock
from useby.domain.urgency import Urgency
from useby.schemas.lots_by_date import (
    ListedLot,
    LotCounts,
    OpenLotPage,
    WeekCount,
    WeekCounts,
)
from useby.store.cursor import BadCursor

router = APIRouter(prefix="/api/lots", tags=["lots"], route_class=CompressedRoute)


@router.get("", operation_id="listOpenLots", responses=problem_responses(401))
async def list_open_lots(
    node: ContextDep,
    caller: CurrentStock,
    urgency: Annotated[
        Urgency | None,
        Query(
            description="Group by the calendar days left, in the household's zone: `today` has 0,"
            " `next3Days` 1 to 3, `next7Days` 4 to 7."
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> OpenLotPage:
    """List all open lots, the earliest date first and those without a date last.

    Lots of one date come in the order in which they are taken.
    """
    now = node.now()
    try:
        page = await lot_reads.open_by_date(
            node.database, caller.stock, urgency, now, cursor=cursor, limit=limit
        )
    except BadCursor:
        raise bad_cursor() from None
    return OpenLotPage(
        items=[ListedLot.with_product(lot, its, caller.stock, now) for its, lot in page.items],
        next_cursor=page.next_cursor,
    )


@router.get("/counts", operation_id="countOpenLots", responses=problem_responses(401))
async def count_open_lots(node: ContextDep, caller: CurrentStock) -> LotCounts:
    """Return the number of open lots in each group, as `urgency` of the list names them.

    A lot is expired when its day has passed or its exact time is over.
    """
    counts = await lot_reads.count_by_urgency(node.database, caller.stock, node.now())
    return LotCounts.model_validate({urgency.value: number for urgency, number in counts.items()})


@router.get("/counts/weeks", operation_id="countOpenLotsByWeek", responses=problem_responses(401))
async def count_open_lots_by_week(
    node: ContextDep,
    caller: CurrentStock,
    weeks: Annotated[int, Query(ge=1, le=26, description="Number of weeks.")] = 8,
) -> WeekCounts:
    """Return the number of open lots that have their date in each of the coming weeks.

    A week begins on Monday. The first one is the present week, without what has expired in it.
    """
    counts = await lot_reads.count_by_week(node.database, caller.stock, node.now(), weeks)
    return WeekCounts(items=[WeekCount(monday=day, lots=number) for day, number in counts.items()])
