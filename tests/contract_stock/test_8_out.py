"""Section 8, what goes out: exports and calendars, and what section 11 settles about them."""

import csv
import io
import re
from datetime import timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import httpx
import icalendar
import pytest
from openpyxl import load_workbook
from tests.contract_stock.test_8_in_and_out import import_, products
from tests.support.alert_times import pass_until, send_now
from tests.support.factories import NOON
from tests.support.lots_over_rest import acted, lots_of, movements_of, received, undone
from tests.support.rest_app import Rest, added

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Export


async def a_full_household(client: httpx.AsyncClient) -> None:
    milk = await added(
        client,
        name="=1+1",
        quantity="3",
        afterOpening="P3D",
        barcodes=["96385074", "@x"],
        price="2",
    )
    (lot,) = await lots_of(client, milk["id"])
    part = (await acted(client, lot["id"], "open", quantity="1"))["part"]
    await acted(client, part["id"], "move", location="-cellar")
    await acted(client, lot["id"], "freeze", quantity="1")
    await received(client, milk["id"], printedDate=None, lotNumber="+L", serial="S;=1")
    await client.post(f"/api/products/{milk['id']}/discard", json={"quantity": "1"})
    await undone(client, (await movements_of(client, milk["id"]))[0]["id"])
    eaten = await added(client, name="Eaten", externalId="e", leadDays=[])
    await client.post(f"/api/products/{eaten['id']}/consume")


async def test_the_json_imported_into_an_empty_account_gives_the_same_state_and_history(
    rest: Rest,
) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    await a_full_household(ada)
    file = (await ada.get("/api/export", params={"format": "json"})).content
    assert (await import_(bob, file))["added"] == 2
    assert (await bob.get("/api/export", params={"format": "json"})).content == file
    theirs, again = await products(ada), await products(bob)
    for name, product in theirs.items():
        other = again[name]
        for key in product.keys() - {"id", "lots"}:
            assert other[key] == product[key], key
        kinds = [each["kind"] for each in await movements_of(ada, product["id"])]
        assert [each["kind"] for each in await movements_of(bob, other["id"])] == kinds
    assert (await ada.get("/api/stats")).json()["groups"] == (
        (await bob.get("/api/stats")).json()["groups"]
    )


async def test_an_export_has_stock_only_and_no_id_account_or_address(rest: Rest) -> None:
    user, ada = await rest.person(name="Ada of Arc")
    await a_full_household(ada)
    milk = (await products(ada))["=1+1"]
    for form in ("json", "csv"):
        text = (await ada.get("/api/export", params={"format": form})).text
        for secret in (user.id, str(user.email), user.name, milk["id"], milk["lots"][0]["id"]):
            assert secret not in text


async def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless_in_csv_and_xlsx(
    ada: httpx.AsyncClient,
) -> None:
    await a_full_household(ada)
    table = (await ada.get("/api/export", params={"format": "csv"})).text
    workbook = (await ada.get("/api/export", params={"format": "xlsx"})).content
    sheet = load_workbook(io.BytesIO(workbook)).worksheets[0]
    texts = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.data_type == "s"]
    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    for found in (cells, texts):
        assert {"'=1+1", "'@x", "'-cellar", "'+L", "S;'=1"} <= set(found)
        assert not [cell for cell in found if cell[:1] in set("=+-@")]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_a_table_has_all_barcodes_and_the_empty_leads_of_a_product_and_gives_them_back(
    rest: Rest, form: str
) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    codes = ["4012345678901", "96385074", "PZN-1, or so", "=1"]
    await added(ada, barcodes=codes, leadDays=[])
    file = (await ada.get("/api/export", params={"format": form})).content
    assert (await import_(ada, file))["unchanged"] == 1
    await import_(bob, file)
    (milk,) = (await products(bob)).values()
    assert (milk["barcodes"], milk["leadDays"]) == (codes, [])


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_a_table_gives_back_what_was_frozen_in_time_and_thawed_with_its_date(
    rest: Rest, form: str
) -> None:
    _, ada = await rest.person()
    _, bob = await rest.person()
    for kind in ("use_by", "best_before"):
        ham = await added(ada, name=kind, expiryDate="2026-03-10", dateKind=kind)
        (lot,) = await lots_of(ada, ham["id"])
        await acted(ada, lot["id"], "freeze", at="2026-03-02")
        rest.now = NOON + timedelta(days=30)
        await acted(ada, lot["id"], "thaw")
        await acted(ada, lot["id"], "open")
        rest.now = NOON
    rest.now = NOON + timedelta(days=31)
    file = (await ada.get("/api/export", params={"format": form})).content

    assert (await import_(ada, file))["unchanged"] == 2
    report = await import_(bob, file)

    assert (report["added"], report["bad"], report["warnings"]) == (2, [], [])
    for kind, product in (await products(bob)).items():
        (lot,) = product["lots"]
        assert (lot["state"], lot["printedDate"], lot["dateKind"]) == ("opened", "2026-03-10", kind)
        assert lot["expiryDate"] == "2026-04-09", "8 days were left at freezing"


