"""JSON models of alerts that are still to come."""

from collections.abc import Iterable
from operator import itemgetter
from typing import Annotated, Self

from pydantic import Field

from useby.domain.alert_reasons import AlertReason
from useby.domain.notification import Severity
from useby.domain.policy import Scope
from useby.domain.upcoming import Upcoming
from useby.schemas.fields import ApiModel, Moment


class BecauseOut(ApiModel):
    """Policy that gave a lead."""

    scope: Annotated[
        Scope,
        Field(
            description="Scope of the policy that gave the lead; `builtin` if no policy sets it."
        ),
    ]
    key: Annotated[
        str | None,
        Field(
            description="Id of the lot or product, name of the category or location, or kind of"
            " date; null for `account`, `household` and `builtin`."
        ),
    ]


class AlertOut(ApiModel):
    """Part of a lot in a notification that is still to come."""

    lot_id: str
    lead: Annotated[
        str,
        Field(
            description="Lead as the policy has it, e.g. `7d`, `24h` or `15%`; or `expiry`, or"
            " `repeat`.",
            examples=["7d"],
        ),
    ]
    at: Annotated[Moment, Field(description="Time at which the alert is due.")]
    severity: Severity
    because: BecauseOut
    delivered_at: Annotated[Moment, Field(description="Time at which the notification is sent.")]
    message: Annotated[str, Field(description="Text of the notification.")]
    lot_ids: Annotated[
        list[str],
        Field(description="All lots of which the notification speaks; each has its own alert."),
    ]


class AlertList(ApiModel):
    """Alerts that are still to come, by time."""

    items: list[AlertOut]
    next_cursor: Annotated[
        None, Field(description="Always null: the list ends after some 1,000 alerts.")
    ] = None

    @classmethod
    def of(cls, coming: Iterable[Upcoming]) -> Self:
        """Return the alerts of lots in notifications that are still to come."""
        found = [(lot.at, lot, each) for each in coming for lot in each.lots]
        return cls(
            items=[
                AlertOut(
                    lot_id=lot.lot_id,
                    lead=lot.lead,
                    at=at,
                    severity=each.draft.kind,
                    because=BecauseOut(scope=lot.because.scope, key=lot.because.key),
                    delivered_at=each.at,
                    message=each.draft.message,
                    lot_ids=list(each.draft.lot_ids),
                )
                for at, lot, each in sorted(found, key=itemgetter(0))
            ]
        )


class AlertReasonOut(ApiModel):
    """Reason of an alert that was sent."""

    product_id: str
    product_name: str
    lead: Annotated[
        str,
        Field(
            description="Lead that made it due, as the policy has it, e.g. `7d`, `24h` or `15%`;"
            " or `expiry`, or `repeat`.",
            examples=["7d"],
        ),
    ]
    because: BecauseOut


class AlertReasonList(ApiModel):
    """Reasons of a notification, by the policies as they are now."""

    items: list[AlertReasonOut]
    next_cursor: Annotated[
        None, Field(description="Always null: the list has at most 50 alerts of a summary.")
    ] = None

    @classmethod
    def of(cls, reasons: Iterable[AlertReason]) -> Self:
        """Return the reasons of a notification."""
        return cls(
            items=[
                AlertReasonOut(
                    product_id=each.product_id,
                    product_name=each.product_name,
                    lead=each.lead,
                    because=BecauseOut(scope=each.because.scope, key=each.because.key),
                )
                for each in reasons
            ]
        )
