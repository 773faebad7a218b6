"""Types of columns with policies, which are stored as JSON text."""

import json
from collections.abc import Mapping
from datetime import time
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from useby.domain.iso_duration import Duration
from useby.domain.policy import Lead, Policy, PolicyFields, Repeat, Scope, StoredPolicy
from useby.store.column_types import from_utc_text, utc_text

Policies = Mapping[tuple[Scope, str], StoredPolicy]


@lru_cache(maxsize=256)
def short_policy(lead_days: tuple[int, ...], alert_time: str) -> Policy:
    """Return a policy in short form; the same object each time, which caches find faster."""
    return Policy(lead_days, time.fromisoformat(alert_time))


class PolicyText(TypeDecorator[StoredPolicy]):
    """A column of one policy."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: StoredPolicy | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write the text that ``_policy`` reads."""
        return None if value is None else _text(_json_of(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> StoredPolicy | None:  # noqa: ARG002
        """Return the policy."""
        return None if value is None else _policy(value)


class PolicyTexts(TypeDecorator[Policies]):
    """A column of policies by scope and key; without any it is empty."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Policies | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write the text that ``_policies`` reads."""
        if not value:
            return None
        return _text([[*key, _json_of(stored)] for key, stored in sorted(value.items())])

    def process_result_value(self, value: str | None, dialect: Dialect) -> Policies:  # noqa: ARG002
        """Return the policies."""
        return _NO_POLICIES if value is None else _policies(value)


_NO_POLICIES: Policies = MappingProxyType({})


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# The cached values cannot be changed. Most products and lots of a household share a few policies.
@lru_cache(maxsize=1024)
def _policy(text: str) -> StoredPolicy:
    return _stored(json.loads(text))


@lru_cache(maxsize=256)
def _policies(text: str) -> Policies:
    return MappingProxyType(
        {(Scope(scope), key): _stored(value) for scope, key, value in json.loads(text)}
    )


def _json_of(stored: StoredPolicy) -> dict[str, Any]:
    value = _fields_json(stored.fields)
    if short := _fields_json(stored.short):
        value["short"] = short
    return value


def _stored(value: Mapping[str, Any]) -> StoredPolicy:
    return StoredPolicy(_fields(value), _fields(value.get("short", {})))


def _fields_json(fields: PolicyFields) -> dict[str, Any]:
    repeat, muted = fields.repeat, fields.muted
    values = {
        "leads": None if fields.leads is None else list(map(str, fields.leads)),
        "alertTime": fields.alert_time and fields.alert_time.isoformat("minutes"),
        "onExpiry": fields.on_expiry,
        "repeat": repeat and {"every": str(repeat.every), "most": repeat.most},
        "muted": muted if muted is None or isinstance(muted, bool) else utc_text(muted),
        "unmutedAt": fields.unmuted_at and utc_text(fields.unmuted_at),
    }
    return {name: value for name, value in values.items() if value is not None}


def _fields(value: Mapping[str, Any]) -> PolicyFields:
    leads, at, repeat = value.get("leads"), value.get("alertTime"), value.get("repeat")
    muted, unmuted_at = value.get("muted"), value.get("unmutedAt")
    return PolicyFields(
        leads=None if leads is None else tuple(map(Lead.parse, leads)),
        alert_time=None if at is None else time.fromisoformat(at),
        on_expiry=value.get("onExpiry"),
        repeat=repeat and Repeat(Duration.parse(repeat["every"]), repeat["most"]),
        muted=from_utc_text(muted) if isinstance(muted, str) else muted,
        unmuted_at=unmuted_at and from_utc_text(unmuted_at),
    )
