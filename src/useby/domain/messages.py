"""Texts of notifications and calendars, counted in calendar days and worded for people.

Each text is written in the language of its reader. A reader who has set none gets English, as it
was before there were languages. For the others, texts of users (names, units) stand in isolates
of Unicode, because a language may be written from right to left.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from useby.domain.product import DateKind, Disposal
from useby.domain.visible import isolated
from useby.text.language import Language, language_of

_NAME = "\0"
"""Stands for the name in a template that is kept: no name has it."""


def expiry(
    name: str, days_left: int, *, expired: bool, lots: int = 1, language: str | None = None
) -> str:
    """Return the text of an alert.

    Args:
        name: The product's name.
        days_left: Calendar days until its date, negative once it is past.
        expired: True once it has expired; on the day itself only for an exact time.
        lots: Number of the product's lots that have the date.
        language: The reader's language (BCP 47), if it is set.
    """
    before, after = _around_name(days_left, expired, lots, language)
    shown = isolated(name) if language is None else isolated(name, always=True)
    return f"{before}{shown}{after}"


def closing(
    name: str,
    how: Disposal,
    quantity: Decimal,
    unit: str,
    *,
    left: Decimal,
    language: str | None = None,
) -> str:
    """Return the text for ``quantity`` of a product having been consumed or discarded."""
    words, is_set = language_of(language), language is not None
    name = isolated(name, always=is_set)
    unit = isolated(unit, always=is_set and unit != "")
    is_consumed = how is Disposal.CONSUMED
    if not left:
        if is_consumed:
            text = words.gettext("%(name)s was consumed")
        else:
            text = words.gettext("%(name)s was discarded")
        return text % {"name": name}
    if is_consumed:
        text = words.gettext("%(amount)s of %(name)s consumed, %(left)s left")
    else:
        text = words.gettext("%(amount)s of %(name)s discarded, %(left)s left")
    amounts = (f"{words.number(each)} {unit}".rstrip() for each in (quantity, left))
    return text % {"name": name, **dict(zip(("amount", "left"), amounts, strict=True))}


def added(count: int, language: str | None = None) -> str:
    """Return the summary of an import or a batch."""
    words = language_of(language)
    text = words.ngettext("%(count)s product was added", "%(count)s products were added", count)
    return text % {"count": words.number(count)}


def attention(texts: Sequence[str], products: int, language: str | None = None) -> str:
    """Return the text of a summary of alerts.

    Args:
        texts: Texts of the most urgent alerts, of one product each.
        products: Number of products that the summary is about; at least that of the texts.
        language: The reader's language (BCP 47), if it is set.
    """
    words = language_of(language)
    others = products - len(texts)
    more = words.ngettext("%(count)s more", "%(count)s more", others)
    listed = [*texts, more % {"count": words.number(others)}] if others else texts
    text = words.ngettext(
        "%(count)s product needs attention: %(alerts)s",
        "%(count)s products need attention: %(alerts)s",
        products,
    )
    return text % {"count": words.number(products), "alerts": words.listed(listed)}


def event(name: str, kind: DateKind, language: str | None = None) -> str:
    """Return the text of a lot's date in a calendar.

    Args:
        name: The product's name.
        kind: Kind of the date.
        language: The reader's language (BCP 47), if it is set.
    """
    words = language_of(language)
    if kind is DateKind.USE_BY:
        text = words.gettext("Use by: %(name)s")
    else:
        text = words.gettext("Best before: %(name)s")
    return text % {"name": isolated(name, always=language is not None)}


def contents(quantity: Decimal, unit: str, lot_number: str, language: str | None = None) -> str:
    """Return the text of what a lot is, in lines: its quantity, and its number if there is one."""
    words, is_set = language_of(language), language is not None
    unit = isolated(unit, always=is_set and unit != "")
    amount = f"{words.number(quantity)} {unit}".rstrip()
    lines = [words.gettext("Quantity: %(amount)s") % {"amount": amount}]
    if lot_number:
        number = isolated(lot_number, always=True) if is_set else lot_number
        lines.append(words.gettext("Lot number: %(number)s") % {"number": number})
    return "\n".join(lines)


@lru_cache(maxsize=4096)
def _around_name(days_left: int, expired: bool, lots: int, language: str | None) -> tuple[str, str]:
    """Return the text of an alert before and after the name."""
    words = language_of(language)
    template = _of_one_lot if lots == 1 else _of_lots
    lot_count = words.ngettext("%(count)s lot", "%(count)s lots", lots)
    text = template(words, days_left, expired=expired) % {
        "name": _NAME,
        "days": words.number(abs(days_left)),
        "lots": lot_count % {"count": words.number(lots)},
    }
    before, _, after = text.partition(_NAME)
    return before, after


def _of_one_lot(words: Language, days_left: int, *, expired: bool) -> str:
    if days_left > 1:
        return words.ngettext(
            "%(name)s expires in %(days)s day", "%(name)s expires in %(days)s days", days_left
        )
    if days_left == 1:
        return words.gettext("%(name)s expires tomorrow")
    if days_left == 0 and not expired:
        return words.gettext("%(name)s expires today")
    if days_left == 0:
        return words.gettext("%(name)s expired today")
    if days_left == -1:
        return words.gettext("%(name)s expired yesterday")
    return words.ngettext(
        "%(name)s expired %(days)s day ago", "%(name)s expired %(days)s days ago", -days_left
    )


def _of_lots(words: Language, days_left: int, *, expired: bool) -> str:
    if days_left > 1:
        return words.ngettext(
            "%(lots)s of %(name)s expire in %(days)s day",
            "%(lots)s of %(name)s expire in %(days)s days",
            days_left,
        )
    if days_left == 1:
        return words.gettext("%(lots)s of %(name)s expire tomorrow")
    if days_left == 0 and not expired:
        return words.gettext("%(lots)s of %(name)s expire today")
    if days_left == 0:
        return words.gettext("%(lots)s of %(name)s expired today")
    if days_left == -1:
        return words.gettext("%(lots)s of %(name)s expired yesterday")
    return words.ngettext(
        "%(lots)s of %(name)s expired %(days)s day ago",
        "%(lots)s of %(name)s expired %(days)s days ago",
        -days_left,
    )
