"""Entity tags and If-Match (RFC 9110 section 13.1.1), on both databases.

covers: useby.schemas.etags, useby.api.preconditions
"""

import asyncio
import re
from collections import Counter
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from tests.support.lots_over_rest import acted, lots_of, movements_of, received
from tests.support.rest_app import Rest, added

from useby.api.preconditions import Precondition

pytestmark = pytest.mark.asyncio(loop_scope="session")

STRONG = re.compile(r'"[0-9a-f]{32}"')


async def test_a_tag_is_strong_and_the_same_in_every_answer_about_one_state(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    values = {"name": "Milk", "expiryDate": "2026-03-20", "quantity": "2.50", "leadDays": [3, 1]}
    answer = await ada.post("/api/products", json=values)
    path = f"/api/products/{answer.json()['id']}"
    rest.now += timedelta(days=1)

    tags = [
        answer.headers["etag"],
        (await ada.get(path)).headers["etag"],
        (await ada.get(path, params={"include": "lots"})).headers["etag"],
    ]

    assert STRONG.fullmatch(tags[0])
    assert len(set(tags)) == 1, "days left are not stored"


async def test_each_change_of_a_product_or_of_its_lots_gives_it_another_tag(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, quantity="3")
    path = f"/api/products/{product['id']}"
    (lot,) = await lots_of(ada, product["id"])
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", path, {"name": "Oat Milk"}),
        ("POST", f"{path}/consume", {"quantity": "1"}),
        ("POST", f"/api/lots/{lot['id']}/open", {}),
        ("PATCH", f"/api/lots/{lot['id']}", {"price": "2"}),
        ("POST", f"{path}/lots", {}),
    ]
    tags = [(await ada.get(path)).headers["etag"]]
    for method, where, body in changes:
        rest.now += timedelta(seconds=1)
        answer = await ada.request(method, where, json=body)
        assert answer.is_success, answer.text
        tags.append((await ada.get(path)).headers["etag"])
        assert STRONG.fullmatch(answer.headers["etag"])

    assert len(set(tags)) == len(tags)


async def test_the_tag_of_a_lot_is_the_same_until_the_lot_changes(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada)
    lot = await received(ada, product["id"], printedDate="2026-03-20T10:00:00Z", price="1.50")
    path = f"/api/lots/{lot['id']}"
    before = (await ada.get(path)).headers["etag"]
    rest.now += timedelta(days=1)
    await ada.patch(f"/api/products/{product['id']}", json={"name": "Oat Milk"})

    same = (await ada.get(path)).headers["etag"]
    moved = await ada.post(f"{path}/move", json={"location": "Cellar"})

    assert same == before
    assert moved.headers["etag"] not in (before, "")
    assert (await ada.get(path)).headers["etag"] == moved.headers["etag"]


