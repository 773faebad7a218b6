"""REST client of what concerns all stock: names, barcodes, dates, numbers, files and calendars."""

from collections.abc import Mapping
from datetime import date

from useby.client.params import DateOrder, ExportFormat, Grouping, ImportFormat
from useby.client.reports import Calendar, DateReading, ImportReport, NamedLots, Scan, Stats
from useby.client.rest import RestClient, part


class Stock:
    """All stock of one user, as ``Api.stock``."""

    def __init__(self, rest: RestClient) -> None:
        """Create the client of stock; ``Api`` does."""
        self._rest = rest

    async def locations(self) -> list[NamedLots]:
        """Return the locations of open lots."""
        answer = await self._rest.request("GET", "/locations")
        return [NamedLots.of(each) for each in answer["items"]]

    async def categories(self) -> list[NamedLots]:
        """Return the categories of open lots."""
        answer = await self._rest.request("GET", "/categories")
        return [NamedLots.of(each) for each in answer["items"]]

    async def scan(self, data: str) -> Scan:
        """Read a scanned barcode, and find the product that has it. Nothing is stored."""
        return Scan.of(await self._rest.request("POST", "/scan", {"data": data}))

    async def read_date(
        self, text: str, *, order: DateOrder | None = None, today: date | str | None = None
    ) -> DateReading:
        """Read a date as people write it, e.g. ``EXP 05/26`` or ``in 5 days``.

        Args:
            text: The text.
            order: Order of day and month where the text leaves it open.
            today: The present day; by default that of the account's time zone.
        """
        query = {"text": text, "order": order, "today": today}
        return DateReading.of(await self._rest.request("GET", "/dates", query=query))

    async def stats(
        self,
        *,
        by: Grouping = "category",
        first: date | str | None = None,
        last: date | str | None = None,
    ) -> Stats:
        """Return the numbers of what was taken and thrown away.

        Args:
            by: Grouping of the numbers.
            first: First day that counts.
            last: Last day that counts.
        """
        query = {"by": by, "from": first, "to": last}
        return Stats.of(await self._rest.request("GET", "/stats", query=query))

    async def export(self, format: ExportFormat = "json") -> bytes:  # noqa: A002 - on the wire
        """Return all stock as a file; ``json`` has the history of each lot."""
        return await self._rest.read("/export", {"format": format})

    async def import_file(
        self,
        data: bytes,
        *,
        dry_run: bool = False,
        skip_bad: bool = False,
        format: ImportFormat = "auto",  # noqa: A002 - the name on the wire
        columns: Mapping[str, str] | None = None,
        order: DateOrder | None = None,
    ) -> ImportReport:
        """Import products from a file: all rows or none.

        Args:
            data: The file.
            dry_run: Only report what would be stored.
            skip_bad: Store the valid rows even if others are bad.
            format: Format of the file.
            columns: Our name by the file's name of a column; ``-`` leaves it out.
            order: Order of day and month.

        Raises:
            Invalid: Rows are bad and nothing was stored; ``problem`` has the report.
        """
        query = {
            "dry_run": dry_run, "skip_bad": skip_bad, "format": format, "order": order,
            "map": [f"{theirs}:{ours}" for theirs, ours in (columns or {}).items()],
        }  # fmt: skip
        return ImportReport.of(
            await self._rest.request("POST", "/import", query=query, content=data)
        )

    async def add_samples(self) -> int:
        """Add a dozen sample products; return the number of those that were not there."""
        return int((await self._rest.request("POST", "/samples"))["added"])

    async def remove_samples(self) -> int:
        """Delete the sample products with their lots; return their number."""
        return int((await self._rest.request("DELETE", "/samples"))["removed"])

    async def calendars(self) -> list[Calendar]:
        """Return the calendars, without their addresses."""
        answer = await self._rest.request("GET", "/calendars")
        return [Calendar.of(each) for each in answer["items"]]

    async def add_calendar(self) -> Calendar:
        """Create a calendar; anybody who has its address can read the dates."""
        return Calendar.of(await self._rest.request("POST", "/calendars"))

    async def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar: its address stops working at once."""
        await self._rest.request("DELETE", f"/calendars/{part(calendar_id)}")
