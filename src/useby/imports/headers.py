"""Words of a table's header, in English and German, as data.

Case, blanks, punctuation and words in parentheses do not count: "Best before (EU)" is
``bestbefore``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "name": "name, product, product name, item, item name, article, article name, title, food,"
    " medicine, artikel, artikelname, artikelbezeichnung, bezeichnung, produkt, produktname,"
    " produktbezeichnung, ware, lebensmittel, titel, medikament, HB.name",
    "expiryDate": "expiry date, expiry, expires, expires on, expires at, expiration,"
    " expiration date, exp, exp date, best before, best before date, best before end, best by,"
    " best by date, use before, bbd, bbe, use by, use by date, due, due date, printed date,"
    " mhd, mindesthaltbarkeit,"
    " mindesthaltbarkeitsdatum, haltbar bis, mindestens haltbar bis, haltbarkeit,"
    " haltbarkeitsdatum, ablaufdatum, ablauf, läuft ab, läuft ab am, verfall, verfallsdatum,"
    " verfalldatum, verfällt, verfällt am, zu verbrauchen bis, verbrauchen bis, verbrauchsdatum,"
    " gültig bis, HB.warranty_expires",
    "quantity": "quantity, qty, amount, count, pieces, pcs, stock, on hand, menge, anzahl, stück,"
    " stückzahl, bestand, vorrat, HB.quantity",
    "unit": "unit, units, uom, unit of measure, einheit, mengeneinheit",
    "category": "category, group, product group, food group, type, tags, labels, kategorie,"
    " warengruppe, produktgruppe, gruppe, HB.tags, HB.labels",
    "barcode": "barcode, bar code, barcode number, code, ean, ean13, ean code, gtin, upc, upc code,"
    " strichcode",
    "barcodes": "barcodes, more barcodes, further barcodes, other barcodes, eans, gtins, upcs,"
    " weitere barcodes, weitere eans, strichcodes, weitere strichcodes",
    "location": "location, place, storage, storage location, storage place, storage area,"
    " shelf, ort, lagerort,"
    " standort, platz, lagerplatz, aufbewahrungsort, lager, fach, HB.location",
    "notes": "notes, note, comment, comments, remark, remarks, notiz, notizen, bemerkung,"
    " bemerkungen, kommentar, anmerkung, anmerkungen, hinweis, HB.notes",
    "dateKind": "date kind, date type, kind of date, datumsart, art des datums",
    "leadDays": "lead days, vorlauf, vorlauftage",
    "externalId": "external id, externe id, HB.import_ref",
    "price": "price, unit price, cost, preis, stückpreis, einzelpreis, kaufpreis,"
    " HB.purchase_price",
    "receivedOn": "received on, received, bought, bought on, purchased, purchased on, date bought,"
    " date purchased,"
    " purchase date, gekauft, gekauft am, kaufdatum, einkaufsdatum, eingangsdatum, lieferdatum,"
    " HB.purchase_date, HB.purchase_time",
    "lotNumber": "lot number, lot, lot no, batch, batch number, batch no, charge,"
    " chargennummer, los, losnummer",
    "serial": "serial, serial number, seriennummer, HB.serial_number",
    "minimumStock": "minimum stock, min stock, mindestbestand, HB.low_stock_threshold",
    "shelfLife": "shelf life, shelf life days, haltbarkeitsdauer, haltbar tage",
    "afterOpening": "after opening, days after opening, nach dem öffnen, nach öffnen",
    "afterFreezing": "after freezing, days after freezing, nach dem einfrieren",
    "afterThawing": "after thawing, days after thawing, nach dem auftauen",
    "state": "state, zustand",
    "stateSince": "state since, zustand seit",
    "archived": "HB.archived",
    "countingDate": "counting date",
    "dateBeforeFreezing": "date before freezing",
}
"""Words of each column that is read, by our name."""
GERMAN: Final = (
    "artikel artikelname artikelbezeichnung bezeichnung produkt produktname produktbezeichnung"
    " ware lebensmittel titel medikament mhd mindesthaltbarkeit mindesthaltbarkeitsdatum haltbarbis"
    " mindestenshaltbarbis haltbarkeit haltbarkeitsdatum ablaufdatum ablauf läuftab verfall"
    " verfallsdatum verfalldatum gültigbis menge anzahl stück stückzahl bestand vorrat einheit"
    " kategorie warengruppe strichcode ort lagerort preis stückpreis einzelpreis kaufpreis"
)
"""German words of headers, without blanks: where such words stand, commas are usually decimal."""
EXPORTED: Final = "countingDate"
"""Column that only useby's own tables have."""
BEFORE_FREEZING: Final = "dateBeforeFreezing"
"""Column of the date that counted when a frozen lot was frozen."""
SILENT: Final = ("archived", EXPORTED, BEFORE_FREEZING)
"""Columns that are no fields of a lot, and that nobody chooses."""
USE_BY: Final = frozenset(
    ("useby", "usebydate", "zuverbrauchenbis", "verbrauchenbis", "verbrauchsdatum")
)
"""Headers of dates, without blanks, that also state the kind of these dates: use-by dates."""
FIELDS: Final = tuple(name for name in WORDS if name not in SILENT)
"""Columns of a lot and of its product."""
USE_BY_DATES: Final = "the column {} has use-by dates: rows without a dateKind are use_by"
"""Warning of a column of use-by dates."""
LEFT_OUT: Final = "-"
"""Name that stands for no column."""
_HOMEBOX_FIELD: Final = "hbfield"
_PARENTHESES: Final = re.compile(r"\([^)]*\)|\[[^\]]*\]")


def folded(head: str) -> str:
    """Return a header in the form in which headers are compared."""
    return re.sub(r"[\W_]", "", _PARENTHESES.sub("", head)).casefold()


_GERMAN: Final = frozenset(GERMAN.split())
_OURS: Final = {
    folded(word): ours
    for ours, words in WORDS.items()
    for word in (re.sub("[A-Z]", r" \g<0>", ours), *words.split(","))
}


def is_german(heads: Iterable[str]) -> bool:
    """Return whether a header has a German word."""
    return not _GERMAN.isdisjoint(map(folded, heads))


def states_use_by(head: str) -> bool:
    """Return whether a header states that the dates below it are use-by dates."""
    return folded(head).removeprefix(_HOMEBOX_FIELD) in USE_BY


def our_name(head: str, chosen: Mapping[str, str]) -> str | None:
    """Return our name of a column.

    Args:
        head: The file's name of it.
        chosen: Our names by the file's names, as a person chose them; ``-`` leaves a column out.

    Returns:
        The name, ``-``, or ``None`` if the word is unknown.
    """
    name = folded(head)
    for theirs, ours in chosen.items():
        if theirs == head or (name and folded(theirs) == name):
            return ours
    # A custom field of Homebox has a name that people chose.
    return _OURS.get(name) or _OURS.get(name.removeprefix(_HOMEBOX_FIELD))
