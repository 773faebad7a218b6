"""Keys of programs, made over REST."""

from http import HTTPStatus
from typing import Any

import httpx


async def a_key(person: httpx.AsyncClient, *scopes: str, **more: Any) -> dict[str, Any]:
    """Make a key; return the answer, which has its text."""
    new = {"name": "cron on the server", "scopes": scopes, **more}
    answer = await person.post("/api/keys", json=new)
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    made: dict[str, Any] = answer.json()
    return made
