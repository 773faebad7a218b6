"""JSON model of a node's health."""

from enum import StrEnum

from pydantic import Field

from useby.schemas.fields import ApiModel


class Readiness(StrEnum):
    """State of a node."""

    OK = "ok"
    DEGRADED = "degraded"
    """The node takes work, but a part of it is slow or full."""
    UNREADY = "unready"
    """The node takes no work now."""


class Health(ApiModel):
    """State of the node, with the reasons if it is not `ok`."""

    status: Readiness
    reasons: list[str] = Field(default_factory=list)
