"""Currencies, by their codes of ISO 4217."""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

_CODES: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP
GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD
KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES: Final = frozenset(_CODES.split())
"""Currencies in which people pay."""
_WITHOUT: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_WITH_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
_PLACES: Final = dict.fromkeys(_WITHOUT.split(), 0) | dict.fromkeys(_WITH_THREE.split(), 3)
"""Decimal places of the currencies that do not have two."""
_EXACT: Final = Context(prec=60)
"""Enough digits for the sum of many of the largest quantities at the largest price."""


def rounded_money(amount: Decimal, currency: str | None) -> Decimal:
    """Round an amount to the smallest unit of its currency; half a unit is rounded up.

    Args:
        amount: The amount, in ``currency``.
        currency: Code of ISO 4217; ``None`` if it was never set, which means two places.
    """
    places = 2 if currency is None else _PLACES.get(currency, 2)
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
