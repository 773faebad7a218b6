"""Limit the size of request bodies, and parse large ones without blocking the event loop.

Python's JSON parser holds the interpreter for as long as it runs: 2 MiB of small members take it
100 to 500 ms. So only batches may be that large, and they are parsed and checked piece by piece.
"""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final, NoReturn, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from useby.api.context import check_token
from useby.schemas.fields import BATCH_LIMIT, MANY_KEYS, ApiModel

T = TypeVar("T")

KIB: Final = 1024
SMALL: Final = 4 * KIB
"""Maximum size of a body, in bytes, on paths that ``MOST`` does not name, such as a sign-in."""
BATCHES: Final = ("/api/products/batch", "/api/notifications/batch")
MOST: Final = {
    "/api/auth/signup": 8 * KIB,
    "/api/me": 96 * KIB,  # a hundred categories, with every letter escaped
    "/api/notifications": 16 * KIB,
    "/api/products": 64 * KIB,
}
IMPORT: Final = "/api/import"
IMPORT_MOST: Final = 8 * KIB * KIB
"""Maximum size of a file to import, and of the form around it, in bytes; the proxies of `deploy/`
admit as much. 20,000 rows of CSV take some 2 MiB."""
PRODUCTS: Final = "/api/products/"
"""Prefix of the paths whose limit is that of ``/api/products``."""
USERS: Final = "/api/users/"
"""Prefix of the paths whose limit is that of ``/api/notifications``."""
PIECE: Final = 64 * KIB
"""Maximum length of one item of a batch, in characters; it is parsed in one go, in a few ms."""
TURN_SECONDS: Final = 0.001
"""Time for which items are parsed or checked before other tasks of the event loop run."""
PAUSE_SECONDS: Final = 0.001
"""Pause after a turn, in which the database's threads have the interpreter to themselves. They
release it at each call of SQLite; without a pause, a post of 5 ms waited 100 ms to take it back."""


_BLANK: Final = re.compile(r"[ \t\n\r]*")
_DECODER: Final = json.JSONDecoder()


def most_of(path: str, most: int) -> int:
    """Return the maximum size of a body, in bytes.

    Args:
        path: The path of the request.
        most: The maximum for all paths but an import's, by the settings.
    """
    if path == IMPORT:
        return IMPORT_MOST
    if path in BATCHES:
        return most
    if path.startswith(USERS):
        path = "/api/notifications"
    if path.startswith(PRODUCTS):
        path = PRODUCTS.removesuffix("/")
    return min(most, MOST.get(path, SMALL))


async def in_turns(work: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
    """Apply ``work`` to each item; other tasks of the event loop run in between."""
    done: list[T] = []
    turn = _TimeSlice()
    for item in items:
        done.append(work(item))
        if turn.is_over():
            await turn.end()
    return done


async def results_response(result: Callable[[Any], ApiModel], items: Iterable[Any]) -> Response:
    """Return the answer to a batch: the result of each item, rendered in turns."""
    rendered = await in_turns(
        lambda item: result(item).model_dump_json(by_alias=True).encode(), items
    )
    return Response(b'{"results":[' + b",".join(rendered) + b"]}", media_type="application/json")


class _TimeSlice:
    """The time that a long task of the event loop uses before it lets the others run."""

    def __init__(self) -> None:
        self._ends = perf_counter() + TURN_SECONDS

    def is_over(self) -> bool:
        return perf_counter() >= self._ends

    async def end(self) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        self._ends = perf_counter() + TURN_SECONDS


class BatchRoute(APIRoute):
    """A route whose body may be large."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that requires a valid token for a large body, and parses it in turns."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            if int(request.headers.get("content-length", PIECE + 1)) > PIECE:
                await check_token(request)
            return await handle(_BatchRequest(request.scope, request.receive))

        return handled


class _BatchRequest(Request):
    async def json(self) -> Any:
        return await parse(await self.body())


async def parse(body: bytes) -> Any:
    """Parse JSON as ``json.loads`` does, but a large object in turns.

    Parsing stops at the element that makes an array too long for a batch, and at the member that
    makes the object too large. A large text that is no object gives an empty list.

    Raises:
        HTTPException: 413, a member, or an element of an array, is too large.
        ValueError: The body is not JSON.
    """
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    return json.loads(text) if len(text) <= PIECE else await _InTurns(text).document()


class _InTurns:
    """Parser of a JSON object, member by member, and of its arrays, element by element."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._turn = _TimeSlice()
        self._is_enough = False

    async def document(self) -> Any:
        found: dict[str, Any] = {}
        if not self._takes("{"):
            return []
        if not self._takes("}"):
            while True:
                key = await self._piece()
                if not isinstance(key, str):
                    self._fail("Expecting property name enclosed in double quotes")
                self._expect(":")
                found[key] = await self._array() if self._takes("[") else await self._piece()
                if self._is_enough or len(found) > MANY_KEYS:
                    return found
                if self._takes("}"):
                    break
                self._expect(",")
        if self._at < len(self._text):
            self._fail("Extra data")
        return found

    async def _array(self) -> list[Any]:
        found: list[Any] = []
        if self._takes("]"):
            return found
        while True:
            found.append(await self._piece())
            if len(found) > BATCH_LIMIT:
                self._is_enough = True
                return found
            if self._takes("]"):
                return found
            self._expect(",")

    async def _piece(self) -> Any:
        if self._turn.is_over():
            await self._turn.end()
        window = self._text[self._at : self._at + PIECE]
        is_cut = self._at + PIECE < len(self._text)
        try:
            value, end = _DECODER.raw_decode(window)
        except json.JSONDecodeError as error:
            if is_cut:
                raise _too_large() from None
            raise json.JSONDecodeError(error.msg, self._text, self._at + error.pos) from None
        if is_cut and end == len(window):
            raise _too_large()
        self._at += end
        self._skip_blank()
        return value

    def _takes(self, char: str) -> bool:
        self._skip_blank()
        if self._text[self._at : self._at + 1] != char:
            return False
        self._at += 1
        self._skip_blank()
        return True

    def _expect(self, char: str) -> None:
        if not self._takes(char):
            self._fail(f"Expecting {char!r} delimiter")

    def _skip_blank(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at

    def _fail(self, message: str) -> NoReturn:
        raise json.JSONDecodeError(message, self._text, self._at)


def _too_large() -> HTTPException:
    detail = f"An item of a batch has at most {PIECE} characters."
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
