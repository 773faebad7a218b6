"""Offsets of zones over a period are those that the zone itself has."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from useby.domain.zone_offsets import ALL_TIME, offsets_between

zones = st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"})).map(ZoneInfo)
moments = st.integers(100_000, 2_840_140_800).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)
"""Moments from 1970 to 2060."""


@given(zones, moments, st.integers(0, 3000), st.data())
def test_each_moment_of_a_period_has_the_offset_of_the_zone(
    zone: ZoneInfo, first: datetime, days: int, data: st.DataObject
) -> None:
    offsets = offsets_between(zone, first, first + timedelta(days=days))
    changes = [each.begins for each in offsets[1:]]
    for moment in (
        first,
        first + timedelta(seconds=data.draw(st.integers(0, days * 86_400))),
        *(change - timedelta(seconds=1) for change in changes),
        *changes,
    ):
        (found,) = (each for each in offsets if each.begins <= moment < each.ends)
        assert timedelta(seconds=found.seconds) == moment.astimezone(zone).utcoffset()


def test_offsets_cover_all_times_without_a_gap() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    offsets = offsets_between(ZoneInfo("Europe/Berlin"), first, first + timedelta(days=365))
    assert [each.seconds for each in offsets] == [3600, 7200, 3600]
    assert (offsets[0].begins, offsets[-1].ends) == ALL_TIME
    assert [each.begins for each in offsets[1:]] == [each.ends for each in offsets[:-1]]
    assert offsets[1].begins == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_zone_that_changes_twice_within_a_week_has_both_changes() -> None:
    first = datetime(2000, 10, 1, tzinfo=UTC)
    offsets = offsets_between(ZoneInfo("America/Recife"), first, first + timedelta(days=30))
    assert [each.seconds for each in offsets] == [-10_800, -7200, -10_800]
