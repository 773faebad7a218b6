"""Check barcodes: a GTIN needs a correct check digit, anything else is free text.

The check digit is that of the GS1 General Specifications, section 7.9: from the right, digits
weigh 3 and 1 in turn, and the whole sum is a multiple of ten.
"""

GTIN_LENGTHS = frozenset({8, 12, 13, 14})


def check_digit(digits: str) -> int:
    """Return the digit that completes ``digits`` (all but the last of a GTIN)."""
    total = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))
    )
    return -total % 10


def checked(text: str) -> str:
    """Strip a barcode and check it.

    Text of 8, 12, 13 or 14 digits is a GTIN and must have the correct check digit.

    Raises:
        ValueError: The check digit of a GTIN is wrong.
    """
    text = text.strip()
    is_gtin = len(text) in GTIN_LENGTHS and text.isascii() and text.isdigit()
    if is_gtin and int(text[-1]) != (right := check_digit(text[:-1])):
        raise ValueError(
            f"must be a barcode with a correct check digit, e.g. {text[:-1]}{right} for {text}"
        )
    return text
