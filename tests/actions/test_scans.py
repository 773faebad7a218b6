"""Scanned barcodes: their contents, and what is stored about them."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.factories import NOON, a_kept_owner, a_product

from useby.actions import inventory, scans
from useby.actions.scans import Scan
from useby.domain.gs1 import LONGEST
from useby.domain.product import DateKind, Disposal
from useby.store import catalogue
from useby.store.catalogue import Entry
from useby.store.database import Database

GTIN = "04012345678901"
LONG = "]d201040123456789011727020010A1B2C3D4E5F6G7H8I9J0\x1d21Z1Y2X3W4V5U6T7S8R9Q0"
NOTHING = Scan(None, None, None, None, None, None, None, ())


def contents(scan: Scan) -> dict[str, object]:
    """Return what a barcode states, without what it does not."""
    return {name: value for name in Scan.__slots__ if (value := getattr(scan, name))}


@pytest.mark.parametrize(
    ("data", "gtin"),
    [
        ("96385074", "00000096385074"),
        ("042563008123", "00042563008123"),
        ("4012345678901", GTIN),
        ("14012345678908", "14012345678908"),
        ("06541238", "00065400000128"),
    ],
)
def test_gtin_8_12_13_14_and_upc_e_are_read(data: str, gtin: str) -> None:
    assert contents(scans.read(data)) == {"gtin": gtin}


@pytest.mark.parametrize(
    "data",
    [
        f"(01){GTIN}(17)270200(10)A1(21)Z9",
        f"01{GTIN}1727020010A1\x1d21Z9",
        f"\x1d01{GTIN}1727020010A1\x1d21Z9",
        f"]C101{GTIN}1727020010A1\x1d21Z9",
        f"]d201{GTIN}1727020021Z9\x1d10A1",
        f"]Q310A1\x1d21Z9\x1d01{GTIN}17270200",
        f"https://id.gs1.org/01/{GTIN}/10/A1/21/Z9?17=270200",
        "http://shop.example/x/01/4012345678901/10/A1/21/Z9?17=270200&utm=1",
    ],
)
def test_parentheses_fnc1_a_symbology_prefix_and_a_digital_link_state_the_same(data: str) -> None:
    assert contents(scans.read(data)) == {
        "gtin": GTIN,
        "lot_number": "A1",
        "serial": "Z9",
        "printed_date": date(2027, 2, 28),
        "date_kind": DateKind.USE_BY,
    }


def test_a_long_scan_states_date_lot_and_serial() -> None:
    found = scans.read(LONG)
    assert (found.gtin, found.lot_number) == (GTIN, "A1B2C3D4E5F6G7H8I9J0")
    assert (found.serial, found.printed_date) == ("Z1Y2X3W4V5U6T7S8R9Q0", date(2027, 2, 28))


@pytest.mark.parametrize(
    ("elements", "day", "kind"),
    [
        ("(17)270304", date(2027, 3, 4), DateKind.USE_BY),
        ("(15)270304", date(2027, 3, 4), DateKind.BEST_BEFORE),
        ("(7003)2703041530", date(2027, 3, 4), DateKind.USE_BY),
        ("(15)270301(17)270304", date(2027, 3, 4), DateKind.USE_BY),
        ("(17)280200", date(2028, 2, 29), DateKind.USE_BY),
        ("(17)270400", date(2027, 4, 30), DateKind.USE_BY),
        ("(17)990101", date(1999, 1, 1), DateKind.USE_BY),
        ("(11)270304", None, None),
        ("(12)270304(13)270305(16)270306", None, None),
    ],
)
def test_17_and_7003_are_use_by_15_is_best_before_and_11_12_13_16_are_no_expiry(
    elements: str, day: date | None, kind: DateKind | None
) -> None:
    found = scans.read(f"(01){GTIN}{elements}")
    assert (found.printed_date, found.date_kind, found.warnings) == (day, kind, ())


@pytest.mark.parametrize(
    ("elements", "quantity", "unit"),
    [
        ("(30)12", "12", None),
        ("(37)6", "6", None),
        ("(3103)000195", "0.195", "kg"),
        ("(3100)000012", "12", "kg"),
        ("(3152)000150", "1.5", "l"),
        ("(30)3(3103)001250", "1.25", "kg"),
        ("(30)00", None, None),
        ("(3202)000150", None, None),
    ],
)
def test_30_37_310n_and_315n_give_the_quantity_and_a_weight_wins_over_a_count(
    elements: str, quantity: str | None, unit: str | None
) -> None:
    found = scans.read(f"(01){GTIN}{elements}")
    assert found.quantity == (Decimal(quantity) if quantity else None)
    assert (found.unit, found.warnings) == (unit, ())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("4006381333930", "4006381333931 would be right"),
        ("(01)04006381333930(10)A1", "04006381333931 would be right"),
        (f"(01){GTIN}(17)270231(10)A1", "270231 of (17) is no date"),
        (f"(01){GTIN}(17)2713(10)A1", "172713 does not have the form"),
        (f"(01){GTIN}(10){'x' * 21}", "does not have the form"),
        (f"(01){GTIN}(10)caf\u00e9", "does not have the form"),
    ],
)
def test_a_wrong_part_of_a_scan_is_a_warning_and_the_rest_is_read(data: str, words: str) -> None:
    found = scans.read(data)
    assert words in found.warnings[0]
    assert (found.gtin is None) == ("would be right" in words)
    assert (found.lot_number == "A1") == data.endswith("(10)A1")


@pytest.mark.parametrize("data", ["lot 7/B", "123", "]", "https://a.example/", "(", " "])
def test_text_that_is_no_code_states_nothing(data: str) -> None:
    assert scans.read(data) == NOTHING


pieces = st.sampled_from(
    [
        "(01)",
        "01",
        GTIN,
        "17",
        "(17)",
        "270200",
        "10",
        "\x1d",
        "]d2",
        "7003",
        "3103",
        "30",
        "37",
        "http://a/01/",
        "https://[",
        "?17=",
        "١٢",
        "%1d",
        "/",
        "(",
        ")",
        "99",
        "A" * 21,
    ]
)


@given(st.lists(pieces | st.text(max_size=8), max_size=40).map("".join))
def test_no_scan_raises(text: str) -> None:
    scans.read(text[:LONGEST])


async def known(database: Database, user_id: str, data: str) -> tuple[str | None, str | None, bool]:
    gtin = scans.read(data).gtin
    found = await database.read(lambda c: scans.look_up(c, user_id, data, gtin))
    return found.name, found.brand, found.product is not None


async def test_the_name_of_an_unknown_gtin_comes_from_the_owners_past_then_the_catalogue(
    database: Database,
) -> None:
    owner, stranger = await a_kept_owner(database), await a_kept_owner(database)
    assert await known(database, owner.id, GTIN) == (None, None, False)
    entries = [Entry(GTIN, "Tea", "Brand", "250 g"), Entry("02012345000019", "Ham", "", "")]
    await database.write(lambda t: catalogue.put(t, entries))
    assert await known(database, owner.id, "4012345678901") == ("Tea", "Brand", False)
    assert await known(database, owner.id, "2012345000019") == (None, None, False), "internal"

    past = a_product(
        owner, name="My tea", barcode=LONG, closed_as=Disposal.CONSUMED, closed_at=NOON
    )
    ham = a_product(owner, name="Ham of the shop", barcode="2012345000019")
    await database.write(lambda t: inventory.add_many(t, [past, ham], owner, NOON))
    assert await known(database, owner.id, "4012345678901") == ("My tea", None, True)
    assert await known(database, owner.id, "2012345000019") == ("Ham of the shop", None, True)
    assert await known(database, stranger.id, GTIN) == ("Tea", "Brand", False)
