"""Actions on lots: their times, splits and states, on both databases."""

import asyncio
from collections import Counter
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, lots_of, movements_of, received
from tests.support.rest_app import Rest, added
from tests.support.stocked import got, stocked

pytestmark = pytest.mark.asyncio(loop_scope="session")

ACTIONS: dict[str, dict[str, Any]] = {
    "consume": {},
    "discard": {"reason": "expired"},
    "open": {},
    "freeze": {},
    "thaw": {},
    "move": {"location": "Cellar"},
}


async def ready_for(rest: Rest, client: httpx.AsyncClient, action: str) -> Any:
    """A lot of 3 in a state that allows an action, received on 2026-03-02."""
    milk = await stocked(rest, client, quantity="3", location="Fridge")
    if action == "thaw":
        await milk.after("freeze", at="2026-03-02T08:00:00Z")
    return milk


@pytest.mark.parametrize("action", ACTIONS)
async def test_at_back_dates_an_action(rest: Rest, ada: httpx.AsyncClient, action: str) -> None:
    milk = await ready_for(rest, ada, action)
    milk.at("2026-03-09T12:00:00Z")

    done = await acted(ada, milk.lot_id, action, at="2026-03-05T10:30:00+01:00", **ACTIONS[action])

    (movement,) = done["movements"]
    assert movement["at"] == "2026-03-05T09:30:00Z"
    assert movement["recordedAt"] == "2026-03-09T12:00:00Z"


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_day_means_noon_there(rest: Rest, ada: httpx.AsyncClient, action: str) -> None:
    milk = await ready_for(rest, ada, action)
    milk.at("2026-04-09T12:00:00Z")

    done = await acted(ada, milk.lot_id, action, at="2026-04-05", **ACTIONS[action])

    assert done["movements"][0]["at"] == "2026-04-05T10:00:00Z", "noon in Berlin, in summer"


BAD_TIMES: list[tuple[Any, str]] = [
    ("2026-03-01", "before the lot was received"),
    ("2026-03-01T22:59:59Z", "before the lot was received"),
    ("2026-03-10", "future"),
    ("2026-03-09T12:00:01Z", "future"),
    ("2026-13-01", "a day, e.g. "),
    ("2026-W10-2", "a day, e.g. "),
    ("last week", "a day, e.g. "),
    (5, "a day, e.g. "),
]


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_bad_at_is_422(rest: Rest, ada: httpx.AsyncClient, action: str) -> None:
    milk = await ready_for(rest, ada, action)
    milk.at("2026-03-09T12:00:00Z")
    before = await milk.lot()

    for at, words in BAD_TIMES:
        body = {"at": at} | ACTIONS[action]
        answer = await ada.post(f"/api/lots/{milk.lot_id}/{action}", json=body)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
        (error,) = answer.json()["errors"]
        assert error["at"] == "body.at"
        assert words in error["message"]
    assert await milk.lot() == before


async def test_today_is_no_day_of_the_future_in_the_morning(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada)
    milk.at("2026-03-09T06:00:00Z")

    done = await acted(ada, milk.lot_id, "open", at="2026-03-09")

    assert done["movements"][0]["at"] == "2026-03-09T06:00:00Z", "noon is still to come"


@pytest.mark.parametrize("action", ["open", "freeze", "thaw", "move"])
async def test_less_than_all_splits_the_lot_and_the_rest_keeps_its_id(
    rest: Rest, ada: httpx.AsyncClient, action: str
) -> None:
    milk = await ready_for(rest, ada, action)
    before = await milk.lot()

    done = await acted(ada, milk.lot_id, action, quantity="1", **ACTIONS[action])

    part = done["part"]
    assert (done["id"], done["quantity"], part["quantity"]) == (milk.lot_id, "2", "1")
    assert part["id"] != milk.lot_id
    assert (done["state"], done["location"]) == (before["state"], before["location"])
    assert await got(ada, f"/api/lots/{part['id']}") == part
    kinds = [(each["kind"], each["lotId"], each["quantity"]) for each in done["movements"]]
    assert kinds[0] == ("split", milk.lot_id, "1")
    assert kinds[1][1:] == (part["id"], "1")
    assert len(kinds) == 2


