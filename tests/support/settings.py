"""A node's settings for a test."""

from pydantic_settings import SettingsConfigDict

from useby.settings import Settings


class SettingsWithoutFile(Settings):
    """Settings that no ``.env`` file changes; a misspelled name is an error."""

    model_config = SettingsConfigDict(env_file=None, extra="forbid")
