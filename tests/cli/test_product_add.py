"""Adding a product with storage rules and with the fields of its lot."""

import pytest
from tests.support.shelf import FAR, Shelf, days_ahead

RULES = {
    "--shelf-life": "P30D",
    "--after-opening": "P5D",
    "--after-freezing": "P12W",
    "--after-thawing": "PT8H",
}


def test_a_product_is_added_with_its_rules(shelf: Shelf) -> None:
    rules = [word for rule in RULES.items() for word in rule]
    added = shelf.done("product", "add", "Pesto", "never", *rules, "--minimum-stock", "2")
    assert {
        "shelfLife": "P30D",
        "afterOpening": "P5D",
        "afterFreezing": "P12W",
        "afterThawing": "PT8H",
        "minimumStock": "2",
        "expiryDate": str(days_ahead(30)),
        "lotCount": 1,
    }.items() <= added.items()


def test_a_product_is_added_with_the_fields_of_its_lot(shelf: Shelf) -> None:
    fields = ("--lot-number", "L7", "--serial", "S1", "--price", "2.49")
    more = ("--received", "2 Mar 2026", "--kind", "use_by", "--quantity", "3")
    product = shelf.add("Pesto", FAR, *fields, *more, "--location", "Cellar")
    (lot,) = shelf.lots()
    assert {
        "productId": product,
        "lotNumber": "L7",
        "serial": "S1",
        "price": "2.49",
        "receivedOn": "2026-03-02",
        "dateKind": "use_by",
        "quantity": "3",
        "location": "Cellar",
        "expiryDate": FAR,
        "dateSource": "printed",
    }.items() <= lot.items()


def test_a_product_is_added_with_all_of_its_barcodes(shelf: Shelf) -> None:
    codes = ("4012345678901", "96385074", "PZN-1")
    added = shelf.done(
        "product", "add", "Pesto", FAR, *(word for each in codes for word in ("--barcode", each))
    )
    assert (added["barcode"], added["barcodes"]) == (codes[0], list(codes))
    shown = shelf("product", "show", "Pesto")
    assert ", ".join(codes) in shown.out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--shelf-life", "PT8H"), "--shelf-life must be whole days or weeks, e.g. P30D or P4W"),
        (("--after-opening", "5 days"), "--after-opening must be whole days, weeks or hours, e.g."),
        (("--minimum-stock", "-1"), "--minimum-stock must be a number of at least 0"),
        (
            ("--barcode", "x" * 129),
            "--barcode must be a list of at most 20 barcodes of at most 128",
        ),
        (("--price", "free"), "--price must be a number of at least 0"),
        (("--received", "tomorrow"), "--received must not be in the future, e.g. 2026-03-04"),
        (("--received", "2026-03-04T10:00Z"), "--received must be a day, e.g. yesterday or 2026-"),
    ],
)
def test_a_field_that_is_not_valid_is_refused_and_nothing_is_added(
    shelf: Shelf, words: tuple[str, str], error: str
) -> None:
    result = shelf("product", "add", "Pesto", FAR, *words)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"useby: {error}")
    assert result.err.count("\n") == 1
    assert shelf.done("product", "list") == []


def test_an_external_id_of_another_product_is_refused_with_the_way_to_add_a_lot(
    shelf: Shelf,
) -> None:
    shelf.add("Pesto", FAR, "--external-id", "p-1")
    result = shelf("product", "add", "Pesto", FAR, "--external-id", "p-1")
    assert (result.status, result.out) == (1, "")
    remedy = "give another, or add a lot to that product with `useby lot add`"
    assert result.err == f"useby: another product has the external id p-1: {remedy}\n"
    assert len(shelf.lots()) == 1


def test_a_product_of_a_disabled_account_is_not_added(shelf: Shelf) -> None:
    shelf.useby("user", "disable", "ada@example.org")
    result = shelf("product", "add", "Pesto", FAR)
    assert (result.status, result.out) == (1, "")
    assert "the account ada@example.org has been deleted or disabled" in result.err
