"""A node's settings for a test."""

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from useby.settings import Settings


class SettingsWithoutFile(Settings):
    """Settings that no ``.env`` file changes; a misspelled name is an error."""

    model_config = SettingsConfigDict(env_file=None, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out the sources of files, which take as long as all others."""
        return init_settings, env_settings
