"""Answer what the present state of a product, or a given time, does not allow."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from useby import metrics
from useby.actions.inventory import ExternalIdTaken
from useby.api.errors import Problem
from useby.api.stock_caller import StockCaller
from useby.domain.movement import ActionRefused
from useby.domain.occasion import TimeRefused
from useby.domain.quota import ProductFull
from useby.domain.stock import SeveralLots
from useby.schemas.problems import FieldError, OpenLot, sentences
from useby.schemas.stock import expiry_json, plain

TAKEN: Final = "Another product has this externalId."


@contextmanager
def refusals(caller: StockCaller, *, time: str = "body.at") -> Iterator[None]:
    """Raise the problem that answers a refused action.

    Args:
        caller: The caller, with the household whose products they are.
        time: Place of the field with the time of the action, or with the day of receipt.

    Raises:
        Problem: 409, the state does not allow it or an ``externalId`` is taken; with the open lots
            if it could mean several. 422, the time is not possible.
    """
    try:
        yield
    except ExternalIdTaken:
        raise Problem(HTTPStatus.CONFLICT, TAKEN) from None
    except SeveralLots as error:
        lots = [
            OpenLot(
                id=lot.id,
                date=expiry_json(lot.expiry, caller.stock.zone),
                quantity=plain(lot.quantity),
            )
            for lot in error.lots
        ]
        detail = f"This change is not possible: {error}, e.g. PATCH /api/lots/{lots[0].id}."
        raise Problem(HTTPStatus.CONFLICT, detail, lots=lots) from None
    except TimeRefused as error:
        errors = [FieldError(at=time, message=str(error))]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentences(errors), errors=errors) from None
    except ProductFull as full:
        raise Problem(HTTPStatus.CONFLICT, counted(full)) from None
    except ActionRefused as error:
        raise Problem(HTTPStatus.CONFLICT, f"This change is not possible: {error}.") from None


def counted(full: ProductFull) -> str:
    """Count the refusal by a limit of a product, and return its sentence."""
    metrics.quota_refusals.labels(full.quota.value).inc()
    return f"This change is not possible: {full}, e.g. DELETE /api/lots/{{id}}."
