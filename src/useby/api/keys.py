"""Routes of API keys, with which programs post, listen and read stock."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response

from useby.actions import api_keys as actions
from useby.api.context import ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.domain.api_key import MAX_KEYS, TooManyKeys
from useby.schemas.fields import Id
from useby.schemas.keys import KeyIn, KeyList, KeyOut, NewKeyOut
from useby.schemas.problems import FieldError, sentences
from useby.store import api_keys

router = APIRouter(prefix="/api/keys", tags=["keys"])

FULL: Final = f"The account has {MAX_KEYS} keys, and there cannot be more. Delete one first."


@router.post(
    "",
    operation_id="addKey",
    status_code=HTTPStatus.CREATED,
    responses=problem_responses(401, 404, 409),
)
async def add_key(
    node: ContextDep, caller: CurrentCaller, new: KeyIn, response: Response
) -> NewKeyOut:
    """Create a key for a program; the answer has its text, which nothing shows again."""
    user_id, now = caller.user.id, node.now()
    if faults := new.faults(now):
        errors = [FieldError(at=at, message=message) for at, message in faults]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentences(errors), errors=errors)
    try:
        key, text = await node.database.write(
            lambda t: actions.create(
                t,
                user_id,
                name=new.name,
                scopes=new.scopes,
                expires_at=new.expires_at,
                now=now,
                household_id=new.household_id,
            )
        )
    except TooManyKeys:
        raise Problem(HTTPStatus.CONFLICT, FULL) from None
    response.headers["Cache-Control"] = "no-store"
    return NewKeyOut(**KeyOut.of(key).model_dump(), key=text)


@router.get("", operation_id="listKeys", responses=problem_responses(401))
async def list_keys(node: ContextDep, caller: CurrentCaller) -> KeyList:
    """List the caller's keys, without their texts."""
    found = await node.database.read(lambda c: api_keys.list_(c, caller.user.id))
    return KeyList(items=[KeyOut.of(each) for each in found])


@router.delete(
    "/{key_id}",
    operation_id="deleteKey",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def delete_key(node: ContextDep, caller: CurrentCaller, key_id: Id) -> None:
    """Delete a key: it stops working at once, and the sockets that it opened are closed."""
    user_id = caller.user.id
    if not await node.database.write(lambda t: actions.delete(t, user_id, key_id)):
        raise Problem.not_found("key")
