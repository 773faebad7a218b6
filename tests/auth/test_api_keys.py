"""Text of a key: its form, its checksum, its 256 bits.

covers: useby.domain.api_key
"""

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.auth import api_keys
from useby.domain.api_key import KeyScope, granted

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(text: str) -> int:
    number = 0
    for digit in text:
        number = number * 62 + DIGITS.index(digit)
    return number


def test_a_key_is_its_prefix_256_random_bits_and_their_crc_32() -> None:
    made = {api_keys.new_key() for _ in range(200)}
    assert len(made) == 200
    for key in made:
        assert re.fullmatch(r"uby_[0-9A-Za-z]{49}", key)
        assert base62(key[4:47]) < 1 << 256
        assert base62(key[47:]) == zlib.crc32(key[4:47].encode())
        assert api_keys.is_key(key)
        assert api_keys.is_well_formed(key)
    assert max(base62(key[4:47]) for key in made) > 1 << 255


@given(place=st.integers(4, 52), digit=st.sampled_from(DIGITS))
def test_a_key_with_a_mistyped_character_is_not_well_formed(place: int, digit: str) -> None:
    key = api_keys.new_key()
    typed = key[:place] + digit + key[place + 1 :]
    assert api_keys.is_well_formed(typed) == (typed == key)


@pytest.mark.parametrize(
    "text", ["", "uby_", "uby_" + "0" * 48, "uby_" + "٠" * 49, "t_abc", "a.b.c"]
)
def test_other_texts_are_no_keys(text: str) -> None:
    assert not api_keys.is_well_formed(text)


def test_stock_write_includes_stock_read_and_no_other_scope_includes_another() -> None:
    for scope in KeyScope:
        more = {KeyScope.STOCK_READ} if scope is KeyScope.STOCK_WRITE else set()
        assert granted([scope]) == frozenset({scope, *more})
