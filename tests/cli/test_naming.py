"""A person names a product by its id, a part of it, its externalId, its barcode or its name."""

import pytest
from tests.support.cli_result import Useby
from tests.support.shelf import EMAIL, FAR, Shelf

MILK = ("--external-id", "fridge-17", "--barcode", "4006381333931")


@pytest.mark.parametrize(
    "name",
    ["Organic Milk", " organic MILK ", "fridge-17", "4006381333931", "04006381333931"],
)
def test_a_product_is_named_by_its_name_external_id_or_barcode(shelf: Shelf, name: str) -> None:
    milk = shelf.add("Organic Milk", FAR, *MILK)
    shelf.add("Organic Milk Rice")
    assert shelf.done("product", "show", name)["id"] == milk


def test_a_product_is_named_by_its_id_or_the_beginning_or_end_of_it(shelf: Shelf) -> None:
    milk, jam = shelf.add("Milk"), shelf.add("Jam")
    for part in (milk, milk[-8:], milk[:-1], milk.upper()):
        assert shelf.done("product", "show", part)["id"] == milk
    assert shelf.done("product", "show", jam[-8:])["id"] == jam


def test_a_name_comes_before_the_beginning_of_an_id(shelf: Shelf) -> None:
    milk = shelf.add("Milk")
    jam = shelf.add(milk[:4])
    assert shelf.done("product", "show", milk[:4])["id"] == jam


def test_an_ambiguous_name_lists_the_candidates_and_changes_nothing(shelf: Shelf) -> None:
    shelf.add("Milk", "2126-03-04", "--quantity", "2", "--unit", "l", "--location", "Fridge")
    shelf.add("milk", "never", "--location", "Cellar")
    before = shelf.lots()
    result = shelf("product", "consume", "MILK")
    assert (result.status, result.out) == (1, "")
    *candidates, error = result.err.splitlines()
    ids = [line.split()[0] for line in candidates]
    assert [line.split()[1:] for line in candidates] == [
        ["Milk", "2126-03-04", "2", "l", "Fridge"],
        ["milk", "never", "1", "Cellar"],
    ]
    assert error == f"useby: MILK can be 2 products: name one by its id, e.g. {ids[0]}"
    assert shelf.lots() == before
    assert shelf("product", "consume", ids[1]).status == 0
    assert [each["quantity"] for each in shelf.lots()] == ["2"]


def test_an_external_id_that_is_another_products_name_is_ambiguous(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--external-id", "Jam")
    shelf.add("Jam")
    assert "Jam can be 2 products" in shelf("product", "open", "Jam").err


def test_an_action_prefers_the_open_product_of_a_name_to_those_used_up(shelf: Shelf) -> None:
    shelf.add("Milk")
    shelf("product", "consume", "Milk")
    there = shelf.add("Milk")
    assert shelf.done("product", "open", "Milk")["product"]["id"] == there
    assert "Milk can be 2 products" in shelf("product", "undo", "Milk").err


def test_a_name_of_no_product_is_refused_with_the_command_that_lists_them(shelf: Shelf) -> None:
    shelf.add("Milk")
    result = shelf("product", "open", "Mil")
    assert (result.status, result.out) == (1, "")
    lists = f"`useby product list --user {EMAIL}` lists all"
    assert result.err == f"useby: there is no product Mil: {lists}\n"


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_without_or_with_too_many_characters_is_refused(shelf: Shelf, name: str) -> None:
    result = shelf("product", "open", name)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("useby: PRODUCT must be a text of 1 to 200 characters")


def test_a_product_of_another_person_cannot_be_named(shelf: Shelf, useby: Useby) -> None:
    milk = shelf.add("Milk")
    (lot,) = shelf.lots()
    useby("user", "add", "bob@example.org")
    for command, name in (
        (("product", "show"), milk),
        (("product", "consume"), "Milk"),
        (("lot", "consume"), lot["id"]),
        (("lot", "show"), lot["id"][-6:]),
    ):
        result = useby(*command, name, "--user", "bob@example.org")
        assert (result.status, result.out) == (1, "")
        assert "there is no" in result.err
    assert shelf.lots() == [lot]


def test_a_lot_and_a_movement_are_named_by_a_part_of_their_ids(shelf: Shelf) -> None:
    shelf.add("Milk")
    (lot,) = shelf.lots()
    assert shelf.done("lot", "show", lot["id"][-6:])["id"] == lot["id"]
    shelf.add("Jam")
    result = shelf("lot", "show", lot["id"][:2])
    assert result.status == 1
    assert "2 ids begin or end with 01: write more of one, e.g. 01" in result.err
    assert "there is no lot x: `useby lot list`" in shelf("lot", "open", "x").err
    wrong = shelf("product", "undo", "--movement", "x")
    assert "there is no movement x: `useby product show PRODUCT`" in wrong.err


def test_a_long_list_of_candidates_is_cut(shelf: Shelf) -> None:
    for number in range(12):
        shelf.add("Milk", FAR, "--external-id", str(number))
    *candidates, error = shelf("product", "open", "Milk").err.splitlines()
    assert len(candidates) == 10
    assert "Milk can be 12 products" in error
