"""Words that people write in dates, in English and German. A reader ignores case and accents.

A letter with an umlaut also stands here with an ``e`` (``Maerz``), as some keyboards write it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

MONTHS: Final[Sequence[str]] = (
    "january jan januar jänner jaenner",
    "february feb februar feber",
    "march mar märz maerz mär mrz",
    "april apr",
    "may mai",
    "june jun juni",
    "july jul juli",
    "august aug",
    "september sept sep",
    "october oct oktober okt",
    "november nov",
    "december dec dezember dez",
)
"""Names of each month, from January."""
WEEKDAYS: Final[Sequence[str]] = (
    "monday mon montag mo",
    "tuesday tues tue dienstag di",
    "wednesday wed mittwoch mi",
    "thursday thurs thur thu donnerstag do",
    "friday fri freitag fr",
    "saturday sat samstag sonnabend sa",
    "sunday sun sonntag so",
)
"""Names of each day of the week, from Monday."""
NEAR: Final[Mapping[str, int]] = {
    "today": 0,
    "heute": 0,
    "tomorrow": 1,
    "morgen": 1,
    "day after tomorrow": 2,
    "übermorgen": 2,
    "uebermorgen": 2,
}
"""Days near today, and their distance from it."""
UNITS: Final[Mapping[str, str]] = {
    "days": "d day days tag tage tagen",
    "weeks": "w wk wks week weeks woche wochen",
    "months": "m mo month months monat monate monaten",
    "years": "y yr yrs year years j jahr jahre jahren",
}
"""Names of each unit of time."""
NUMBERS: Final[Sequence[str]] = (
    "a an one ein eine einem einer einen",
    "two zwei",
    "three drei",
    "four vier",
    "five fünf fuenf",
    "six sechs",
    "seven sieben",
    "eight acht",
    "nine neun",
    "ten zehn",
    "eleven elf",
    "twelve zwölf zwoelf",
)
"""Names of numbers, from 1."""
NEXT: Final = "next coming nächster nächste nächsten nächstem naechsten kommender kommenden"
"""Words before a day of the week that exclude today."""
THIS: Final = "this diesen dieser"
"""Words before a day of the week that do not."""
FROM_NOW: Final[Sequence[str]] = ("from now", "from today", "ab heute", "ab jetzt")
"""Phrases after a number of days, which change nothing."""
ORDINALS: Final = "st nd rd th ter ten te"
"""Ends of a number, as in 4th."""
LABELS: Final = (
    "exp expiry expires expire expiring expiration ed date use used eat consume by best if before"
    " good until till bb bbd bbe bbf end valid on of the mhd mindestens haltbar haltbarkeit"
    " haltbarkeitsdatum mindesthaltbarkeitsdatum mindesthaltbarkeit verwendbar verwenden verw"
    " verbrauchen verzehren verbrauchsdatum zu zum bis ende ablauf ablaufdatum läuft laeuft ab"
    " verfall verfallsdatum verfalldatum verfällt verfaellt gültig gueltig am den dem"
)
"""Words that stand before a date on a package or in a sentence."""
OF_MONTHS: Final = "end bbe ende"
"""Labels that stand before a month, and mean its end."""
NEVER: Final[Sequence[str]] = (
    *("never", "x", "none", "null", "n/a", "n.a.", "-", "--", "∞", "no", "unlimited", "forever"),
    *("no date", "no expiry", "no expiry date", "no expiration", "no expiration date"),
    *("never expires", "does not expire", "doesn't expire", "non-perishable"),
    *("nie", "niemals", "kein", "keins", "keine", "kein datum", "kein ablauf", "kein ablaufdatum"),
    *("kein mhd", "ohne", "ohne datum", "ohne mhd", "ohne ablaufdatum"),
    *("ewig", "unbegrenzt", "unbegrenzt haltbar", "läuft nicht ab", "laeuft nicht ab"),
    *("verdirbt nicht",),
)
"""Texts of things that have no date."""