def requests_of(product: str, lot: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Every request that changes a product or a lot in place, the deletions last."""
    return [
        ("PATCH", product, {"notes": "x"}),
        ("POST", f"{product}/consume", {"quantity": "1"}),
        ("POST", f"{product}/discard", {"quantity": "1"}),
        ("POST", f"{product}/lots", {}),
        ("PATCH", lot, {"serial": "x"}),
        ("POST", f"{lot}/move", {"location": "Cellar"}),
        ("POST", f"{lot}/freeze", {}),
        ("POST", f"{lot}/thaw", {}),
        ("POST", f"{lot}/open", {}),
        ("POST", f"{lot}/consume", {"quantity": "1"}),
        ("POST", f"{lot}/discard", {"quantity": "1"}),
        ("DELETE", lot, None),
        ("DELETE", product, None),
    ]


async def test_a_condition_that_does_not_hold_is_412_and_changes_nothing(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada, quantity="9", expiryDate="2026-03-20")
    (lot,) = await lots_of(ada, product["id"])
    paths = f"/api/products/{product['id']}", f"/api/lots/{lot['id']}"
    before = (await ada.get(paths[0], params={"include": "lots"})).json()

    for method, path, body in requests_of(*paths):
        stale = {"If-Match": '"of-another-state"'}
        answer = await ada.request(method, path, json=body, headers=stale)
        assert answer.status_code == HTTPStatus.PRECONDITION_FAILED, (method, path)
        assert "has changed" in answer.json()["detail"]
    assert (await ada.get(paths[0], params={"include": "lots"})).json() == before


async def test_a_condition_that_holds_lets_every_change_pass(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, quantity="9", expiryDate="2026-03-20")
    (lot,) = await lots_of(ada, product["id"])
    paths = f"/api/products/{product['id']}", f"/api/lots/{lot['id']}"

    for method, path, body in requests_of(*paths):
        rest.now += timedelta(seconds=1)
        whole = paths[1] if path.startswith(paths[1]) else paths[0]
        tag = (await ada.get(whole)).headers["etag"]
        answer = await ada.request(method, path, json=body, headers={"If-Match": tag})
        assert answer.is_success, (method, path, answer.text)


async def test_a_reopening_has_a_condition_too(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}"
    tag = (await ada.post(f"{path}/consume")).headers["etag"]

    stale = await ada.post(f"{path}/reopen", headers={"If-Match": '"x"'})
    good = await ada.post(f"{path}/reopen", headers={"If-Match": tag})

    assert stale.status_code == HTTPStatus.PRECONDITION_FAILED
    assert good.status_code == HTTPStatus.OK


async def test_an_undo_has_a_condition_too(ada: httpx.AsyncClient) -> None:
    product = await added(ada, quantity="2")
    (lot,) = await lots_of(ada, product["id"])
    opened = (await acted(ada, lot["id"], "open"))["movements"][0]
    path = f"/api/movements/{opened['id']}/undo"

    stale = await ada.post(path, headers={"If-Match": '"of-another-state"'})
    (still_there, _) = await movements_of(ada, product["id"])
    good = await ada.post(path, headers={"If-Match": "*"})

    assert stale.status_code == HTTPStatus.PRECONDITION_FAILED
    assert "The product has changed" in stale.json()["detail"]
    assert still_there == opened
    assert good.status_code == HTTPStatus.OK


@pytest.mark.parametrize("whose", ["products", "lots"])
async def test_an_undo_takes_the_tag_of_the_product_and_that_of_the_movements_lot(
    ada: httpx.AsyncClient, whose: str
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])
    opened = (await acted(ada, lot["id"], "open"))["movements"][0]
    path = f"/api/{whose}/{(product if whose == 'products' else lot)['id']}"
    tag = (await ada.get(path)).headers["etag"]

    answer = await ada.post(f"/api/movements/{opened['id']}/undo", headers={"If-Match": tag})

    assert answer.status_code == HTTPStatus.OK, answer.text
    assert (
        answer.headers["etag"] == (await ada.get(f"/api/products/{product['id']}")).headers["etag"]
    )
    unknown = await ada.post("/api/movements/x/undo", headers={"If-Match": tag})
    assert unknown.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("*", HTTPStatus.OK),
        ("{}", HTTPStatus.OK),
        ('"a", {}', HTTPStatus.OK),
        ('"a,b" ,{} ,', HTTPStatus.OK),
        ("W/{}", HTTPStatus.PRECONDITION_FAILED),
        ('"a", "b"', HTTPStatus.PRECONDITION_FAILED),
        ("", HTTPStatus.PRECONDITION_FAILED),
        ("unquoted", HTTPStatus.PRECONDITION_FAILED),
        ('{}, unquoted"', HTTPStatus.PRECONDITION_FAILED),
    ],
)
async def test_if_match_is_a_star_or_a_list_of_strong_tags(
    ada: httpx.AsyncClient, value: str, status: HTTPStatus
) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}"
    tag = (await ada.get(path)).headers["etag"]

    answer = await ada.patch(path, json={"notes": "x"}, headers={"If-Match": value.format(tag)})

    assert answer.status_code == status, answer.text


async def test_several_lines_of_if_match_are_one_list(ada: httpx.AsyncClient) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}"
    tag = (await ada.get(path)).headers["etag"]
    headers = [("If-Match", '"a"'), ("If-Match", tag)]

    answer = await ada.patch(path, json={"notes": "x"}, headers=headers)

    assert answer.status_code == HTTPStatus.OK


async def test_an_unknown_product_or_lot_is_404_with_any_condition(
    ada: httpx.AsyncClient,
) -> None:
    for method, path, body in requests_of("/api/products/x", "/api/lots/x"):
        for value in ("*", '"a"'):
            answer = await ada.request(method, path, json=body, headers={"If-Match": value})
            assert answer.status_code == HTTPStatus.NOT_FOUND, (method, path)


async def test_a_long_list_of_open_quotes_is_read_in_no_time() -> None:
    with pytest.raises(Exception, match="If-Match"):
        Precondition('"' * 100_001).require(None)


async def test_of_twenty_at_once_who_take_the_last_one_one_succeeds(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])
    for path in (f"/api/products/{product['id']}", f"/api/lots/{lot['id']}"):
        posts = (ada.post(f"{path}/consume", json={"quantity": "1"}) for _ in range(20))
        answers = await asyncio.gather(*posts)

        assert Counter(each.status_code for each in answers) == {200: 1, 409: 19}
        await ada.post(f"/api/products/{product['id']}/reopen")
        (again,) = await lots_of(ada, product["id"])
        assert again["quantity"] == "1"


async def test_of_twenty_at_once_with_one_tag_one_changes_the_product(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada)
    path = f"/api/products/{product['id']}"
    tag = (await ada.get(path)).headers["etag"]
    rest.now += timedelta(seconds=1)

    answers = await asyncio.gather(
        *(
            ada.patch(path, json={"notes": str(number)}, headers={"If-Match": tag})
            for number in range(20)
        )
    )

    assert Counter(each.status_code for each in answers) == {200: 1, 412: 19}


async def test_without_a_condition_the_last_writer_wins_field_by_field(
    ada: httpx.AsyncClient,
) -> None:
    product = await added(ada)
    (lot,) = await lots_of(ada, product["id"])
    changes = [{"serial": "S"}, {"lotNumber": "L"}, {"price": "2"}]

    await asyncio.gather(*(ada.patch(f"/api/lots/{lot['id']}", json=each) for each in changes))

    now = (await ada.get(f"/api/lots/{lot['id']}")).json()
    assert (now["serial"], now["lotNumber"], now["price"]) == ("S", "L", "2")
    assert await acted(ada, lot["id"], "open")
