"""Type of the column with an account's quiet hours and digest, which is stored as JSON text."""

import json
from collections.abc import Mapping
from datetime import time
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from useby.domain.notification import Severity
from useby.domain.quiet import NOT_DEFERRED, Deferral, Digest, Every, QuietWindow, Weekday


class DeferralText(TypeDecorator[Deferral]):
    """A column of a deferral; empty if the account has set nothing of it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Deferral | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write the text that ``_deferral`` reads."""
        if value is None or value == NOT_DEFERRED:
            return None
        return json.dumps(_json_of(value), separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Deferral | None:  # noqa: ARG002
        """Return the deferral."""
        return None if value is None else _deferral(value)


def _json_of(value: Deferral) -> dict[str, Any]:
    digest = value.digest
    return {
        "quietHours": [
            {"days": each.days, "from": _text(each.begins), "until": _text(each.ends)}
            for each in value.quiet_hours
        ],
        "urgentPasses": value.urgent_passes,
        "digest": {
            "every": digest.every,
            "at": _text(digest.at),
            "weekday": digest.weekday,
            "severities": digest.severities,
        },
    }


# The cached values cannot be changed.
@lru_cache(maxsize=1024)
def _deferral(text: str) -> Deferral:
    value: Mapping[str, Any] = json.loads(text)
    return Deferral(
        tuple(map(_window, value["quietHours"])), value["urgentPasses"], _digest(value["digest"])
    )


def _window(value: Mapping[str, Any]) -> QuietWindow:
    days = tuple(map(Weekday, value["days"]))
    return QuietWindow(days, _time(value["from"]), _time(value["until"]))


def _digest(value: Mapping[str, Any]) -> Digest:
    severities = tuple(map(Severity, value["severities"]))
    return Digest(Every(value["every"]), _time(value["at"]), Weekday(value["weekday"]), severities)


def _text(at: time) -> str:
    return at.isoformat("minutes")


def _time(text: str) -> time:
    return time.fromisoformat(text)
