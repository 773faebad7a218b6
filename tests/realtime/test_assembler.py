"""Fragments of a message."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.realtime.assembler import MessageAssembler, TooManyFragments


def test_fragments_are_joined_at_the_final_one() -> None:
    assembler = MessageAssembler(3)

    assert assembler.add(b"PI", final=False) is None
    assert assembler.add(b"", final=False) is None
    assert assembler.add(b"NG", final=True) == bytearray(b"PING")


def test_a_fragment_above_the_limit_is_refused_and_not_kept() -> None:
    assembler = MessageAssembler(2)
    assembler.add(b"a", final=False)
    assembler.add(b"b", final=False)

    for _ in range(2):
        with pytest.raises(TooManyFragments):
            assembler.add(b"c", final=True)
    assert len(assembler) == 2


@given(
    message=st.binary(max_size=200),
    cuts=st.lists(st.integers(0, 200), max_size=20),
    limit=st.integers(1, 12),
)
def test_a_message_cut_anywhere_is_the_same_message(
    message: bytes, cuts: list[int], limit: int
) -> None:
    edges = [0, *sorted(min(cut, len(message)) for cut in cuts), len(message)]
    fragments = [message[a:b] for a, b in itertools.pairwise(edges)]
    assembler = MessageAssembler(limit)
    try:
        results = [
            assembler.add(fragment, final=number == len(fragments))
            for number, fragment in enumerate(fragments, start=1)
        ]
    except TooManyFragments:
        assert len(fragments) > limit
    else:
        assert len(fragments) <= limit
        assert results == [None] * (len(fragments) - 1) + [message]
