"""JSON models of the policies of alerts in useby's own file.

A product and a lot have their own policy as a member; the others are a list of the file.
"""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import model_validator

from useby.domain.policy import PolicyFields, Scope
from useby.domain.product import DateKind
from useby.schemas.fields import Characters, Instant
from useby.schemas.policies import DATE_KIND_FORM, PolicyIn, RepeatFields

FoldedName = Annotated[str, Characters(1, 300, "Dairy", is_name=True)]
"""A name of up to 100 characters, each of which folding its case can make three."""


class FilePolicy(PolicyIn):
    """A policy of the file."""

    unmuted_at: Instant | None = None

    @property
    def fields(self) -> PolicyFields:
        """The fields as the domain has them."""
        return replace(super().fields, unmuted_at=self.unmuted_at)

    @classmethod
    def of(cls, fields: PolicyFields, **more: Any) -> Self:
        """Return a policy in its JSON form; ``more`` are fields of a subclass."""
        repeat, at = fields.repeat, fields.alert_time
        return cls.model_construct(
            leads=fields.leads,
            alert_time=None if at is None else at.isoformat("minutes"),
            on_expiry=fields.on_expiry,
            repeat=None
            if repeat is None
            else RepeatFields.model_construct(every=str(repeat.every), most=repeat.most),
            muted=fields.muted,
            unmuted_at=fields.unmuted_at,
            **more,
        )


class WideScope(StrEnum):
    """Scope of a policy that is stored with the account."""

    ACCOUNT = "account"
    CATEGORY = "category"
    LOCATION = "location"
    DATE_KIND = "dateKind"


class WidePolicy(FilePolicy):
    """A policy of the file's list: of the account, a category, a location or a kind of date."""

    scope: WideScope
    key: FoldedName | None = None

    @property
    def stored_key(self) -> str:
        """The key under which the policy is stored; empty for the account."""
        key = self.key or ""
        return key.casefold() if self.scope is WideScope.CATEGORY else key

    @model_validator(mode="after")
    def _has_the_key_of_its_scope(self) -> Self:
        if (self.key is None) != (self.scope is WideScope.ACCOUNT):
            raise ValueError('must have a key unless it is of the account, e.g. "Dairy"')
        if self.scope is WideScope.DATE_KIND and self.key not in set(DateKind):
            raise ValueError(DATE_KIND_FORM)
        return self


def exported_policies(found: Iterable[tuple[Scope, str, PolicyFields]]) -> list[str]:
    """Return the policies that are stored with an account, each as one line of JSON."""
    return [
        WidePolicy.of(fields, scope=WideScope(scope.value), key=key or None).model_dump_json(
            by_alias=True, exclude_defaults=True
        )
        for scope, key, fields in found
    ]
