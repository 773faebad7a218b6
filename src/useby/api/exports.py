"""Route that exports all of the caller's stock."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from useby.actions import exports
from useby.api.context import Context, ContextDep
from useby.api.errors import problem_responses
from useby.api.stock_caller import CurrentStock
from useby.domain.account import User
from useby.domain.household import seen_by
from useby.exports.writing import MEDIA_TYPES, ExportFormat

router = APIRouter(prefix="/api", tags=["products"])

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/csv": {"schema": {"type": "string"}},
            MEDIA_TYPES[ExportFormat.XLSX]: _BINARY,
        },
    }
}


@router.get(
    "/export",
    operation_id="exportStock",
    response_class=StreamingResponse,
    responses={**CONTENT, **problem_responses(401, 429)},
)
async def export_stock(
    node: ContextDep,
    caller: CurrentStock,
    format_: Annotated[
        ExportFormat, Query(alias="format", description="`json` has the history of each lot.")
    ] = ExportFormat.JSON,
) -> StreamingResponse:
    """Export all stock: products with their rules, lots and movements.

    `json` is useby's own form: imported into an empty account, it gives the same state again, with
    its history and the policies of alerts. Name, e-mail and settings are not in it. `csv` and
    `xlsx` have a row for each open lot, under headers that the import reads.
    """
    node.exports.begin(caller.user.id)
    pieces = exports.export(node.database, seen_by(caller.stock, caller.user), format_)
    try:
        # The first piece is made before the status is sent: an error still gets its own. Of a
        # workbook, that is all of the work.
        async with node.exports.turn(workbook=format_ is ExportFormat.XLSX):
            first = await anext(pieces, b"")
    except BaseException:
        node.exports.end(caller.user.id)
        raise
    return _Export(node, caller.user, format_, first, pieces)


class _Export(StreamingResponse):
    """An export that ends when it is sent, or when its client has gone."""

    def __init__(
        self,
        node: Context,
        user: User,
        format_: ExportFormat,
        first: bytes,
        rest: AsyncGenerator[bytes, None],
    ) -> None:
        headers = {"Content-Disposition": f'attachment; filename="useby.{format_.value}"'}
        super().__init__(_all(first, rest), media_type=MEDIA_TYPES[format_], headers=headers)
        self._node, self._user, self._rest = node, user, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._node.exports.end(self._user.id)
            await self._rest.aclose()


async def _all(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield first
    async for piece in rest:
        yield piece