@pytest.mark.parametrize("action", ["open", "freeze", "thaw", "move"])
async def test_a_part_has_the_fields_of_its_lot(
    rest: Rest, ada: httpx.AsyncClient, action: str
) -> None:
    milk = await ready_for(rest, ada, action)
    await milk.change(lotNumber="L-1", serial="S-1", price="1.29")
    before = await milk.lot()

    part = (await acted(ada, milk.lot_id, action, quantity="1", **ACTIONS[action]))["part"]

    names = ("printedDate", "receivedOn", "lotNumber", "serial", "price", "dateKind", "productId")
    assert {name: part[name] for name in names} == {name: before[name] for name in names}


@pytest.mark.parametrize("action", ["open", "freeze", "thaw", "move"])
@pytest.mark.parametrize("quantity", [None, "3"])
async def test_an_action_on_all_of_a_lot_is_no_split(
    rest: Rest, ada: httpx.AsyncClient, action: str, quantity: str | None
) -> None:
    milk = await ready_for(rest, ada, action)
    amount = {} if quantity is None else {"quantity": quantity}

    done = await acted(ada, milk.lot_id, action, **amount, **ACTIONS[action])

    assert (done["id"], done["quantity"], done["part"]) == (milk.lot_id, "3", None)
    assert len(done["movements"]) == 1
    assert len(await lots_of(ada, milk.product_id)) == 1


@pytest.mark.parametrize("action", ["consume", "discard"])
async def test_consume_and_discard_only_lower_the_quantity(
    rest: Rest, ada: httpx.AsyncClient, action: str
) -> None:
    milk = await ready_for(rest, ada, action)
    before = await milk.lot()

    done = await acted(ada, milk.lot_id, action, quantity="1")

    del done["movements"]
    assert done.pop("part") is None
    assert done == before | {"quantity": "2"}


@pytest.mark.parametrize("action", ACTIONS)
async def test_more_than_is_left_is_409(rest: Rest, ada: httpx.AsyncClient, action: str) -> None:
    milk = await ready_for(rest, ada, action)

    words = await milk.refused(action, HTTPStatus.CONFLICT, quantity="3.000001", **ACTIONS[action])

    assert "less than this quantity is left" in words


STATES = {
    "sealed": [],
    "opened": ["open"],
    "frozen": ["freeze"],
    "thawed": ["freeze", "thaw"],
}
ALLOWED = {
    "open": {"sealed", "thawed"},
    "freeze": {"sealed", "opened", "thawed"},
    "thaw": {"frozen"},
}


@pytest.mark.parametrize("action", ALLOWED)
@pytest.mark.parametrize("state", STATES)
async def test_open_is_from_sealed_or_thawed_freeze_from_all_but_frozen_and_thaw_from_frozen(
    rest: Rest, ada: httpx.AsyncClient, action: str, state: str
) -> None:
    milk = await stocked(rest, ada)
    for each in STATES[state]:
        await milk.after(each)

    answer = await ada.post(f"/api/lots/{milk.lot_id}/{action}")

    is_allowed = state in ALLOWED[action]
    assert answer.status_code == (HTTPStatus.OK if is_allowed else HTTPStatus.CONFLICT)
    if not is_allowed:
        assert f"the lot is {state}" in answer.json()["detail"]
        assert (await milk.lot())["state"] == state


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("closing", ["consume", "discard"])
async def test_a_closed_lot_refuses_every_action(
    rest: Rest, ada: httpx.AsyncClient, action: str, closing: str
) -> None:
    milk = await ready_for(rest, ada, action)
    await received(ada, milk.product_id)
    await milk.after(closing)
    before = await milk.lot()

    await milk.refused(action, HTTPStatus.CONFLICT, **ACTIONS[action])

    assert await milk.lot() == before


@pytest.mark.parametrize("reason", ["expired", "spoiled", "too_much", "other"])
async def test_the_reason_of_a_discard_is_one_of_four(
    rest: Rest, ada: httpx.AsyncClient, reason: str
) -> None:
    milk = await stocked(rest, ada, quantity="2")

    lot = await acted(ada, milk.lot_id, "discard", quantity="1", reason=reason)
    path = f"/api/products/{milk.product_id}/discard"
    product = (await ada.post(path, json={"reason": reason})).json()

    assert lot["movements"][0]["reason"] == product["movements"][0]["reason"] == reason


