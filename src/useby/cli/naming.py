"""Find the product, lot or movement that a person names on the command line."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.table import Table

from useby.cli.lot_words import NEVER, amount
from useby.cli.options import CommandError, checked
from useby.cli.terminal import cell, console
from useby.domain.account import User
from useby.domain.lot import Lot
from useby.domain.movement import Movement
from useby.domain.product import Product
from useby.domain.short_ids import ShortIds
from useby.schemas.fields import Characters, RequestModel
from useby.store import named, product_search, products
from useby.store.database import Connection, Database
from useby.store.product_search import ProductQuery

T = TypeVar("T", Lot, Movement)

ProductName = Annotated[
    str,
    typer.Argument(
        metavar="PRODUCT",
        help="Its name, barcode, externalId, or id, or a part of its id, e.g. 'Organic Milk'.",
    ),
]
LotName = Annotated[
    str, typer.Argument(metavar="LOT", help="Id of the lot, or its beginning or end, e.g. b5e89b.")
]
PAGE: Final = 500
"""Products of one read."""
MOST_LISTED: Final = 10
"""Maximum candidates that are listed for an ambiguous name."""


class _Typed(RequestModel):
    name: Annotated[str, Characters(1, 200, "'Organic Milk'")]


async def product_named(
    database: Database, user: User, typed: str, *, open_first: bool = False
) -> Product:
    """Return the user's product with an id, an external id, a barcode or a name.

    Case is ignored in a name. The beginning or end of an id is enough if no other id has it.

    Args:
        database: The database.
        user: The owner.
        typed: The text that names the product.
        open_first: Return the only open product if it shares a name with closed ones.

    Raises:
        BadParameter: The text is empty or too long.
        CommandError: No product is named so, or several are; these are printed.
    """
    text = checked(_Typed, {"name": "PRODUCT"}, name=typed).name
    found = await database.read(lambda c: products.get(c, user.id, text))
    if found is not None:
        return found
    candidates = await _called(database, user, text)
    if not candidates:
        candidates = await database.read(lambda c: named.products_by_part(c, user.id, text))
    if open_first and len(candidates) > 1:
        left = [each for each in candidates if each.closed_as is None]
        candidates = left if len(left) == 1 else candidates
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise CommandError(
            f"there is no product {text}: `useby product list --user {user.email or user.id}`"
            " lists all"
        )
    ids = ShortIds(await database.read(lambda c: named.product_ids(c, user.id)))
    _list(candidates, ids)
    raise CommandError(
        f"{text} can be {_number(candidates)} products: name one by its id,"
        f" e.g. {ids.of(candidates[0].id)}"
    )


async def lot_named(database: Database, user: User, typed: str) -> Lot:
    """Return the user's lot with an id, or with the only id that begins or ends so.

    Raises:
        BadParameter: The text is empty or too long.
        CommandError: There is no such lot, or several.
    """
    return await _by_part(database, user, typed, named.lots_by_part, "lot", "useby lot list")


async def movement_named(database: Database, user: User, typed: str) -> Movement:
    """Return the user's movement with an id, or with the only id that begins or ends so.

    Raises:
        BadParameter: The text is empty or too long.
        CommandError: There is no such movement, or several.
    """
    find, shows = named.movements_by_part, "useby product show PRODUCT"
    return await _by_part(database, user, typed, find, "movement", shows)


async def _called(database: Database, user: User, text: str) -> list[Product]:
    """Return the products with an external id, a barcode or a name."""
    by_key = await database.read(lambda c: products.by_external_id(c, user.id, [text]))
    found = list(by_key.values())
    found += await _all(database, user, ProductQuery(barcode=text, limit=PAGE))
    wanted = _plain(text)
    found += [
        each
        for each in await _all(database, user, ProductQuery(text=text, limit=PAGE))
        if _plain(each.name) == wanted
    ]
    return list({each.id: each for each in found}.values())


async def _all(database: Database, user: User, query: ProductQuery) -> list[Product]:
    """Return all products of a search; its order needs no current time."""
    found: list[Product] = []
    while True:
        page = await product_search.read_folded(
            database,
            user.id,
            lambda c: product_search.list_(c, user, query, user.created_at),  # noqa: B023
        )
        found += page.items
        if page.next_cursor is None:
            return found
        query = replace(query, cursor=page.next_cursor)


async def _by_part(
    database: Database,
    user: User,
    typed: str,
    find: Callable[[Connection, str, str], list[T]],
    kind: str,
    shows: str,
) -> T:
    text = checked(_Typed, {"name": kind.upper()}, name=typed).name
    found = await database.read(lambda c: find(c, user.id, text))
    for each in found:
        if each.id == text or len(found) == 1:
            return each
    if not found:
        raise CommandError(f"there is no {kind} {text}: `{shows}` shows their ids")
    raise CommandError(
        f"{_number(found)} ids begin or end with {text}: write more of one, e.g. {found[0].id}"
    )


def _list(candidates: Sequence[Product], ids: ShortIds) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for each in candidates[:MOST_LISTED]:
        date = NEVER if each.expiry is None else each.expiry.key
        used = "" if each.closed_as is None else each.closed_as.value
        table.add_row(
            *map(
                cell,
                (
                    ids.of(each.id),
                    each.name,
                    date,
                    used or amount(each.quantity, each.unit),
                    each.location,
                ),
            )
        )
    console(err=True).print(table)


def _number(found: Sequence[Any]) -> str:
    """Return the number of rows; a part of an id finds a limited number."""
    return f"{len(found)} or more" if len(found) == named.MOST else str(len(found))


def _plain(name: str) -> str:
    return name.strip().casefold()
