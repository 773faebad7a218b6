"""JSON models of the answers about sample products."""

from typing import Annotated

from pydantic import Field

from useby.schemas.fields import ApiModel


class SamplesAdded(ApiModel):
    """Result of adding the samples."""

    added: Annotated[int, Field(description="Number of products; 0 if all of them were there.")]


class SamplesRemoved(ApiModel):
    """Result of removing the samples."""

    removed: Annotated[int, Field(description="Number of products; 0 if there were none.")]
