"""Short forms of ids."""

from hypothesis import given
from hypothesis import strategies as st
from uuid_utils import uuid7

from useby.domain.short_ids import SHORTEST, ShortIds


def test_an_id_that_differs_early_has_a_short_form_of_six_characters() -> None:
    ids = ShortIds(["aaaa-000001", "aaaa-000002"])
    assert ids.of("aaaa-000002") == "000002"
    assert len("000002") == SHORTEST


def test_a_short_form_is_longer_where_another_id_ends_alike() -> None:
    ids = ShortIds(["0003-1234567", "0002-1234567", "0001-7654321"])
    assert ids.of("0003-1234567") == "3-1234567"
    assert ids.of("0001-7654321") == "654321"


def test_an_id_that_is_the_end_of_another_is_its_own_short_form() -> None:
    assert ShortIds(["9-123456", "123456"]).of("123456") == "123456"


def test_a_thousand_ids_of_one_moment_have_short_forms() -> None:
    made = [str(uuid7()) for _ in range(1000)]
    ids = ShortIds(made)
    short = [ids.of(each) for each in made]
    assert len(set(short)) == 1000
    assert max(map(len, short)) < 12


@given(st.lists(st.text("ab", min_size=8, max_size=9), min_size=2, unique=True))
def test_no_other_id_ends_with_the_short_form_of_one(made: list[str]) -> None:
    ids = ShortIds(made)
    for id_ in made:
        short = ids.of(id_)
        others = [each for each in made if each != id_ and each.endswith(short)]
        assert others == [] or short == id_