# Calendars


async def a_calendar(client: httpx.AsyncClient) -> tuple[str, str]:
    """Create a calendar; return its id and its address."""
    answer = await client.post("/api/calendars")
    assert answer.status_code == HTTPStatus.CREATED
    assert answer.json().keys() == {"id", "url"}
    return answer.json()["id"], answer.json()["url"]


async def events(rest: Rest, url: str) -> list[Any]:
    """Read a calendar as anybody who has its address; return its events."""
    answer = await rest.client().get(url)
    assert answer.status_code == HTTPStatus.OK
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    found: list[Any] = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    return found


async def test_a_calendars_url_is_secret_read_only_and_ends_with_its_calendar(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    calendar_id, url = await a_calendar(ada)
    (secret,) = re.findall(r"/api/calendars/([\w-]+)\.ics$", url)
    assert len(secret) * 6 >= 128, "bits of a secret in base64"
    assert (await a_calendar(ada))[1] != url
    anybody = rest.client()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await anybody.request(method, url)
        assert answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.METHOD_NOT_ALLOWED)
    assert (await anybody.get(url)).status_code == HTTPStatus.OK
    assert (await ada.delete(f"/api/calendars/{calendar_id}")).status_code == HTTPStatus.NO_CONTENT
    assert (await anybody.get(url)).status_code == HTTPStatus.NOT_FOUND


async def test_a_lot_is_one_all_day_event_with_alarms_at_the_leads(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await added(ada, expiryDate="2026-12-31", leadDays=[7, 2, 0])
    _, url = await a_calendar(ada)
    text = (await rest.client().get(url)).text
    assert "DTSTART;VALUE=DATE:20261231\r\n" in text
    assert "DTEND;VALUE=DATE:20270101\r\n" in text
    (event,) = await events(rest, url)
    alarms = [each["TRIGGER"].dt.total_seconds() / 3600 for each in event.walk("VALARM")]
    assert alarms == [-7 * 24 + 9, -2 * 24 + 9, 9], "at 09:00 of each day, in hours"


async def test_lots_without_a_date_and_closed_ones_have_no_event(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, expiryDate="2026-12-31")
    await added(ada, expiryDate=None)
    eaten = await added(ada, expiryDate="2026-12-30")
    await received(ada, product["id"], printedDate="2027-01-31")
    await ada.post(f"/api/products/{eaten['id']}/consume")
    _, url = await a_calendar(ada)
    found = await events(rest, url)
    assert [str(each["DTSTART"].dt) for each in found] == ["2026-12-31", "2027-01-31"]


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Europe/Berlin", "2026-12-04"), ("America/New_York", "2026-12-03"), ("UTC", "2026-12-03")],
)
async def test_the_event_of_an_instant_is_its_day_in_the_owners_zone(
    rest: Rest, zone: str, day: str
) -> None:
    _, client = await rest.person(time_zone=zone)
    await added(client, expiryDate="2026-12-03T23:30:00Z")
    _, url = await a_calendar(client)
    (event,) = await events(rest, url)
    assert str(event["DTSTART"].dt) == day


