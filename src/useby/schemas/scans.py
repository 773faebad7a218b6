"""JSON models of scanned barcodes."""

from datetime import date
from typing import Annotated

from pydantic import Field

from useby.domain.gs1 import LONGEST
from useby.domain.product import DateKind
from useby.schemas.fields import ApiModel, Characters, RequestModel, example
from useby.schemas.products import ProductOut
from useby.schemas.stock import Quantity

ScannedText = Annotated[
    str,
    Characters(1, LONGEST, "]d201040123456789011727020010A1B2", strip=False),
    Field(
        description="Text as the scanner sends it, with its separators (U+001D) and its symbology"
        " identifier: a number, a GS1 element string with or without parentheses, or a GS1 Digital"
        " Link."
    ),
]


class ScanIn(RequestModel):
    """A barcode that was scanned."""

    model_config = example(data="(01)04012345678901(17)270200(10)A1B2")

    data: ScannedText


class ScanOut(ApiModel):
    """Contents of a barcode; null where it does not state them."""

    gtin: Annotated[
        str | None,
        Field(description="14 digits; null, with a warning, if the check digit is wrong."),
    ]
    lot_number: str | None
    serial: str | None
    printed_date: date | None
    date_kind: DateKind | None
    quantity: Annotated[Quantity | None, Field(description="Weight, volume or count.")]
    unit: Annotated[str | None, Field(description="`kg` or `l`; null for a count.")]
    product: Annotated[
        ProductOut | None, Field(description="The caller's own product with this barcode.")
    ]
    name: Annotated[
        str | None, Field(description="Name of that product, or else in the node's catalogue.")
    ]
    brand: Annotated[str | None, Field(description="Brand in the catalogue.")]
    warnings: list[str]
