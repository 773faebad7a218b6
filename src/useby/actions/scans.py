"""Read a scanned barcode, and find the user's product and a name by it.

``domain.gs1`` takes the notation apart. biip reads the values of the elements: it has the form of
each application identifier, the years of two digits, and the day 00. Its tables take 15 MiB and the
time of several hundred requests, so it is imported with the first barcode that has elements.
"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Final

from useby.domain import gs1
from useby.domain.account import User
from useby.domain.product import DateKind, Product
from useby.schemas.products import ProductOut
from useby.schemas.scans import ScanOut
from useby.store import catalogue, product_search
from useby.store.database import Connection, Database

if TYPE_CHECKING:
    from biip.gs1_element_strings import GS1ElementString

LOT, SERIAL = "10", "21"
DATES: Final = {"17": DateKind.USE_BY, "7003": DateKind.USE_BY, "15": DateKind.BEST_BEFORE}
"""Kind of date by application identifier, the one that counts first. Dates of production, packing
and sale (11, 12, 13, 16) are no expiry."""
MEASURES: Final = {"310": "kg", "315": "l", "30": None, "37": None}
"""Unit by the beginning of the application identifier, a measure before a count."""
_BIIP: Final = "biip.gs1_element_strings"
_READ: Final = (LOT, SERIAL, *DATES, *MEASURES)


@dataclass(frozen=True, slots=True)
class Scan:
    """Contents of a barcode; ``None`` where it does not state them."""

    gtin: str | None
    lot_number: str | None
    serial: str | None
    printed_date: date | None
    date_kind: DateKind | None
    quantity: Decimal | None
    unit: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Facts about a barcode that are stored."""

    product: Product | None = None
    name: str | None = None
    brand: str | None = None


async def scan(database: Database, user: User, data: str, now: datetime) -> ScanOut:
    """Return the contents of a barcode, the user's product that has it, and its name."""
    if _BIIP not in sys.modules and gs1.element_string(data) is not None:
        await asyncio.to_thread(import_module, _BIIP)
    read_ = read(data)
    known = await product_search.read_folded(
        database, user.id, lambda c: look_up(c, user.id, data, read_.gtin)
    )
    return ScanOut(
        gtin=read_.gtin,
        lot_number=read_.lot_number,
        serial=read_.serial,
        printed_date=read_.printed_date,
        date_kind=read_.date_kind,
        quantity=read_.quantity,
        unit=read_.unit,
        product=ProductOut.of(known.product, user, now) if known.product else None,
        name=known.name,
        brand=known.brand,
        warnings=list(read_.warnings),
    )


def read(data: str) -> Scan:
    """Return the contents of a barcode."""
    warning = gs1.check_digit_warning(data)
    warnings = [] if warning is None else [warning]
    found: dict[str, GS1ElementString] = {}
    for element in gs1.elements(gs1.element_string(data) or ""):
        if not element.startswith(_READ):
            continue
        value = _value_of(element)
        if value is None:
            warnings.append(f"{element} does not have the form of its application identifier.")
        else:
            found.setdefault(value.ai.ai, value)
    day, kind = _date_in(found, warnings)
    quantity, unit = _measure_in(found)
    return Scan(
        gtin=gs1.canonical_gtin(data),
        lot_number=found[LOT].value if LOT in found else None,
        serial=found[SERIAL].value if SERIAL in found else None,
        printed_date=day,
        date_kind=kind,
        quantity=quantity,
        unit=unit,
        warnings=tuple(warnings),
    )


def look_up(connection: Connection, user_id: str, data: str, gtin: str | None) -> Known:
    """Return what is stored about a barcode: by the user, or else in the catalogue.

    A number for use within a company has another meaning in each, so it is not in the catalogue.

    Raises:
        NotFolded: See ``product_search.read_folded``.
    """
    product = product_search.by_barcode(connection, user_id, data)
    if product is not None:
        return Known(product, product.name)
    if gtin is None or gs1.is_internal(gtin):
        return Known()
    entry = catalogue.get(connection, gtin)
    return Known() if entry is None else Known(None, entry.name, entry.brand or None)


def _value_of(element: str) -> "GS1ElementString | None":
    """Return the value of an element; ``None`` if it is not as its identifier requires."""
    from biip import ParseConfig, ParseError  # noqa: PLC0415 - see the top of this file
    from biip.gs1_element_strings import GS1ElementString  # noqa: PLC0415

    config = ParseConfig(gs1_element_strings_verify_date=False)
    try:
        value = GS1ElementString.extract(element, config=config) if element.isascii() else None
    except ParseError:
        return None
    is_whole = value is not None and len(value) == len(element) and value.value
    return value if is_whole else None


def _date_in(
    found: Mapping[str, "GS1ElementString"], warnings: list[str]
) -> tuple[date | None, DateKind | None]:
    for identifier, kind in DATES.items():
        if identifier not in found:
            continue
        value = found[identifier]
        if value.date is not None:
            return value.date, kind
        warnings.append(f"{value.value} of ({identifier}) is no date of the calendar.")
    return None, None


def _measure_in(found: Mapping[str, "GS1ElementString"]) -> tuple[Decimal | None, str | None]:
    for beginning, unit in MEASURES.items():
        for identifier, value in found.items():
            if identifier.startswith(beginning):
                measure = Decimal(value.value) if value.decimal is None else value.decimal
                if measure > 0:
                    return measure, unit
    return None, None