async def test_an_event_keeps_its_uid_and_a_change_raises_its_sequence(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, expiryDate="2026-12-31")
    _, url = await a_calendar(ada)
    seen = await events(rest, url)
    for change in ({"expiryDate": "2027-01-31"}, {"name": "Oat milk"}, {"location": "Cellar"}):
        await ada.patch(f"/api/products/{product['id']}", json=change)
        seen += await events(rest, url)
    assert len({str(each["UID"]) for each in seen}) == 1
    sequences = [each["SEQUENCE"] for each in seen]
    assert sequences == sorted(set(sequences))


async def test_a_changed_policy_or_zone_raises_the_sequence_of_the_events_it_changes(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, expiryDate="2026-12-03T23:30:00Z", category="Dairy")
    (lot,) = (await ada.get(f"/api/products/{product['id']}/lots")).json()["items"]
    _, url = await a_calendar(ada)

    async def shown() -> tuple[int, str]:
        (event,) = await events(rest, url)
        sequence, stamp = event.pop("SEQUENCE"), event.pop("DTSTAMP")
        assert stamp.dt <= rest.now + timedelta(minutes=1)
        return int(sequence), event.to_ical().decode()

    seen = [await shown()]
    for path, change in (
        ("policies/account", {"leads": ["9d"]}),
        ("policies/dateKind/best_before", {"alertTime": "07:00"}),
        ("policies/category/Dairy", {"leads": ["24h"]}),
        (f"policies/product/{product['id']}", {"leads": ["6d"]}),
        (f"policies/lot/{lot['id']}", {"leads": ["5d"]}),
        (f"policies/lot/{lot['id']}", {"muted": True}),
        ("me", {"timeZone": "UTC"}),
        ("me", {"language": "de"}),
    ):
        method = "PATCH" if path == "me" else "PUT"
        answer = await ada.request(method, f"/api/{path}", json=change)
        assert answer.status_code == HTTPStatus.OK, answer.text
        await send_now(rest)
        seen.append(await shown())
        assert await shown() == seen[-1], "nothing has changed"
    sequences, texts = [each for each, _ in seen], [each for _, each in seen]
    assert sequences == sorted(set(sequences))
    assert all(text != before for before, text in pairwise(texts))


async def test_an_alert_that_is_sent_leaves_sequence_and_etag_as_they_are(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    await added(ada, expiryDate="2026-03-04")
    _, url = await a_calendar(ada)
    first = await rest.client().get(url)
    await pass_until(rest, "2026-03-03T12:00:00Z")
    again = await rest.client().get(url)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])


@pytest.mark.parametrize(
    "name", ["Käse" * 40, "牛乳" * 60, "🧀" * 90, 'a,b;c\\d"e' * 20, "e\u0301" * 80, "x" * 200]
)
async def test_lines_are_folded_by_octets_and_read_back(
    rest: Rest, ada: httpx.AsyncClient, name: str
) -> None:
    await added(ada, name=name, expiryDate="2026-12-31")
    _, url = await a_calendar(ada)
    raw = (await rest.client().get(url)).content
    lines = raw.split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    assert not [line for line in map(bytes.decode, lines) if set("\r\n") & set(line)]
    (event,) = await events(rest, url)
    assert str(event["SUMMARY"]) == f"Best before: {name}"


async def test_a_name_cannot_add_a_line_to_a_calendar(rest: Rest, ada: httpx.AsyncClient) -> None:
    notes = "a\r\nEND:VEVENT\r\nBEGIN:VEVENT"
    await added(ada, name="b\nATTACH:http://a", location="c\nd", notes=notes, unit="e\nf")
    _, url = await a_calendar(ada)
    (event,) = await events(rest, url)
    assert "ATTACH" not in event
    assert str(event["SUMMARY"]) == "Best before: b ATTACH:http://a"


async def test_a_calendar_has_an_etag_that_changes_with_its_events(
    rest: Rest, ada: httpx.AsyncClient
) -> None:
    product = await added(ada, expiryDate="2026-12-31")
    _, url = await a_calendar(ada)
    tag = (await rest.client().get(url)).headers["etag"]
    anybody = rest.client(**{"If-None-Match": tag})
    assert (await anybody.get(url)).status_code == HTTPStatus.NOT_MODIFIED
    await ada.patch(f"/api/products/{product['id']}", json={"name": "Oat milk"})
    changed = await anybody.get(url)
    assert (changed.status_code, changed.headers["etag"] != tag) == (HTTPStatus.OK, True)
