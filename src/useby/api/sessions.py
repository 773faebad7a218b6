"""Routes of the caller's sign-ins: list them, and end one."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from useby.actions import accounts as actions
from useby.api.context import ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.api.paging import Cursor, Limit, bad_cursor
from useby.schemas.fields import Id
from useby.schemas.sessions import SessionOut, SessionPage
from useby.store import open_sessions
from useby.store.cursor import BadCursor

router = APIRouter(prefix="/api/sessions", tags=["accounts"])


@router.get("", operation_id="listSessions", responses=problem_responses(401))
async def list_sessions(
    node: ContextDep, caller: CurrentCaller, cursor: Cursor = None, limit: Limit = 50
) -> SessionPage:
    """List the caller's open sign-ins, the newest first."""
    user, keys, now = caller.user, node.keys.by_id, node.now()
    try:
        page = await node.database.read(
            lambda c: open_sessions.page(c, user.id, keys, now, cursor=cursor, limit=limit)
        )
    except BadCursor:
        raise bad_cursor() from None
    current = caller.claims.session_id
    return SessionPage(
        items=[SessionOut.of(each, user, current) for each in page.items],
        next_cursor=page.next_cursor,
    )


@router.delete(
    "/{session_id}",
    operation_id="endSession",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def end_session(node: ContextDep, caller: CurrentCaller, session_id: Id) -> None:
    """End one sign-in of the caller at once: its tokens are refused, and its sockets are closed."""
    now = node.now()
    if not await node.database.write(
        lambda t: actions.end_session(t, caller.user.id, session_id, now)
    ):
        raise Problem.not_found("sign-in")
