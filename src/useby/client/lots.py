"""REST client of lots and movements."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Unpack

from useby.client.models import Lot, Movement, Product
from useby.client.params import Amount, Day, LotChange, NewLot, Reason
from useby.client.rest import RestClient, part


class Lots:
    """Lots and movements of one user, as ``Api.lots``.

    ``quantity`` of an action is some of the lot; without it, all. Less than all of ``open``,
    ``freeze``, ``thaw`` or ``move`` splits the lot, and ``part`` of the result is the new one.
    ``at`` is the time at which it happened, if that is not now; a day means its noon. ``if_match``
    is the ``etag`` of the lot as it was read, as in ``Api``.
    """

    def __init__(self, rest: RestClient) -> None:
        """Create the client of lots; ``Api`` does."""
        self._rest = rest

    async def of_product(self, product_id: str) -> list[Lot]:
        """Return all lots of a product: open ones as they are taken, then closed ones."""
        pages = self._rest.pages(f"/products/{part(product_id)}/lots", {"limit": 500})
        return [Lot.of(each) async for each in pages]

    async def add(
        self, product_id: str, *, if_match: str | None = None, **fields: Unpack[NewLot]
    ) -> Lot:
        """Add a lot to a product; ``if_match`` is the product's."""
        path = f"/products/{part(product_id)}/lots"
        return Lot.of(await self._rest.request("POST", path, fields, if_match=if_match))

    async def get(self, lot_id: str) -> Lot:
        """Return a lot."""
        return Lot.of(await self._rest.request("GET", f"/lots/{part(lot_id)}"))

    async def change(
        self, lot_id: str, *, if_match: str | None = None, **fields: Unpack[LotChange]
    ) -> Lot:
        """Change the given fields of a lot."""
        path = f"/lots/{part(lot_id)}"
        return Lot.of(await self._rest.request("PATCH", path, fields, if_match=if_match))

    async def delete(self, lot_id: str, *, if_match: str | None = None) -> None:
        """Delete a lot that was entered by mistake, with its movements."""
        await self._rest.request("DELETE", f"/lots/{part(lot_id)}", if_match=if_match)

    async def consume(
        self,
        lot_id: str,
        quantity: Amount | None = None,
        *,
        at: Day | None = None,
        if_match: str | None = None,
    ) -> Lot:
        """Consume some of a lot, or all of it."""
        return await self._act(lot_id, "consume", {"quantity": quantity, "at": at}, if_match)

    async def discard(
        self,
        lot_id: str,
        quantity: Amount | None = None,
        *,
        reason: Reason | None = None,
        at: Day | None = None,
        if_match: str | None = None,
    ) -> Lot:
        """Discard some of a lot, or all of it."""
        given = {"quantity": quantity, "reason": reason, "at": at}
        return await self._act(lot_id, "discard", given, if_match)

    async def open(
        self,
        lot_id: str,
        quantity: Amount | None = None,
        *,
        at: Day | None = None,
        if_match: str | None = None,
    ) -> Lot:
        """Open a sealed or thawed lot."""
        return await self._act(lot_id, "open", {"quantity": quantity, "at": at}, if_match)

    async def freeze(
        self,
        lot_id: str,
        quantity: Amount | None = None,
        *,
        at: Day | None = None,
        if_match: str | None = None,
    ) -> Lot:
        """Freeze a lot."""
        return await self._act(lot_id, "freeze", {"quantity": quantity, "at": at}, if_match)

    async def thaw(
        self,
        lot_id: str,
        quantity: Amount | None = None,
        *,
        at: Day | None = None,
        if_match: str | None = None,
    ) -> Lot:
        """Thaw a frozen lot."""
        return await self._act(lot_id, "thaw", {"quantity": quantity, "at": at}, if_match)

    async def move(
        self,
        lot_id: str,
        location: str,
        quantity: Amount | None = None,
        *,
        at: Day | None = None,
        if_match: str | None = None,
    ) -> Lot:
        """Move a lot to another location."""
        given = {"location": location, "quantity": quantity, "at": at}
        return await self._act(lot_id, "move", given, if_match)

    async def _act(
        self, lot_id: str, action: str, given: Mapping[str, Any], if_match: str | None
    ) -> Lot:
        path = f"/lots/{part(lot_id)}/{action}"
        return Lot.of(await self._rest.request("POST", path, given, if_match=if_match))

    async def movements(
        self, product_id: str | None = None, *, since: Day | None = None, limit: int = 50
    ) -> AsyncIterator[Movement]:
        """Iterate over movements, newest first, fetching page by page.

        Args:
            product_id: Only those of this product.
            since: Only those that were recorded on this day, at this time, or later, or after the
                movement with this id. Without effect beside ``product_id``.
            limit: Movements per page, at most 500.
        """
        if product_id is None:
            pages = self._rest.pages("/movements", {"since": since, "limit": limit})
        else:
            path = f"/products/{part(product_id)}/movements"
            pages = self._rest.pages(path, {"limit": limit})
        async for item in pages:
            yield Movement.of(item)

    async def undo(self, movement_id: str, *, if_match: str | None = None) -> Product:
        """Undo a movement; ``if_match`` is the product's or the lot's.

        Returns:
            The product, with the new ``movements`` and the changed ``lots``.
        """
        path = f"/movements/{part(movement_id)}/undo"
        return Product.of(await self._rest.request("POST", path, if_match=if_match))
