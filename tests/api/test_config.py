"""What the page must know about its node before anybody signs in.

covers: useby.schemas.config
"""

from typing import Any

import pytest
from tests.support.rest_app import Rest

from useby.store.database import Database


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        ({}, {"demo": False, "signUp": True, "mail": False}),
        ({"demo": True}, {"demo": True, "signUp": True, "mail": False}),
        ({"signup": False}, {"demo": False, "signUp": False, "mail": False}),
        ({"host": "0.0.0.0"}, {"demo": False, "signUp": False, "mail": False}),
    ],
    ids=str,
)
async def test_a_node_states_what_it_offers_without_a_token(
    database: Database, settings: dict[str, Any], offered: dict[str, Any]
) -> None:
    rest = Rest(database, **settings)

    answer = await rest.client().get("/api/config")
    await rest.close()

    kinds = {"channelKinds": ["apprise", "webhook", "webpush"]}
    assert (answer.status_code, answer.json()) == (200, offered | kinds)
