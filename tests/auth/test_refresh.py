"""Refresh tokens."""

from useby.auth.refresh import hash_of, new_refresh_token, successor_of

KEY = b"only the tests sign with this key"


def test_every_token_is_its_own_and_has_256_bits() -> None:
    tokens = {new_refresh_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {43}, "base64 has six bits a character"


def test_a_successor_follows_from_its_predecessor_and_the_key() -> None:
    first = new_refresh_token()
    assert successor_of(KEY, first) == successor_of(KEY, first)
    assert successor_of(KEY, first) != successor_of(b"another" * 5, first)
    assert successor_of(KEY, first) != successor_of(KEY, new_refresh_token())


def test_the_tokens_of_a_family_do_not_repeat() -> None:
    token, seen = new_refresh_token(), set()
    for _ in range(1000):
        seen.add(token)
        token = successor_of(KEY, token)
        assert len(token) == 43
    assert len(seen) == 1000


def test_a_stored_hash_does_not_contain_its_token() -> None:
    token = new_refresh_token()
    assert len(hash_of(token)) == 64
    assert token not in hash_of(token)
    assert hash_of("🥛") != hash_of("")
