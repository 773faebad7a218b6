"""Entity tags of products and lots, and requests that depend on one (RFC 9110 section 13.1.1)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Header, Request

from useby.api.errors import Problem
from useby.domain.lot import Lot
from useby.domain.product import Product
from useby.schemas.etags import etag_of

_TAG: Final = re.compile(r'[ \t]*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")?[ \t]*')
CHANGED: Final = (
    "The {} has changed: its ETag is not among those of If-Match. Read it again, and repeat the"
    " change with the new ETag."
)
MISSING: Final = "If-Match requires a product that exists, and there is none with this externalId."
MALFORMED: Final = (
    'If-Match must be * or a list of tags in quotes, e.g. "9f86d081884c7d65", as an ETag has them.'
)


@dataclass(frozen=True, slots=True)
class Precondition:
    """The ``If-Match`` of a request."""

    value: str | None = None
    """Its value; ``None`` if there is none, which always holds."""

    def require(self, found: Product | Lot | None, part: Lot | None = None) -> None:
        """Check the stored product or lot, in the transaction that changes it.

        A weak tag matches nothing. A product or lot that does not exist matches nothing, either.

        Args:
            found: The product or lot.
            part: A lot of the product whose tag is as good; ``None`` if there is none.

        Raises:
            Problem: 412, the condition does not hold.
        """
        if self.value is None:
            return
        if self.value.strip() == "*":
            if found is None:
                raise Problem(HTTPStatus.PRECONDITION_FAILED, MISSING)
            return
        parts = [_TAG.fullmatch(each) for each in _split(self.value)]
        if any(each is None for each in parts):
            raise Problem(HTTPStatus.PRECONDITION_FAILED, MALFORMED)
        if found is None:
            raise Problem(HTTPStatus.PRECONDITION_FAILED, MISSING)
        tags = {etag_of(each) for each in (found, part) if each is not None}
        if tags.isdisjoint(each[1] for each in parts if each is not None):
            what = "product" if isinstance(found, Product) else "lot"
            raise Problem(HTTPStatus.PRECONDITION_FAILED, CHANGED.format(what))


def _split(value: str) -> list[str]:
    """Split a list at the commas that are not within quotes."""
    return re.findall(r'(?:[^",]|"[^"]*"?)+', value) or [value]


async def _precondition(
    request: Request,
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="Only change it if it has one of these ETags; `*` means any. Else 412.",
        ),
    ] = None,
) -> Precondition:
    lines = request.headers.getlist("if-match")  # several lines are one list
    return Precondition(None if if_match is None else ", ".join(lines))


IfMatch = Annotated[Precondition, Depends(_precondition)]


def names_tag(headers: Iterable[str], tag: str) -> bool:
    """Return whether lines of ``If-None-Match`` name a tag (RFC 9110 section 13.1.2)."""
    given = {each.strip().removeprefix("W/") for each in ",".join(headers).split(",")}
    return tag in given or "*" in given
