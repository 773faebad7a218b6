"""JSON model of the functions that a node offers its page."""

from typing import Annotated

from pydantic import Field

from useby.domain.channel import ChannelKind
from useby.schemas.fields import ApiModel


class ConfigOut(ApiModel):
    """Functions that a node offers its page."""

    demo: Annotated[bool, Field(description="True if `useby demo` runs the node.")]
    sign_up: Annotated[
        bool, Field(description="False if only an operator creates accounts, as /api/auth/signup.")
    ]
    mail: Annotated[
        bool, Field(description="True if the node sends mail, e.g. for a forgotten password.")
    ]
    channel_kinds: Annotated[
        list[ChannelKind], Field(description="Kinds of channels that `POST /api/channels` accepts.")
    ]
