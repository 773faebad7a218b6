"""Route that imports products from a file."""

import asyncio
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from useby.actions import imports, inventory
from useby.actions.import_comparison import Upserted
from useby.actions.imports import GivenPolicies, Plan
from useby.actions.policies import TooManyPolicies
from useby.api.context import Context, ContextDep
from useby.api.errors import MEDIA_TYPE, Problem, problem_responses
from useby.api.policies import FULL
from useby.api.stock_caller import CurrentStock, StockCaller
from useby.api.uploads import file_of
from useby.domain.dates import DateOrder
from useby.domain.household import seen_by
from useby.domain.movement import ActionRefused
from useby.imports.reading import Reading
from useby.imports.tables import Format, Options, UnreadableFile, column_choice
from useby.schemas.fields import Text
from useby.schemas.imports import Finding, ImportProblem, ImportReport

router = APIRouter(prefix="/api", tags=["products"])

MOST_CHOICES: Final = 64
"""Maximum columns that a request maps."""
MOST_SENTENCES: Final = 3
"""Maximum faults in the ``detail`` of a refusal."""
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The file: in the field `file` of a form, or as the body itself.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _BINARY["schema"]},
                }
            },
            "application/octet-stream": _BINARY,
        },
    }
}
"""Documentation of the body, which the route reads itself: FastAPI would write it to a disk."""


@router.post(
    "/import",
    operation_id="importProducts",
    response_model=ImportReport,
    responses={
        **problem_responses(401, 409, 429),
        422: {
            "model": ImportProblem,
            "description": "Nothing was stored; the problem has the members of the report.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ImportProblem"}}},
        },
    },
    openapi_extra=BODY,
)
async def import_products(
    node: ContextDep,
    caller: CurrentStock,
    request: Request,
    *,
    dry_run: Annotated[
        bool, Query(alias="dryRun", description="Only report what would be stored.")
    ] = False,
    skip_bad: Annotated[
        bool, Query(alias="skipBad", description="Store the valid rows even if others are bad.")
    ] = False,
    format_: Annotated[Format, Query(alias="format")] = Format.AUTO,
    columns: Annotated[
        list[Text],
        Query(
            alias="map",
            max_length=MOST_CHOICES,
            description="`THEIRS:OURS`: our name of a column; `THEIRS:-` leaves it out.",
        ),
    ] = [],  # noqa: B006 - FastAPI does not change it
    order: Annotated[DateOrder | None, Query(description="Order of day and month.")] = None,
) -> Response:
    """Import products from CSV, XLSX or JSON, or from Grocy, Homebox or Tandoor: all or none.

    A row that is there already, by its `externalId` or by name, barcode and date, is changed, so
    that a file can be imported again. A large file is stored in parts, between which others write.
    """
    chosen = dict(map(_choice, columns))
    async with node.imports.slot(caller.user.id):
        data = await file_of(request)
        now, seen = node.now(), seen_by(caller.stock, caller.user)
        owner = inventory.within(seen, node.settings.limits)
        options = Options(now.astimezone(owner.zone).date(), format_, chosen, order, owner.zone)
        async with node.imports.turns:
            try:
                found, plan = await imports.read(
                    node.database, data, options, owner, now, skip_bad=skip_bad
                )
            except UnreadableFile as error:
                fault = Finding(line=None, message=str(error))
                report = ImportReport(dry_run=dry_run, columns=error.columns, bad=[fault])
                return await _refused(report, f"{error}.")
            report = found.report().model_copy(update={"dry_run": dry_run})
            if plan.is_refused:
                return await _refused(report, _detail(found, len(plan.rows)))
            done = plan.counts
            if not dry_run:
                done = await _stored(node, caller, plan, found.table.policies, now)
    counts = {"added": done.added, "changed": done.changed, "unchanged": done.same}
    return await _answer(report.model_copy(update=counts), HTTPStatus.OK, "application/json")


async def _stored(
    node: Context, caller: StockCaller, plan: Plan, policies: GivenPolicies, now: datetime
) -> Upserted:
    try:
        return await imports.store_all(
            node.database,
            plan.rows,
            caller.stock,
            now,
            actor=caller.actor,
            given=policies,
            limits=node.settings.limits,
            expected=plan.counts,
        )
    except TooManyPolicies:
        raise Problem(HTTPStatus.CONFLICT, FULL) from None
    except ActionRefused as error:
        detail = f"A row is not possible: {error}. The rows before it may be stored."
        raise Problem(HTTPStatus.CONFLICT, detail) from None


def _choice(text: str) -> tuple[str, str]:
    try:
        return column_choice(text)
    except ValueError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"The map {error}.") from None


def _detail(found: Reading, good: int) -> str:
    """Return the first faults for a person."""
    bad, total = found.table.bad_rows, found.table.bad_rows + good
    first = " ".join(
        f"Line {each.line}: {f'{each.column} ' if each.column else ''}{each.message}."
        for each in found.table.bad[:MOST_SENTENCES]
    )
    return f"{bad} of {total} rows are bad, and nothing was imported. {first}"


async def _refused(report: ImportReport, detail: str) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    members = {name: getattr(report, name) for name in ImportReport.model_fields}
    body = ImportProblem(title=status.phrase, status=status, detail=detail, **members)
    return await _answer(body, status, MEDIA_TYPE)


async def _answer(report: ImportReport, status: HTTPStatus, media_type: str) -> Response:
    """Render a report in a thread, because it may have thousands of lines."""
    body = await asyncio.to_thread(lambda: report.model_dump_json(by_alias=True).encode())
    return Response(body, status, media_type=media_type)
