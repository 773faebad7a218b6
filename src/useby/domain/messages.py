"""Texts of notifications, counted in calendar days and worded for people."""

from collections.abc import Sequence
from decimal import Decimal

from useby.domain.product import Disposal
from useby.domain.visible import isolated


def expiry(name: str, days_left: int, *, expired: bool, lots: int = 1) -> str:
    """Return the text of an alert.

    Args:
        name: The product's name.
        days_left: Calendar days until its date, negative once it is past.
        expired: True once it has expired; on the day itself only for an exact time.
        lots: Number of the product's lots that have the date.
    """
    expires = "expires" if lots == 1 else "expire"
    if days_left > 1:
        when = f"{expires} in {days_left} days"
    elif days_left == 1:
        when = f"{expires} tomorrow"
    elif days_left == 0:
        when = "expired today" if expired else f"{expires} today"
    elif days_left == -1:
        when = "expired yesterday"
    else:
        when = f"expired {-days_left} days ago"
    of = "" if lots == 1 else f"{lots} lots of "
    return f"{of}{isolated(name)} {when}"


def closing(name: str, how: Disposal, quantity: Decimal, unit: str, *, left: Decimal) -> str:
    """Return the text for ``quantity`` of a product having been consumed or discarded."""
    name, unit = isolated(name), isolated(unit)
    amount = f"{_plain(quantity)} {unit}".rstrip()
    if not left:
        return f"{name} was {how.value}"
    return f"{amount} of {name} {how.value}, {f'{_plain(left)} {unit}'.rstrip()} left"


def added(count: int) -> str:
    """Return the summary of an import or a batch."""
    return "1 product was added" if count == 1 else f"{count} products were added"


def attention(texts: Sequence[str], products: int) -> str:
    """Return the text of a summary of alerts.

    Args:
        texts: Texts of the most urgent alerts, of one product each.
        products: Number of products that the summary is about; at least that of the texts.
    """
    needed = "1 product needs attention" if products == 1 else f"{products} products need attention"
    others = products - len(texts)
    parts = [*texts, f"{others} more"] if others else list(texts)
    if len(parts) > 1:
        parts[-1] = f"and {parts[-1]}"
    return f"{needed}: {(', ' if len(parts) > 2 else ' ').join(parts)}"  # noqa: PLR2004


def _plain(number: Decimal) -> str:
    """Format a decimal without an exponent and without trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
