"""Dates and names of products over REST: what is accepted, changed, warned of and refused."""

from http import HTTPStatus

import httpx
import pytest
from tests.support.rest_app import MILK, Rest, added, messages

from useby.actions.alerts import send_due


async def test_midnight_of_the_owners_zone_is_kept_with_a_warning_that_has_the_day_to_send(
    ada: httpx.AsyncClient,
) -> None:
    # A browser in Berlin sends this for 4 December.
    picked = {"expiryDate": "2026-12-03T23:00:00.000Z"}
    warning = (
        "The expiryDate 2026-12-03T23:00:00.000Z is the first moment of 2026-12-04 in"
        " Europe/Berlin, so the product expires as that day begins. Send 2026-12-04 if it is good"
        " through that day."
    )
    product = await added(ada, **picked)
    assert (product["expiryDate"], product["warnings"]) == ("2026-12-04T00:00:00+01:00", [warning])
    path = f"/api/products/{product['id']}"
    assert (await ada.patch(path, json=picked)).json()["warnings"] == [warning]
    batch = (await ada.post("/api/products/batch", json={"items": [MILK | picked, MILK]})).json()
    assert [each["product"]["warnings"] for each in batch["results"]] == [[warning], []]
    for other in (
        await ada.patch(path, json={"name": "Milk"}),
        await ada.get(path),
        await ada.patch(path, json={"expiryDate": "2026-12-04"}),
        await ada.patch(path, json={"expiryDate": "2026-12-04T00:00:00Z"}),  # 01:00 in Berlin
        await ada.post(f"{path}/consume"),
    ):
        assert other.json()["warnings"] == []


async def test_the_first_moment_of_a_day_without_midnight_is_warned_of(rest: Rest) -> None:
    _, client = await rest.person(time_zone="America/Santiago")
    # The clocks of 6 September 2026 go from 00:00 to 01:00.
    product = await added(client, expiryDate="2026-09-06T04:00:00.000Z")
    assert product["expiryDate"] == "2026-09-06T01:00:00-03:00"
    assert "Send 2026-09-06 if" in product["warnings"][0]


NOT_VISIBLE = "must have a visible character, e.g. Organic Milk"
CONTROL = "must not contain control characters, e.g. U+001B"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("\u200b", NOT_VISIBLE),
        ("\u202e\u202c", NOT_VISIBLE),
        ("\u3164", NOT_VISIBLE),
        ("\x1c", NOT_VISIBLE),
        ("a\x1b[31m", CONTROL),
        ("a\x9b2J", CONTROL),
    ],
)
async def test_a_name_without_a_visible_character_or_with_a_control_character_is_refused(
    ada: httpx.AsyncClient, name: str, message: str
) -> None:
    product = await added(ada)
    for answer in (
        await ada.post("/api/products", json=MILK | {"name": name}),
        await ada.patch(f"/api/products/{product['id']}", json={"name": name}),
    ):
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert answer.json()["errors"] == [{"at": "body.name", "message": message}]


async def test_line_breaks_of_a_name_become_blanks(ada: httpx.AsyncClient) -> None:
    product = await added(
        ada, name="\na\r\nb\u2028", category="c\td", unit="k\ng", location="\x0be"
    )
    shown = {"name": "a b", "category": "c d", "unit": "k g", "location": "e"}
    assert {field: product[field] for field in shown} == shown
    change = await ada.patch(f"/api/products/{product['id']}", json={"name": "c\nd"})
    assert change.json()["name"] == "c d"


async def test_a_direction_override_of_a_name_ends_with_the_name_in_a_message(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, name="\u202eKLIM")
    assert product["name"] == "\u202eKLIM"
    await rest.database.write(lambda t: send_due(t, rest.now))
    await ada.post(f"/api/products/{product['id']}/consume")
    shown = "\u2068\u202eKLIM\u2069"
    assert await messages(ada) == [f"{shown} was consumed", f"{shown} expires in 2 days"]