@pytest.mark.parametrize("reason", ["eaten", "Expired", "", 1])
async def test_another_reason_is_refused_with_the_four(
    rest: Rest, ada: httpx.AsyncClient, reason: Any
) -> None:
    milk = await stocked(rest, ada)

    words = await milk.refused("discard", HTTPStatus.UNPROCESSABLE_ENTITY, reason=reason)

    assert all(each in words for each in ("expired", "spoiled", "too_much", "other"))


async def test_of_twenty_at_once_who_open_a_lot_one_succeeds(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada)

    answers = await asyncio.gather(*(ada.post(f"/api/lots/{milk.lot_id}/open") for _ in range(20)))

    assert Counter(each.status_code for each in answers) == {200: 1, 409: 19}


async def test_of_twenty_at_once_who_take_by_the_product_and_by_its_lots_each_gets_what_is_there(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="3")
    other = await received(ada, product["id"], quantity="4", printedDate="2026-03-05")
    paths = [f"/api/products/{product['id']}", f"/api/lots/{other['id']}"] * 10

    answers = await asyncio.gather(
        *(ada.post(f"{path}/consume", json={"quantity": "1"}) for path in paths)
    )

    assert Counter(each.status_code for each in answers) == {200: 7, 409: 13}
    kinds = Counter(each["kind"] for each in await movements_of(ada, product["id"]))
    assert kinds == {"received": 2, "consumed": 7}


async def test_of_twenty_at_once_who_undo_a_movement_one_succeeds(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, quantity="2")
    taking = (await acted(ada, milk.lot_id, "consume", quantity="1"))["movements"][0]
    rest.now += timedelta(seconds=1)

    answers = await asyncio.gather(
        *(ada.post(f"/api/movements/{taking['id']}/undo") for _ in range(20))
    )

    assert Counter(each.status_code for each in answers) == {200: 1, 409: 19}
    assert (await milk.lot())["quantity"] == "2"


async def test_of_twenty_at_once_who_open_one_of_ten_ten_succeed_and_the_last_opens_the_rest(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada, quantity="10")

    answers = await asyncio.gather(
        *(ada.post(f"/api/lots/{milk.lot_id}/open", json={"quantity": "1"}) for _ in range(20))
    )

    assert Counter(each.status_code for each in answers) == {200: 10, 409: 10}
    lots = await lots_of(ada, milk.product_id)
    assert [(each["quantity"], each["state"]) for each in lots] == [("1", "opened")] * 10
    assert (await milk.product())["quantity"] == "10"


@pytest.mark.parametrize("action", ["freeze", "thaw", "open"])
async def test_openings_freezings_and_thawings_of_a_lot_follow_each_other_in_time(
    rest: Rest, ada: httpx.AsyncClient, action: str
) -> None:
    milk = await stocked(rest, ada)
    milk.at("2026-03-09T12:00:00Z")
    before = {"freeze": ["open"], "thaw": ["freeze"], "open": ["freeze", "thaw"]}[action]
    for each in before:
        await milk.after(each, at="2026-03-05T10:00:00Z")

    words = await milk.refused(action, HTTPStatus.UNPROCESSABLE_ENTITY, at="2026-03-05T09:59:59Z")

    assert "2026-03-05T11:00:00+01:00" in words, "in the household's zone"
    await milk.after(action, at="2026-03-05T10:00:00Z")


async def test_the_time_of_a_state_can_be_sent_back_as_an_answer_shows_it(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    milk = await stocked(rest, ada)
    milk.at("2026-03-09T12:00:00.654321Z")
    opened = await acted(ada, milk.lot_id, "open")

    frozen = await acted(ada, milk.lot_id, "freeze", at=opened["stateSince"])

    assert (frozen["state"], frozen["stateSince"]) == ("frozen", opened["stateSince"])


@pytest.mark.parametrize("action", ["consume", "discard", "move"])
async def test_a_taking_or_moving_may_be_before_an_opening_that_was_recorded_earlier(
    rest: Rest, ada: httpx.AsyncClient, action: str
) -> None:
    milk = await stocked(rest, ada, quantity="3")
    milk.at("2026-03-09T12:00:00Z")
    await milk.after("open", at="2026-03-08")

    done = await acted(ada, milk.lot_id, action, at="2026-03-04", **ACTIONS[action])

    assert done["movements"][0]["at"] == "2026-03-04T11:00:00Z"
