"""JSON model of a row of a file: a lot, with the fields of its product."""

from dataclasses import fields

from useby.domain.expiry import Expiry
from useby.domain.lot import LotState
from useby.domain.lot_changes import LotDetails
from useby.domain.received_lot import ReceivedLot
from useby.schemas.products import ProductIn
from useby.schemas.stock import ExpiryText

_DETAILS = [field.name for field in fields(LotDetails)]


class RowIn(ProductIn):
    """A lot with the fields of its product."""

    state: LotState = LotState.SEALED
    state_since: ExpiryText | None = None
    typed_date: ExpiryText | None = None
    """Date that counts in the lot's state, where the file has it beside the printed one."""
    date_before_freezing: ExpiryText | None = None
    """Date that counted when a frozen lot was frozen, where the file has it."""

    @property
    def details(self) -> LotDetails:
        """The fields of the lot that a product does not have."""
        details = super().details
        if self.model_fields_set.isdisjoint(("state", "state_since")):
            return details
        return ReceivedLot(
            **{name: getattr(details, name) for name in _DETAILS},
            state=self.state,
            state_since=Expiry.parse_or_never(self.state_since),
            types_a_date="typed_date" in self.model_fields_set,
            typed=Expiry.parse_or_never(self.typed_date),
            before_freezing=Expiry.parse_or_never(self.date_before_freezing),
        )
