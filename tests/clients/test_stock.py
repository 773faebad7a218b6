"""Names, barcodes, dates, numbers, files and calendars through the client, against a real node.

covers: useby.client.stock, useby.client.reports
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from tests.support.process_node import NodeProcess

from useby.client import Api, Invalid, NotFound


@contextlib.asynccontextmanager
async def _api(node: NodeProcess) -> AsyncIterator[Api]:
    async with Api(node.url, token=node.person().token) as api:
        yield api


async def test_names_for_pickers_have_their_number_of_lots(node: NodeProcess) -> None:
    async with _api(node) as api:
        await api.add_product("Milk", "2090-01-31", category="Dairy", location="Fridge")
        await api.add_product("Cheese", "2090-01-31", category="Dairy", location="Cellar")
        places = [(each.name, each.lots) for each in await api.stock.locations()]
        assert places == [("Cellar", 1), ("Fridge", 1)]
        assert [(each.name, each.lots) for each in await api.stock.categories()] == [("Dairy", 2)]


async def test_a_scanned_barcode_is_read_and_finds_its_product(node: NodeProcess) -> None:
    async with _api(node) as api:
        await api.add_product("Milk", "2090-01-31", barcode="4006381333931")
        found = await api.stock.scan("(01)04006381333931(17)270200(10)A1B2")
        assert (found.gtin, found.lot_number, found.printed_date) == (
            "04006381333931",
            "A1B2",
            date(2027, 2, 28),
        )
        assert found.product is not None
        assert found.product.name == "Milk"


async def test_a_date_is_read_as_people_write_it(node: NodeProcess) -> None:
    async with _api(node) as api:
        soon = await api.stock.read_date("in 5 days", today=date(2026, 3, 4))
        assert (soon.date, soon.certain) == (date(2026, 3, 9), True)
        either = await api.stock.read_date("03/04/2026")
        assert (either.date, either.certain) == (None, False)
        assert set(either.readings) == {date(2026, 3, 4), date(2026, 4, 3)}
        day_first = await api.stock.read_date("03/04/2026", order="dmy")
        assert day_first.date == date(2026, 4, 3)
        with pytest.raises(Invalid):
            await api.stock.read_date("soon")


async def test_the_alerts_to_come_name_their_lot_and_their_policy(node: NodeProcess) -> None:
    async with _api(node) as api:
        milk = await api.add_product("Milk", "2090-01-31", lead_days=[5])
        (lot,) = await api.lots.of_product(milk.id)
        first = (await api.alerts(milk.id))[0]
        assert (first.lot_id, first.lead, first.because.scope) == (lot.id, "5d", "product")
        assert first.message == "Milk expires in 5 days"
        assert first.at < datetime(2090, 1, 31, tzinfo=UTC)


async def test_the_numbers_have_what_was_taken_and_thrown_away(node: NodeProcess) -> None:
    async with _api(node) as api:
        milk = await api.add_product("Milk", "2090-01-31", category="Dairy", unit="l", quantity=2)
        await api.consume(milk.id, Decimal("0.5"))
        await api.discard(milk.id)
        today = datetime.now(UTC).date()
        numbers = await api.stock.stats(
            by="product", first=today - timedelta(days=1), last=today + timedelta(days=1)
        )
        (group,) = numbers.groups
        assert (group.name, group.taken.quantities) == ("Milk", {"l": Decimal("0.5")})
        assert (group.thrown_away.lots, group.thrown_away.quantities["l"]) == (1, Decimal("1.5"))
        assert [each.name for each in numbers.most_thrown_away] == ["Milk"]


async def test_an_export_is_imported_by_another_account(node: NodeProcess) -> None:
    async with _api(node) as api, _api(node) as other:
        milk = await api.add_product("Milk", "2090-01-31", quantity=3)
        await api.consume(milk.id, 1)
        file = await api.stock.export()
        tried = await other.stock.import_file(file, dry_run=True)
        assert (tried.dry_run, tried.added) == (True, 1)
        assert [each async for each in other.products()] == []
        done = await other.stock.import_file(file)
        assert (done.format, done.added, done.bad) == ("useby", 1, ())
        (copy,) = [each async for each in other.products(with_lots=True)]
        assert (copy.name, copy.quantity) == ("Milk", Decimal(2))
        assert b"Milk" in await api.stock.export("csv")


async def test_an_import_takes_choices_and_a_refusal_has_the_report(node: NodeProcess) -> None:
    async with _api(node) as api:
        good = b"What;When\nMilk;03/04/2090\n"
        report = await api.stock.import_file(
            good, format="csv", columns={"What": "name", "When": "expiryDate"}, order="dmy"
        )
        assert report.columns == {"What": "name", "When": "expiryDate"}
        assert [each.expiry_date async for each in api.products()] == ["2090-04-03"]
        bad = b"name,expiryDate\nTea,2090-01-31\nRice,soon\n"
        with pytest.raises(Invalid) as refused:
            await api.stock.import_file(bad)
        assert [each["line"] for each in refused.value.problem["bad"]] == [3]
        kept = await api.stock.import_file(bad, skip_bad=True)
        assert (kept.added, [each.line for each in kept.bad]) == (1, [3])


async def test_a_calendar_has_a_secret_address_until_it_is_deleted(node: NodeProcess) -> None:
    async with _api(node) as api, httpx.AsyncClient(trust_env=False) as anybody:
        await api.add_product("Milk", "2090-01-31")
        new = await api.stock.add_calendar()
        assert new.url is not None
        node.secrets.add(new.url.rpartition("/")[2].removesuffix(".ics"))
        assert new.url not in repr(new)
        assert "Milk" in (await anybody.get(new.url)).text
        assert [(each.id, each.url) for each in await api.stock.calendars()] == [(new.id, None)]
        await api.stock.delete_calendar(new.id)
        assert (await anybody.get(new.url)).status_code == 404
        with pytest.raises(NotFound):
            await api.stock.delete_calendar(new.id)
