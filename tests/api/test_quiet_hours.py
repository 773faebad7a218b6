"""Quiet hours and the digest as settings of an account.

covers: useby.schemas.deferral
covers: useby.store.deferral_column
"""

from typing import Any

import pytest
from tests.support.rest_app import Rest

from useby.domain.quiet import MOST_WINDOWS

NIGHT = {"days": ["mon", "tue"], "from": "22:00", "until": "07:00"}
DIGEST = {"every": "week", "at": "07:30", "weekday": "sun", "severities": ["info"]}
DAYS = "must be a list of days of the week, e.g. "
TIME = "must be a time of day as HH:MM, e.g. 09:00"
WINDOWS = "must be a list of at most 28 windows, e.g. "
FREE = "must leave some time of the week, in which alerts are sent, e.g. "
EVERY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


async def test_quiet_hours_and_digest_are_kept_as_they_are_set(rest: Rest) -> None:
    _, client = await rest.person()
    before = (await client.get("/api/me")).json()
    settings = {"quietHours": [NIGHT], "urgentPassesQuietHours": True, "digest": DIGEST}
    changed = (await client.patch("/api/me", json=settings)).json()
    assert changed == before | settings
    assert (await client.get("/api/me")).json() == changed
    named = (await client.patch("/api/me", json={"name": "Ada L.", "digest": None})).json()
    assert named == changed | {"name": "Ada L."}
    off = {"quietHours": [], "urgentPassesQuietHours": False, "digest": {"every": "off"}}
    again = (await client.patch("/api/me", json=off)).json()
    assert again == before | {"name": "Ada L."}


async def test_days_and_severities_are_kept_once_and_in_their_order(rest: Rest) -> None:
    _, client = await rest.person()
    night = NIGHT | {"days": ["sun", "mon", "sun"]}
    digest = {"every": "day", "severities": ["error", "info", "error"]}
    answer = await client.patch("/api/me", json={"quietHours": [night], "digest": digest})
    me = answer.json()
    assert me["quietHours"] == [NIGHT | {"days": ["mon", "sun"]}]
    assert me["digest"]["severities"] == ["info", "error"]
    assert me["digest"]["at"] == "08:00"


@pytest.mark.parametrize(
    ("settings", "at", "words"),
    [
        ({"quietHours": "22-7"}, "quietHours", WINDOWS),
        ({"quietHours": NIGHT}, "quietHours", WINDOWS),
        ({"quietHours": [NIGHT] * (MOST_WINDOWS + 1)}, "quietHours", WINDOWS),
        ({"quietHours": [NIGHT | {"days": []}]}, "quietHours.0.days", DAYS),
        ({"quietHours": [NIGHT | {"days": ["Mon"]}]}, "quietHours.0.days", DAYS),
        ({"quietHours": [NIGHT | {"days": "mon"}]}, "quietHours.0.days", DAYS),
        ({"quietHours": [NIGHT | {"from": "10pm"}]}, "quietHours.0.from", TIME),
        ({"quietHours": [NIGHT | {"until": "24:00"}]}, "quietHours.0.until", TIME),
        ({"quietHours": [NIGHT | {"until": None}]}, "quietHours.0.until", TIME),
        ({"quietHours": [NIGHT | {"to": "1"}]}, "quietHours.0.to", "is not a field of this"),
        ({"quietHours": [{"days": EVERY, "from": "05:00", "until": "05:00"}]}, "quietHours", FREE),
        ({"urgentPassesQuietHours": "yes"}, "urgentPassesQuietHours", "must be true or false"),
        ({"urgentPassesQuietHours": 1}, "urgentPassesQuietHours", "must be true or false"),
        ({"digest": {"every": "month"}}, "digest.every", "must be day, week, off, e.g. day"),
        ({"digest": {"at": "08:00"}}, "digest.every", "is missing"),
        ({"digest": {"every": "day", "at": "8"}}, "digest.at", TIME),
        ({"digest": {"every": "week", "weekday": "Samstag"}}, "digest.weekday", "must be mon, tue"),
        ({"digest": {"every": "day", "severities": []}}, "digest.severities", "must be a list of"),
        ({"digest": {"every": "day", "severities": ["bad"]}}, "digest.severities", "must be a "),
    ],
)
async def test_a_wrong_setting_is_refused_in_our_words_with_an_example(
    rest: Rest, settings: dict[str, Any], at: str, words: str
) -> None:
    _, client = await rest.person()
    answer = await client.patch("/api/me", json=settings)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["at"], error["message"][: len(words)]) == (f"body.{at}", words)
